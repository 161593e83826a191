import { basename } from "node:path";
import { InputError } from "../config/errors.ts";
import { builtinDetector } from "../detector/builtin.ts";
import type { Detector } from "../detector/detector.ts";
import { detectorOf } from "../detector/gcd.ts";
import { withoutDoms } from "../event/event.ts";
import { parseEvent } from "../event/load.ts";
import type { FirstDirection } from "../geometry/first_direction.ts";
import type { Minimum, Start } from "../geometry/minima.ts";
import { directionOfTravel, type Seed } from "../geometry/track.ts";
import { chosenDetector, isAnythingChosen, readChoice } from "../light/choice.ts";
import { type LightOptions, openEmbeddedLight, openLight } from "../light/light.ts";
import type { LightModel } from "../native/light.ts";
import { type Moment, momentAt, toDetector, toEquatorial } from "../native/sky.ts";
import type { Fit, Fitter, FreeFit, Place } from "../reco/reco.ts";
import { findReco } from "../reco/registry.ts";
import { pixelSeed, withMiniTest } from "../reco/seed.ts";
import { fitTuple, seedValues } from "../scan/fit_values.ts";
import { passedOn } from "../scan/minima.ts";
import type { FailedVariation, FreeStart } from "../scan/task.ts";
import { pixelCentre, type Vector } from "../sky/healpix.ts";
import type { Fits } from "./fit_process.ts";
import type { FitOutcome, FitSetup, FitTask } from "./protocol.ts";

/**
 * Reads a setup's event, and the detector it was seen with.
 * Throws InputError when either cannot be used.
 */
export async function openEvent({ startup, isRealEvent, choice: chosen, gcdDir }: FitSetup) {
  const packet = new TextEncoder().encode(JSON.stringify(startup.GCDQp_packet));
  const choice = readChoice(chosen);
  const event = parseEvent(packet, "GCDQp packet", { isRealEvent });
  const detector = chosenDetector(await detectorOf(event, gcdDir), choice);
  requireSameBaseline(detector, startup.baseline_GCD_file);
  return { event, detector, choice };
}

/** What most scans' fits are made with, opened before any is known; undefined: it has not been, or is in use. */
let spareLight: LightModel | undefined;

/** Gets ready what nearly every event needs: measured to be half of the time from an event to its first fit. */
export function warmUp(): void {
  builtinDetector();
  spareLight ??= openEmbeddedLight("muon");
}

/** Throws as {@link openLight} does. */
function lightFor(options: LightOptions): LightModel {
  return openLight(options, (purpose, embedded) => {
    const isSpares = purpose === "muon" && !isAnythingChosen(options.choice ?? {});
    const spare = isSpares ? spareLight : undefined;
    if (spare) spareLight = undefined;
    return spare ?? openEmbeddedLight(purpose, embedded);
  });
}

/**
 * Opens an event for fitting: detector, light, pulses, the native fitter.
 * Throws InputError when any of it cannot be used.
 */
export async function openFits(setup: FitSetup): Promise<Fits> {
  const { photonTables, seed } = setup;
  const { event: given, detector, choice } = await openEvent(setup);
  const event = withoutDoms(given, choice.badDoms);
  const reco = findReco(setup.reco);
  const light =
    reco.light === undefined
      ? undefined
      : lightFor({
          reco: reco.light,
          ...(photonTables !== undefined && { photonTables }),
          choice,
        });
  const prepared = reco.prepare(event, detector, light);
  const fitter = reco.open(prepared, light, seed === undefined ? {} : { seed });
  const seeds = setup.miniTest ? withMiniTest(reco.seeds) : reco.seeds;
  const moment = momentAt(event.metadata.mjd);
  const axes = skyAxes(moment);

  return {
    light: light ? { kind: light.kind, description: light.description } : null,
    async fit(task: FitTask): Promise<FitOutcome> {
      const started = performance.now();
      if (task.free !== null) return freeOutcome(task.id, fitter, task.free, axes, moment);
      const { id, nside, pixel, posvar, count, parent } = task;
      const { ra, dec } = pixelCentre(nside, pixel);
      const direction = toDetector(ra, dec, moment);
      const from = parent ? seedValues(parent) : undefined;
      const directionSeeds: Iterable<Seed> = {
        *[Symbol.iterator]() {
          for (let n = 0; n < count; n++)
            yield pixelSeed(prepared, seeds, direction, posvar + n, from);
        },
      };
      const { fits, minima } = await fitAll(fitter, task, axes, directionSeeds);
      const best = bestOf(fits);
      return {
        id,
        values: fitTuple(best),
        evaluations: fits.reduce((sum, fit) => sum + fit.evaluations, 0),
        seconds: (performance.now() - started) / 1000,
        failures: Array.from({ length: count }, (_, n) => fits[n] ?? fits[0]).flatMap(
          ({ reason }, n): FailedVariation[] =>
            reason === undefined ? [] : [[posvar + n, reason]],
        ),
        ...(minima && { minima }),
      };
    },
  };
}

