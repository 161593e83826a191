import { InputError } from "../config/errors.ts";
import { speedOfLight } from "../geometry/constants.ts";
import type { Seed } from "../geometry/track.ts";
import { decodeFrame, encodeFrame, type Frame } from "../i3/frame.ts";
import { type I3ClassName, type ObjectOf, objectOf } from "../i3/objects.ts";
import { PickledFrame, readPickle } from "../i3/pickle.ts";
import { PickleWriter } from "../i3/pickle_writer.ts";
import { makeFrame } from "../i3/write.ts";
import type { Task } from "../scan/task.ts";
import { isNside, npix } from "../sky/healpix.ts";

/** One fit to be done, as the original hands it out: a P frame with the seed in it. */

/** A task with the seed its fit starts from, made by the server. */
export interface SeededTask extends Task {
  readonly seed: Seed;
}

/** Keys of the frame. */
const keys = {
  header: "I3EventHeader",
  seed: "MillipedeSeedParticle",
  fallback: "MillipedeSeedParticle_fallback",
  nside: "SCAN_HealpixNSide",
  pixel: "SCAN_HealpixPixel",
  posvar: "SCAN_PositionVariationIndex",
} as const;

const padded = (value: number): string => String(value).padStart(4, "0");

/**
 * The frame of a task.
 * @param header of the event's physics frame: run, event and times are taken from it
 */
export function pixelFrame(task: SeededTask, header: ObjectOf<"I3EventHeader">): Frame {
  const { nside, pixel, posvar, seed } = task;
  const { zenith, azimuth, energy, fallback } = seed;
  const integer = (value: number) => ({ type: "I3Int", value }) as const;
  const particle = (id: number, { x, y, z, time }: Pick<Seed, "x" | "y" | "z" | "time">) =>
    ({
      type: "I3Particle",
      minor_id: id,
      major_id: majorId(header),
      pdg_encoding: 0,
      shape: "InfiniteTrack",
      fit_status: "OK",
      pos: [x, y, z],
      dir: { zenith, azimuth },
      time,
      energy: energy ?? Number.NaN,
      length: Number.NaN,
      speed: speedOfLight,
      location: "Anywhere",
    }) satisfies ObjectOf<"I3Particle">;
  return makeFrame("P", {
    [keys.header]: {
      ...header,
      sub_event_stream: `SCAN_nside${padded(nside)}_pixel${padded(pixel)}_posvar${padded(posvar)}`,
      sub_event_id: pixel,
    },
    [keys.seed]: particle(0, seed),
    ...(fallback && { [keys.fallback]: particle(1, fallback) }),
    [keys.nside]: integer(nside),
    [keys.pixel]: integer(pixel),
    [keys.posvar]: integer(posvar),
  });
}

/** Particles of one process share an identity; of an event's frames that is the event's. */
const majorId = ({ run_id, event_id }: ObjectOf<"I3EventHeader">): bigint =>
  (BigInt(run_id) << 32n) | BigInt(event_id);

/** The task a frame holds. Throws InputError naming the key that is missing or no good. */
export function readPixelFrame(frame: Frame): SeededTask {
  const nside = integerOf(frame, keys.nside);
  const pixel = integerOf(frame, keys.pixel);
  const posvar = integerOf(frame, keys.posvar);
  if (!isNside(nside)) throw new InputError(`key "${keys.nside}": ${nside} is no power of two`);
  if (pixel < 0 || pixel >= npix(nside))
    throw new InputError(`key "${keys.pixel}": nside ${nside} has no pixel ${pixel}`);
  if (posvar < 0) throw new InputError(`key "${keys.posvar}": ${posvar} is no index`);
  const particle = objectIn(frame, keys.seed, "I3Particle");
  if (!particle) throw new InputError(`no key "${keys.seed}" in the frame`);
  const fallback = objectIn(frame, keys.fallback, "I3Particle");
  const { dir, energy } = particle;
  return {
    ...{ nside, pixel, posvar },
    seed: {
      ...vertexOf(keys.seed, particle),
      zenith: dir.zenith,
      azimuth: dir.azimuth,
      ...(Number.isFinite(energy) && energy > 0 && { energy }),
      ...(fallback && { fallback: vertexOf(keys.fallback, fallback) }),
    },
  };
}

function vertexOf(key: string, { pos: [x, y, z], time, dir }: ObjectOf<"I3Particle">) {
  if (![x, y, z, time, dir.zenith, dir.azimuth].every(Number.isFinite))
    throw new InputError(`key "${key}": its position, direction or time is not finite`);
  return { x, y, z, time };
}

function objectIn<C extends I3ClassName>(
  { records }: Frame,
  key: string,
  type: C,
): ObjectOf<C> | undefined {
  const record = records.get(key);
  const object = record && objectOf(record);
  if (object && object.type !== type) throw new InputError(`key "${key}" is no ${type}`);
  return object as ObjectOf<C> | undefined;
}

function integerOf(frame: Frame, key: string): number {
  const object = objectIn(frame, key, "I3Int");
  if (!object) throw new InputError(`no key "${key}" in the frame`);
  return object.value;
}

/** A frame's pickle, byte for byte as the original's server writes it. */
export const writePickledFrame = (frame: Frame): Uint8Array =>
  new PickleWriter()
    .global("icecube._icetray", "I3Frame")
    .noArguments()
    .call()
    .emptyDict()
    .bytes(encodeFrame(frame))
    .tuple2()
    .setState()
    .finish();

/** The frame in such a pickle. Throws InputError for everything else. */
export function readPickledFrame(bytes: Uint8Array): Frame {
  const value = readPickle(bytes);
  if (!(value instanceof PickledFrame) || !value.blob)
    throw new InputError("the pickle holds no I3Frame");
  return decodeFrame(value.blob);
}
