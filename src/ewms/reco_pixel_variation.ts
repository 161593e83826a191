import { InputError } from "../config/errors.ts";
import { ByteReader, ByteWriter } from "../i3/bytes.ts";
import { PickledObject, type PickleValue, readPickle } from "../i3/pickle.ts";
import { PickleWriter } from "../i3/pickle_writer.ts";
import type { TaskResult } from "../scan/task.ts";

/** The original's result of one fit as it travels: a pickle of its class RecoPixelVariation. */

const RESULT = ["skymap_scanner.utils.pixel_classes", "RecoPixelVariation"] as const;
const POSITION = ["icecube._dataclasses", "I3Position"] as const;
const nameOf = ([module, name]: readonly [string, string]) => `${module} ${name}`;
/** Old IceTray has its classes in the module without underscore. */
const CLASSES: ReadonlySet<string> = new Set([
  nameOf(RESULT),
  nameOf(POSITION),
  "icecube.dataclasses I3Position",
]);
/** What an I3Position's archive begins with: class and base class, both untracked, of version 0. */
const POSITION_HEAD = Uint8Array.of(1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0);
const POSITION_SIZE = POSITION_HEAD.length + 3 * 8;

/** The pickle of a result, byte for byte as the original's client writes it. */
export function writeRecoPixelVariation(result: TaskResult): Uint8Array {
  const { llh, E_in, E_tot, x, y, z, time, energy, nside, pixel, posvar } = result;
  const to = new PickleWriter();
  to.global(...RESULT)
    .noArguments()
    .newObject();
  to.emptyDict().mark();
  to.text("llh").float(llh);
  to.text("reco_losses_inside").float(E_in);
  to.text("reco_losses_total").float(E_tot);
  to.text("position")
    .global(...POSITION)
    .noArguments()
    .call();
  to.emptyDict()
    .bytes(positionBytes([x, y, z]))
    .tuple2()
    .setState();
  to.text("time").float(time);
  to.text("energy").float(energy);
  to.text("nside").integer(nside);
  to.text("pixel_id").integer(pixel);
  to.text("posvar_id").integer(posvar);
  to.text("id_tuple").integer(nside).integer(pixel).integer(posvar).tuple3();
  to.setItems().setState();
  return to.finish();
}

function positionBytes(position: readonly number[]): Uint8Array {
  const to = new ByteWriter();
  to.raw(POSITION_HEAD);
  for (const coordinate of position) to.f64(coordinate);
  return to.finish();
}

/** Reads such a pickle. Throws InputError for everything else; nothing in it is ever executed. */
export function readRecoPixelVariation(bytes: Uint8Array): TaskResult {
  const state = fieldsOf(readPickle(bytes, CLASSES), nameOf(RESULT));
  const field = (name: string): PickleValue | undefined => state.get(name);
  const number = (name: string): number => {
    const value = field(name);
    if (typeof value === "number") return value;
    throw new InputError(`result: ${name} is no number`);
  };
  const integer = (name: string): number => {
    const value = number(name);
    if (Number.isSafeInteger(value) && value >= 0) return value;
    throw new InputError(`result: ${name} is ${value}, no index`);
  };
  const [x, y, z] = positionOf(field("position"));
  return {
    ...{ nside: integer("nside"), pixel: integer("pixel_id"), posvar: integer("posvar_id") },
    ...{ llh: number("llh"), x, y, z, time: number("time"), energy: number("energy") },
    ...{ E_in: number("reco_losses_inside"), E_tot: number("reco_losses_total") },
  };
}

/** The attributes of an object whose state is a dictionary. */
function fieldsOf(value: PickleValue, name: string): Map<PickleValue, PickleValue> {
  if (!(value instanceof PickledObject) || value.name !== name)
    throw new InputError("result: the pickle holds no RecoPixelVariation");
  if (!(value.state instanceof Map)) throw new InputError("result: without attributes");
  return value.state;
}

/** x, y, z of a pickled I3Position: state ({}, archive). */
function positionOf(value: PickleValue | undefined): [number, number, number] {
  const state = value instanceof PickledObject ? value.state : undefined;
  const archive = Array.isArray(state) && state.length === 2 ? state[1] : undefined;
  if (!(archive instanceof Uint8Array) || archive.length !== POSITION_SIZE)
    throw new InputError("result: position is no I3Position");
  if (!POSITION_HEAD.every((byte, i) => archive[i] === byte))
    throw new InputError("result: position is an I3Position of an unknown version");
  const from = new ByteReader(archive.subarray(POSITION_HEAD.length));
  return [from.f64(), from.f64(), from.f64()];
}