/** The fits of one task, and its direction's minima. */
async function fitAll(
  fitter: Fitter,
  { nside, pixel, posvar, starts }: FitTask,
  axes: Axes,
  seeds: Iterable<Seed>,
): Promise<{ readonly fits: readonly [Fit, ...Fit[]]; readonly minima?: readonly Minimum[] }> {
  const found = fitter.fitDirection?.(
    seeds,
    (starts ?? []).map((start) => inDetector(start, axes)),
  );
  if (found !== undefined)
    return { fits: found.fits, minima: passedOn(found.minima.map((place) => onSky(place, axes))) };
  const fits: Fit[] = [];
  for (const seed of seeds)
    fits.push(await fitter.fit(seed, { nside, pixel, posvar: posvar + fits.length }));
  return { fits: fits as [Fit, ...Fit[]] };
}

/** The best fit of all directions, from where those pixels have their lowest minima. */
function freeOutcome(
  id: number,
  fitter: Fitter,
  starts: readonly FreeStart[],
  axes: Axes,
  moment: Moment,
): FitOutcome {
  if (fitter.fitFreely === undefined) throw new Error("this algorithm's direction is never free");
  const started = performance.now();
  const fit = fitter.fitFreely(
    starts.map(({ nside, pixel, at }) => {
      const { ra, dec } = pixelCentre(nside, pixel);
      return { ...inDetector(at, axes), ...toDetector(ra, dec, moment) };
    }),
  );
  return {
    ...{ id, values: fitTuple(fit), evaluations: fit.evaluations },
    seconds: (performance.now() - started) / 1000,
    direction: directionOnSky(fit, axes, moment),
  };
}

/** The lowest llh, of equal ones the first; any number is better than none. */
const bestOf = ([first, ...others]: readonly [Fit, ...Fit[]]): Fit =>
  others.reduce(
    (best, fit) =>
      fit.llh < best.llh || (Number.isNaN(best.llh) && !Number.isNaN(fit.llh)) ? fit : best,
    first,
  );

/** The sky's axes (J2000: towards ra 0, ra 90° and the north pole) as seen in the detector. */
type Axes = readonly [Vector, Vector, Vector];

function skyAxes(moment: Moment): Axes {
  const towards = (ra: number, dec: number): Vector => {
    const { zenith, azimuth } = toDetector(ra, dec, moment);
    const [x, y, z] = directionOfTravel({ zenith, azimuth });
    return [-x, -y, -z];
  };
  return [towards(0, 0), towards(Math.PI / 2, 0), towards(0, Math.PI / 2)];
}

/** One number of a place in the detector. */
const alongDetector = (start: Start, axes: Axes, axis: 0 | 1 | 2): number =>
  start[0] * axes[0][axis] + start[1] * axes[1][axis] + start[2] * axes[2][axis];

const inDetector = (start: Start, axes: Axes): Place => ({
  x: alongDetector(start, axes, 0),
  y: alongDetector(start, axes, 1),
  z: alongDetector(start, axes, 2),
  llh: start[3] ?? Number.NaN,
});

/** One number of a place on the sky. */
const alongSky = ({ x, y, z }: Place, axis: Vector): number =>
  x * axis[0] + y * axis[1] + z * axis[2];

const onSky = (place: Place, axes: Axes): Minimum => [
  alongSky(place, axes[0]),
  alongSky(place, axes[1]),
  alongSky(place, axes[2]),
  place.llh,
];

/** A free fit's direction on the sky, its covariance turned from azimuth and zenith to east and north. */
function directionOnSky(
  { zenith, azimuth, uu, uv, vv }: FreeFit,
  axes: Axes,
  moment: Moment,
): FirstDirection {
  const { ra, dec } = toEquatorial(zenith, azimuth, moment);
  const [x, y, z] = onSky(
    { x: -Math.sin(azimuth), y: Math.cos(azimuth), z: 0, llh: Number.NaN },
    axes,
  );
  // Of the direction in which azimuth grows: how far east and north of the track's origin it points.
  const east = -Math.sin(ra) * x + Math.cos(ra) * y;
  const north = -Math.sin(dec) * (Math.cos(ra) * x + Math.sin(ra) * y) + Math.cos(dec) * z;
  // Both pairs of axes are right-handed about the direction: a rotation takes the one to the other.
  const length = Math.hypot(east, north);
  const [c, s] = [east / length, north / length];
  return {
    ...{ ra, dec },
    ee: c * c * uu - 2 * c * s * uv + s * s * vv,
    en: c * s * (uu - vv) + (c * c - s * s) * uv,
    nn: s * s * uu + 2 * c * s * uv + c * c * vv,
  };
}

/** Fits made with another detector than the server's would not belong into its map. */
function requireSameBaseline({ source, baselineFile }: Detector, servers: string): void {
  const expected = basename(servers.trim());
  if ((baselineFile ?? "") === expected) return;
  throw new InputError(
    `detector: ${source}, but the server's is ${expected ? `from ${expected}` : "read without a baseline"}; give the same --gcd-dir to both`,
  );
}
