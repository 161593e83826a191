import { describe, expect, test } from "bun:test";
import {
  type FirstDirection,
  sigmaEllipse,
  sigmasIn90,
} from "../../src/geometry/first_direction.ts";
import type { Scan } from "../../src/scan/scan.ts";
import { describeFirst, firstDirection, verdictOn } from "../../src/server/first_direction.ts";
import { pixelCentre } from "../../src/sky/healpix.ts";

const degree = Math.PI / 180;
const nan = Number.NaN;

/** The covariance of an ellipse with these semi-axes, the longer one at an angle east of north, all in degrees. */
function covariance(a: number, b: number, pa: number): Pick<FirstDirection, "ee" | "en" | "nn"> {
  const [s, c] = [Math.sin(pa * degree), Math.cos(pa * degree)];
  const [aa, bb] = [(a * degree) ** 2, (b * degree) ** 2];
  return { ee: aa * s * s + bb * c * c, en: (aa - bb) * s * c, nn: aa * c * c + bb * s * s };
}

const best = { nside: 64, pixel: 20_000, llh: 840.25 };
const at = pixelCentre(best.nside, best.pixel);
const scanWith = (direction: Partial<FirstDirection> | undefined, llh = 840, lowest = best.llh) => {
  const found = direction && { ...at, ...covariance(0.3, 0.1, 30), ...direction };
  const freeFit = { nside: 8, pixel: 1, posvar: 0, llh, ...(found && { direction: found }) };
  return { freeFit, best: { ...best, llh: lowest } } as unknown as Scan;
};

describe("the first direction", () => {
  test.each([
    [0.3, 0.1, 0],
    [0.3, 0.1, 30],
    [0.3, 0.1, 90],
    [0.3, 0.1, 150],
    [2, 1.9, 179],
  ])("has an ellipse of %d by %d degrees at %d degrees", (a, b, pa) => {
    const found = sigmaEllipse({ ra: 0, dec: 0, ...covariance(a, b, pa) })!;
    expect(found.a / degree).toBeCloseTo(a, 9);
    expect(found.b / degree).toBeCloseTo(b, 9);
    expect(found.positionAngle / degree).toBeCloseTo(pa, 6);
  });

  test("holds 90 % of a Gaussian of two dimensions within 2.146 standard deviations", () => {
    expect(1 - Math.exp(-(sigmasIn90 ** 2) / 2)).toBeCloseTo(0.9, 12);
    expect(firstDirection(scanWith({}))!.radius_90).toBeCloseTo(2.1459660263 * Math.sqrt(0.03), 9);
  });

  test("is told in degrees, with how far the map's best pixel is", () => {
    const first = firstDirection(scanWith({ dec: at.dec + 0.5 * degree }))!;
    expect(first.ra).toBeCloseTo(at.ra / degree, 9);
    expect(first.map!.away).toBeCloseTo(0.5, 9);
    expect(first.map!.lower_by).toBeCloseTo(-0.25, 9);
    expect(describeFirst(first)).toMatch(
      /^RA [\d.]+° Dec [+-][\d.]+° ± 0\.30° × 0\.10° at 30°, 90 % within about 0\.37°, llh 840\.000$/,
    );
  });

  test.each([
    ["no pixel is lower", 840.25, false, "no pixel lies lower; the map's best is 0.00° away"],
    ["one is, but by no more than a fit's tolerance", 839.95, false, "no pixel lies lower"],
    ["one is", 838.5, true, "a pixel 0.00° away lies lower by 1.50 in llh"],
  ])("at the end of a scan: %s", (_name, lowest, isContradicted, text) => {
    const verdict = verdictOn(firstDirection(scanWith({}, 840, lowest))!);
    expect(verdict.isContradicted).toBe(isContradicted);
    expect(verdict.text).toStartWith(text);
  });

  test("is none before its fit is in, or where that failed; and has no error where nothing curves", () => {
    expect(firstDirection({ freeFit: undefined, best } as unknown as Scan)).toBeNull();
    expect(firstDirection(scanWith(undefined))).toBeNull();
    expect(firstDirection(scanWith({}, nan))).toBeNull();
    const flat = firstDirection(scanWith({ ee: nan, en: nan, nn: nan }))!;
    expect(flat).toMatchObject({ sigma: null, radius_90: null });
    expect(describeFirst(flat)).toContain("no error known");
  });
});
