import { afterAll, describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { openFits } from "../../src/client/fits.ts";
import { detectorOf } from "../../src/detector/gcd.ts";
import { loadEvent } from "../../src/event/load.ts";
import { trueDirection } from "../../src/event/online.ts";
import type { FirstDirection } from "../../src/geometry/first_direction.ts";
import { sigmaEllipse } from "../../src/geometry/first_direction.ts";
import { openLight } from "../../src/light/light.ts";
import { momentAt, toDetector } from "../../src/native/sky.ts";
import { openSplineMpe } from "../../src/native/splinempe.ts";
import { firstPulseOf, splinempe } from "../../src/reco/splinempe.ts";
import type { FreeStart } from "../../src/scan/task.ts";
import { startupData } from "../../src/server/startup.ts";
import { angleBetween, npix, pixelAt, pixelVector, vectorOf } from "../../src/sky/healpix.ts";

const event = await loadEvent(resolve(import.meta.dir, "../data/simulated_muon.json"), {});
const fits = await openFits({
  startup: startupData(event, "b", undefined),
  ...{ reco: "splinempe", isRealEvent: event.metadata.isRealEvent, miniTest: false },
});
const light = openLight({ reco: "muon" });
const detector = await detectorOf(event, undefined);
const prepared = splinempe.prepare(event, detector, light);
const likelihood = openSplineMpe(light, {
  doms: [...prepared.cleaned].map(([key, series]) => firstPulseOf(detector.doms.get(key)!, series)),
  window: prepared.readoutWindow,
  energy: prepared.energy!.value,
});
afterAll(() => likelihood.close());

const moment = momentAt(event.metadata.mjd);
const truth = trueDirection(event)!;

/** A pixel close to the true direction, and four coarse ones around it, each with its own lowest minimum. */
const starts: FreeStart[] = [];
const around = Array.from({ length: npix(8) }, (_, pixel) => pixel)
  .map((pixel) => ({
    nside: 8,
    pixel,
    angle: angleBetween(pixelVector(8, pixel), vectorOf(truth)),
  }))
  .sort((a, b) => a.angle - b.angle)
  .slice(0, 4);
for (const { nside, pixel } of [
  { nside: 64, pixel: pixelAt(64, truth.ra, truth.dec) },
  ...around,
]) {
  const task = { nside, pixel, posvar: 0, count: 1, round: 0 };
  const { minima } = await fits.fit({ id: 1, ...task, parent: null, starts: null, free: null });
  starts.push({ nside, pixel, at: minima![0]! });
}
const freely = async (free: readonly FreeStart[]) => {
  const which = { nside: 8, pixel: free[0]!.pixel, posvar: 0, count: 1, round: 63 };
  const { values, direction } = await fits.fit({
    ...{ id: 2, ...which, parent: null, starts: null, free },
  });
  return { values: values!, direction: direction as FirstDirection };
};
const { values, direction } = await freely(starts);
const [llh, x, y, z, time] = values;

/** The lowest llh in a direction near the first, searched for by the code that fits pixels. */
function lowestAt(ra: number, dec: number): number {
  const local = toDetector(ra, dec, moment);
  const { minima } = likelihood.search(local, { thorough: true });
  const beside = likelihood.searchBeside(local, [...minima, { x, y, z, llh: Number.NaN }]);
  return Math.min(...beside.minima.map((minimum) => minimum.llh));
}

/** As far from the first direction, at an angle east of north. */
function offset(distance: number, angle: number): { ra: number; dec: number } {
  const { ra, dec } = direction;
  const north = distance * Math.cos(angle);
  const east = distance * Math.sin(angle);
  return { ra: ra + east / Math.cos(dec), dec: dec + north };
}

describe("the direction fitted free, of a simulated muon", () => {
  test("is the likelihood's own value of its track, and lower than the true direction's", () => {
    const local = toDetector(direction.ra, direction.dec, moment);
    const again = likelihood.evaluate({ x, y, z, time, ...local });
    // The direction goes to the sky and back: 1e-9 rad.
    expect(again).toBeCloseTo(llh, 4);
    expect(lowestAt(truth.ra, truth.dec)).toBeGreaterThan(llh);
  });

  test("lies below every start, and no start leads lower alone; one that does not lead here ends in a valley of its own", async () => {
    let same = 0;
    for (const start of starts) {
      expect(llh).toBeLessThan(start.at[3]);
      const alone = await freely([start]);
      // Least gain of the descents, and what kinks are worth.
      expect(alone.values[0]).toBeGreaterThan(llh - 0.1);
      if (alone.values[0] < llh + 0.1) same++;
    }
    expect(same).toBeGreaterThan(0);
  });

  test("nothing lower is found by searching directions about it", () => {
    const { a, b } = sigmaEllipse(direction)!;
    for (const distance of [b / 2, a, 3 * a])
      for (let n = 0; n < 6; n++) {
        const { ra, dec } = offset(distance, (n * Math.PI) / 3);
        expect(lowestAt(ra, dec)).toBeGreaterThan(llh - 0.05);
      }
  });

  test("its ellipse is where the likelihood has risen by a half, along both of its axes", () => {
    const { a, b, positionAngle } = sigmaEllipse(direction)!;
    const rise = (distance: number, angle: number) => {
      const sides = [angle, angle + Math.PI].map((side) => {
        const { ra, dec } = offset(distance, side);
        return lowestAt(ra, dec) - llh;
      });
      return (sides[0]! + sides[1]!) / 2;
    };
    const [long, short] = [rise(a, positionAngle), rise(b, positionAngle + Math.PI / 2)];
    expect(long).toBeGreaterThan(0.3);
    expect(long).toBeLessThan(0.75);
    expect(short).toBeGreaterThan(0.3);
    expect(short).toBeLessThan(0.75);
    // The axes are not exchanged, nor mirrored: across, the longer one is too far, and the shorter one too near.
    expect(rise(a, positionAngle + Math.PI / 2)).toBeGreaterThan(long);
    expect(rise(b, positionAngle)).toBeLessThan(short);
  });

  test("without a track to start from it is refused", () => {
    expect(() => likelihood.freeDirection([])).toThrow("at least one track");
  });
});
