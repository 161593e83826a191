import { readdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { consola } from "consola";
import { InputError, MachineError } from "../config/errors.ts";
import { placed } from "../i3/context.ts";
import { readI3File } from "../i3/file.ts";
import type { Frame } from "../i3/frame.ts";
import { type I3ClassName, type I3Object, type ObjectOf, objectOf } from "../i3/objects.ts";
import type { OMKey } from "../i3/omkey.ts";
import { builtinDetector } from "./builtin.ts";
import type { Detector, Dom } from "./detector.ts";
import {
  applyCalibrationDiff,
  applyGeometryDiff,
  applyStatusDiff,
  type DetectorParts,
} from "./differences.ts";
import { meanSpeCharge } from "./spe_charge.ts";

/** An event as far as its detector goes; event/event.ts has all of it. */
export interface DetectorEvent {
  readonly metadata: { readonly runId: number };
  readonly frames: readonly Frame[];
}

/** Where baseline GCD files are kept besides --gcd-dir. */
export const STANDARD_GCD_DIRS = [
  "/opt/i3-data/baseline_gcds",
  "/cvmfs/icecube.opensciencegrid.org/users/RealTime/GCD/PoleBaseGCDs",
] as const;

/** Alerts of 2016 name their baseline by a link; it stood for this file. */
const CURRENT_GCD = { name: "current-gcd", file: "2016_01_08_Run127381.i3" } as const;

/** A baseline may be kept packed, under its name with one of these behind it. */
const PACKED = ["", ".zst", ".gz", ".bz2"] as const;

/**
 * The detector as the event saw it.
 *
 * With GCD objects in the event's own frames: those. Else, with `gcdDir`: the baseline GCD file the event's
 * differences name (or, without differences, the newest of an earlier run), and the differences applied. Without
 * `gcdDir`: the built-in detector; only the event's own lists of bad DOMs are taken.
 *
 * @param gcdDir folder of baseline GCD files, searched before the standard places; or one such file
 * @throws InputError for differences to different baselines, or one they were not made for; MachineError where the
 *   baseline is not on this machine
 */
export async function detectorOf(event: DetectorEvent, gcdDir?: string): Promise<Detector> {
  const own = contentsOf(event.frames);
  const isComplete = own.I3Geometry && own.I3Calibration && own.I3DetectorStatus;
  const baseName = baselineOf(event);
  if (!isComplete && gcdDir === undefined) {
    const builtin = builtinDetector();
    return {
      ...builtin,
      badDoms: badDomsOf(own) ?? builtin.badDoms,
      badDomsSlc: slcListOf(own) ?? builtin.badDomsSlc,
    };
  }
  const basePath = isComplete
    ? undefined
    : baseName === undefined
      ? await baselineByRun(gcdDir!, event.metadata.runId)
      : await findBaseline(gcdDir!, baseName);
  const base = basePath === undefined ? undefined : await readBaseline(basePath);
  const baselineFile = basePath && basename(basePath);
  const parts = partsOf(own, base, basePath ?? "the event's frames");
  // without a list, DOMs without high voltage are the bad ones
  const badDoms = badDomsOf(own) ?? (base && badDomsOf(base)) ?? offDoms(parts);
  const badDomsSlc = slcListOf(own) ?? (base && slcListOf(base)) ?? badDoms;
  return {
    doms: domsOf(parts),
    badDoms,
    badDomsSlc,
    source: baselineFile ?? "the event's own GCD frames",
    ...(basePath !== undefined && { baselinePath: resolve(basePath) }),
    ...(baselineFile !== undefined && { baselineFile }),
  };
}

/**
 * The baseline GCD file the event's differences are to; undefined for an event without differences.
 * @throws InputError when geometry, calibration and status name different ones
 */
export function baselineOf(event: Pick<DetectorEvent, "frames">): string | undefined {
  const names = new Map<string, string>();
  for (const [key, object] of Object.entries(contentsOf(event.frames)))
    if (object && "base_filename" in object) names.set(object.base_filename, key);
  if (names.size > 1)
    throw new InputError(
      `differences to different baselines: ${[...names].map(([name, key]) => `${key} to "${name}"`).join(", ")}`,
    );
  const [name] = names.keys();
  if (name === CURRENT_GCD.name) return CURRENT_GCD.file;
  if (name !== undefined && (name === "" || /[/\0]|^\.+$/.test(name)))
    throw new InputError(`differences to a baseline that is no file name: ${JSON.stringify(name)}`);
  return name;
}

/** The objects that describe the detector, by key, from the G, C and D frames. */
type Contents = { [K in DetectorClass]?: ObjectOf<K> } & {
  BadDomsList?: ObjectOf<"I3VectorOMKey">;
  BadDomsListSLC?: ObjectOf<"I3VectorOMKey">;
};
const DETECTOR_CLASSES = [
  "I3Geometry",
  "I3GeometryDiff",
  "I3Calibration",
  "I3CalibrationDiff",
  "I3DetectorStatus",
  "I3DetectorStatusDiff",
] as const satisfies readonly I3ClassName[];
type DetectorClass = (typeof DETECTOR_CLASSES)[number];

function contentsOf(frames: readonly Frame[]): Contents {
  const contents: Record<string, I3Object> = {};
  const take = (key: string, type: I3ClassName) => {
    const record = frames
      .find(({ stream, records }) => "GCD".includes(stream) && records.has(key))
      ?.records.get(key);
    if (!record) return;
    const object = objectOf(record);
    if (object?.type !== type) throw new InputError(`key "${key}" is no ${type}`);
    contents[key] = object;
  };
  for (const type of DETECTOR_CLASSES) take(type, type);
  take("BadDomsList", "I3VectorOMKey");
  take("BadDomsListSLC", "I3VectorOMKey");
  return contents as Contents;
}

const badDomsOf = ({ BadDomsList }: Contents): ReadonlySet<OMKey> | undefined =>
  BadDomsList && new Set(BadDomsList.value);
const slcListOf = ({ BadDomsListSLC }: Contents): ReadonlySet<OMKey> | undefined =>
  BadDomsListSLC && new Set(BadDomsListSLC.value);

/** Folders to look in, and whether `gcdDir` itself is a file. */
async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}

