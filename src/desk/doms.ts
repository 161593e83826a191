// "SKD1": the pulses of an event on their way to the page, as typed arrays behind a JSON header; see DomsHeader.
import { builtinDetector } from "../detector/builtin.ts";
import type { Detector } from "../detector/detector.ts";
import type { Event } from "../event/event.ts";
import { pulseKeysOf, resolvePulses } from "../event/objects.ts";
import { type OMKey, omOf, stringOf } from "../i3/omkey.ts";
import type { Pulse, PulseMap } from "../i3/pulses.ts";
import { framed } from "./map_body.ts";
import type { DomsHeader } from "./messages.ts";

/** Pulses to be shown, the best first: what fits are made from before it is cleaned. */
const preferred = [
  ...["SplitInIcePulses", "SplitUncleanedInIcePulses", "InIceDSTPulses", "InIcePulses"],
];

/** A DOM that moved by more than this is shown where it is, m: less is not seen. */
const visibleShift = 0.5;

export function domsBody(event: Event, detector: Detector): Uint8Array<ArrayBuffer> {
  const { kind, pulses } = shownPulses(event);
  const doms = [...pulses].sort(([a], [b]) => a - b);
  const all = doms.flatMap(([, series]) => [...series]);
  const origin = all.reduce((least, { time }) => Math.min(least, time), Number.POSITIVE_INFINITY);
  const moved = hasMoved(doms, detector);
  const header: DomsHeader = {
    ...{ doms: doms.length, pulses: all.length, positions: moved, kind },
    origin: Number.isFinite(origin) ? origin : 0,
  };
  return framed("SKD1", header, columnsOf(doms, all, header, detector));
}

function columnsOf(
  doms: readonly (readonly [OMKey, readonly Pulse[]])[],
  all: readonly Pulse[],
  { origin, positions }: DomsHeader,
  detector: Detector,
): ArrayBufferView[] {
  const offsets = new Uint32Array(doms.length + 1);
  for (const [at, [, series]] of doms.entries()) offsets[at + 1] = offsets[at]! + series.length;
  const first = ([, series]: (typeof doms)[number]) => series[0]!.time - origin;
  const last = ([, series]: (typeof doms)[number]) => series.at(-1)!.time - origin;
  const places = doms.map(([key]) => detector.doms.get(key));
  return [
    shorts(doms.map(([key]) => stringOf(key))),
    shorts(doms.map(([key]) => omOf(key))),
    Float32Array.from(doms, first),
    Float32Array.from(doms, ([, series]) => series.reduce((sum, { charge }) => sum + charge, 0)),
    Float32Array.from(doms, (dom) => last(dom) - first(dom)),
    offsets,
    Float32Array.from(all, ({ time }) => time - origin),
    Float32Array.from(all, ({ charge }) => charge),
    ...(positions
      ? (["x", "y", "z"] as const).map((axis) =>
          Float32Array.from(places, (place) => place?.[axis] ?? Number.NaN),
        )
      : []),
  ];
}

/** Two bytes each, padded to a multiple of four. */
const shorts = (values: readonly number[]): Uint16Array =>
  Uint16Array.from(values.length % 2 === 0 ? values : [...values, 0]);

function shownPulses(event: Event): { kind: string; pulses: PulseMap } {
  const keys = pulseKeysOf(event);
  const kind = preferred.find((key) => keys.includes(key)) ?? keys[0];
  return kind === undefined
    ? { kind: "", pulses: new Map() }
    : { kind, pulses: resolvePulses(event, kind) };
}

function hasMoved(doms: readonly (readonly [OMKey, unknown])[], detector: Detector): boolean {
  const nominal = builtinDetector().doms;
  return doms.some(([key]) => {
    const here = detector.doms.get(key);
    const there = nominal.get(key);
    if (here === undefined || there === undefined) return here !== there;
    return Math.hypot(here.x - there.x, here.y - there.y, here.z - there.z) > visibleShift;
  });
}
