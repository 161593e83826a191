/** The event's hit DOMs as the desk sends them, and where all DOMs of the detector are. */
import type { DomsHeader } from "../../desk/messages.ts";

export interface Doms {
  readonly header: DomsHeader;
  readonly string: Uint16Array;
  readonly om: Uint16Array;
  /** ns after the header's origin. */
  readonly first: Float32Array;
  /** PE. */
  readonly charge: Float32Array;
  readonly offset: Uint32Array;
  readonly time: Float32Array;
  readonly pe: Float32Array;
  /** m; undefined: where the built-in geometry has them. */
  readonly positions?: {
    readonly x: Float32Array;
    readonly y: Float32Array;
    readonly z: Float32Array;
  };
}

/** A "SKD1" body. @throws RangeError where it is not one */
export function readDoms(bytes: ArrayBuffer): Doms {
  const text = new TextDecoder();
  if (text.decode(bytes.slice(0, 4)) !== "SKD1") throw new RangeError("not a SKD1 body");
  const length = new DataView(bytes).getUint32(4, true);
  const header = JSON.parse(text.decode(new Uint8Array(bytes, 8, length))) as DomsHeader;
  let at = Math.ceil((8 + length) / 4) * 4;
  const take = <T>(
    make: new (bytes: ArrayBuffer, at: number, count: number) => T,
    size: number,
    count: number,
  ): T => {
    const array = new make(bytes, at, count);
    at += Math.ceil((size * count) / 4) * 4;
    return array;
  };
  const { doms, pulses, positions } = header;
  const string = take(Uint16Array, 2, doms);
  const om = take(Uint16Array, 2, doms);
  const first = take(Float32Array, 4, doms);
  const charge = take(Float32Array, 4, doms);
  take(Float32Array, 4, doms);
  const offset = take(Uint32Array, 4, doms + 1);
  const time = take(Float32Array, 4, pulses);
  const pe = take(Float32Array, 4, pulses);
  const where = positions
    ? {
        positions: {
          x: take(Float32Array, 4, doms),
          y: take(Float32Array, 4, doms),
          z: take(Float32Array, 4, doms),
        },
      }
    : {};
  return { header, string, om, first, charge, offset, time, pe, ...where };
}

export type Position = readonly [number, number, number];

/** DOMs of the built-in geometry by "string,om", m, of its table. */
export function geometryOf(table: string): Map<string, Position> {
  const found = new Map<string, Position>();
  for (const row of table.split("\n")) {
    const [string, om, x, y, z] = row.split("\t").map(Number);
    if (z !== undefined && Number.isFinite(z)) found.set(`${string},${om}`, [x!, y!, z]);
  }
  return found;
}

/**
 * The range of times that colours span: from the 4th to the 93rd percentile of the DOMs' first pulses, so that noise
 * before and long after does not eat the scale.
 */
export function timeRange(first: ArrayLike<number>): [number, number] {
  const sorted = Float64Array.from(first).sort();
  if (sorted.length === 0) return [0, 1];
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  const [from, to] = [at(0.04), at(0.93)];
  return to > from ? [from, to] : [from, from + 1];
}

/** IceCube's colours of time: red is early, over yellow and green to blue. @param share 0 to 1 @returns RGB, 0 to 1 */
export function timeColour(share: number): [number, number, number] {
  const stops: readonly (readonly [number, number, number])[] = [
    [1, 0.27, 0.22],
    [1, 0.62, 0.2],
    [1, 0.93, 0.35],
    [0.35, 0.83, 0.45],
    [0.27, 0.72, 0.95],
    [0.36, 0.42, 1],
  ];
  const at = Math.min(1, Math.max(0, share)) * (stops.length - 1);
  const i = Math.min(stops.length - 2, Math.floor(at));
  const t = at - i;
  return [0, 1, 2].map((k) => stops[i]![k]! * (1 - t) + stops[i + 1]![k]! * t) as [
    number,
    number,
    number,
  ];
}

/** Charge seen up to a time, PE. */
export function chargeUntil({ offset, time, pe }: Doms, dom: number, until: number): number {
  let sum = 0;
  for (let i = offset[dom]!; i < offset[dom + 1]!; i++) if (time[i]! <= until) sum += pe[i]!;
  return sum;
}

/** Radius of a DOM's sphere by its charge, m. */
export const radiusOf = (charge: number): number => 9 + 11 * Math.cbrt(charge);