async function findBaseline(gcdDir: string, name: string): Promise<string> {
  if (await isFile(gcdDir)) {
    if (PACKED.some((ending) => basename(gcdDir) === name + ending)) return gcdDir;
    throw new InputError(
      `${gcdDir} is the wrong baseline: the event's differences are to "${name}"`,
    );
  }
  for (const folder of [gcdDir, ...STANDARD_GCD_DIRS])
    for (const ending of PACKED) {
      const path = join(folder, name + ending);
      if (await isFile(path)) return path;
    }
  throw new MachineError(
    `baseline GCD file "${name}" is neither in ${gcdDir} nor in ${STANDARD_GCD_DIRS.join(" nor in ")}`,
  );
}

/** The run a baseline was made for, out of its name: 2016_01_08_Run127381.i3, baseline_gcd_138615.i3. */
export function runOfBaseline(name: string): number | undefined {
  const digits = /(?:Run|^baseline_gcd_)(\d+)\.i3(?:\.\w+)?$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** The baseline of the newest run before `run`; for events whose frames say nothing of the detector. */
async function baselineByRun(gcdDir: string, run: number): Promise<string> {
  if (await isFile(gcdDir)) return gcdDir;
  for (const folder of [gcdDir, ...STANDARD_GCD_DIRS]) {
    const names = (await readdir(folder).catch(() => []))
      .filter((name) => name.includes(".i3"))
      .sort();
    const known = names
      .map((name) => ({ name, of: runOfBaseline(name) }))
      .filter((file): file is { name: string; of: number } => file.of !== undefined)
      .sort((a, b) => a.of - b.of);
    const best = known.findLast(({ of }) => of < run)?.name ?? names[0];
    if (best === undefined) continue;
    if (!known.some(({ name, of }) => name === best && of < run))
      consola.warn(`no baseline GCD file of a run before ${run} in ${folder}; taking ${best}`);
    return join(folder, best);
  }
  throw new MachineError(
    `no GCD file (.i3) in ${gcdDir} nor in ${STANDARD_GCD_DIRS.join(" nor in ")}, and the event has no geometry of its own`,
  );
}

async function readBaseline(path: string): Promise<Contents> {
  const frames: Frame[] = [];
  for await (const frame of readI3File(path)) {
    if ("GCD".includes(frame.stream) && !frames.some(({ stream }) => stream === frame.stream))
      frames.push(frame);
    if (frames.length === 3) break;
  }
  try {
    const contents = contentsOf(frames);
    for (const key of ["I3Geometry", "I3Calibration", "I3DetectorStatus"] as const)
      if (!contents[key])
        throw new InputError(
          contents[`${key}Diff`]
            ? `is itself a difference (to "${contents[`${key}Diff`]!.base_filename}"), no baseline`
            : `no ${key}: no GCD file`,
        );
    return contents;
  } catch (error) {
    throw placed(path, error);
  }
}

/** Full objects win over differences, and these are put on the baseline. */
function partsOf(own: Contents, base: Contents | undefined, where: string): DetectorParts {
  const missing = (what: string): never => {
    throw new InputError(`${where}: no ${what}`);
  };
  const geometry = () => base?.I3Geometry?.omgeo ?? missing("I3Geometry");
  const calibration = () => base?.I3Calibration?.dom_cal ?? missing("I3Calibration");
  const status = () => base?.I3DetectorStatus?.dom_status ?? missing("I3DetectorStatus");
  return {
    geometry:
      own.I3Geometry?.omgeo ??
      (own.I3GeometryDiff ? applyGeometryDiff(geometry(), own.I3GeometryDiff) : geometry()),
    calibration:
      own.I3Calibration?.dom_cal ??
      (own.I3CalibrationDiff
        ? applyCalibrationDiff(calibration(), own.I3CalibrationDiff)
        : calibration()),
    status:
      own.I3DetectorStatus?.dom_status ??
      (own.I3DetectorStatusDiff ? applyStatusDiff(status(), own.I3DetectorStatusDiff) : status()),
  };
}

const isOn = (parts: DetectorParts, key: OMKey): boolean =>
  (parts.status.get(key)?.pmt_hv ?? 0) !== 0;

const offDoms = (parts: DetectorParts): Set<OMKey> =>
  new Set([...parts.geometry.keys()].filter((key) => !isOn(parts, key)));

function domsOf(parts: DetectorParts): Map<OMKey, Dom> {
  const doms = new Map<OMKey, Dom>();
  for (const [key, { position, omtype }] of parts.geometry) {
    const calibration = parts.calibration.get(key);
    doms.set(key, {
      key,
      x: position[0],
      y: position[1],
      z: position[2],
      relativeEfficiency: calibration?.relative_dom_eff ?? Number.NaN,
      noiseRate: calibration?.dom_noise_rate ?? Number.NaN,
      meanSpeCharge: calibration
        ? meanSpeCharge(calibration.spe, calibration.mean_atwd_charge)
        : Number.NaN,
      highVoltage: parts.status.get(key)?.pmt_hv ?? 0,
      isOn: isOn(parts, key),
      omType: omtype,
    });
  }
  return doms;
}
