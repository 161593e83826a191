import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { InputError } from "../../src/config/errors.ts";
import {
  momentAt,
  toDetector,
  toDetectorArray,
  toEquatorial,
  toEquatorialArray,
} from "../../src/native/sky.ts";
import { shared } from "../shared.ts";

const arcsec = Math.PI / 180 / 3600;

/** Great-circle distance of two directions given by longitude and latitude, exact also when small. */
function separation(lon1: number, lat1: number, lon2: number, lat2: number): number {
  const v = (lon: number, lat: number) =>
    [Math.cos(lat) * Math.cos(lon), Math.cos(lat) * Math.sin(lon), Math.sin(lat)] as const;
  const [a, b] = [v(lon1, lat1), v(lon2, lat2)];
  const cross = Math.hypot(
    a[1] * b[2] - a[2] * b[1],
    a[2] * b[0] - a[0] * b[2],
    a[0] * b[1] - a[1] * b[0],
  );
  return Math.atan2(cross, a[0] * b[0] + a[1] * b[1] + a[2] * b[2]);
}

const mjds = fc.double({ min: 55500, max: 61500, noNaN: true });
const longitudes = fc.double({ min: 0, max: 2 * Math.PI, maxExcluded: true, noNaN: true });
const sines = fc.double({ min: -1, max: 1, noNaN: true });

describe("directions as the reference's astronomy library gives them", () => {
  const oracle = JSON.parse(readFileSync(shared("oracle", "astro.json"), "utf8")) as {
    columns: string[];
    rows: number[][];
  };
  const column = (name: string) =>
    Float64Array.from(oracle.rows, (row) => row[oracle.columns.indexOf(name)]!);
  const [zenith, azimuth, mjd, ra, dec, zenithBack, azimuthBack] = oracle.columns.map(column) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];

  // The equation of the equinoxes leaves 0.002"; plain IAU 2006 sidereal time would be off by 0.1".
  const tolerance = 0.003 * arcsec;

  test("detector → equatorial", () => {
    const worst = oracle.rows.map((_, i) => {
      const sky = toEquatorial(zenith[i]!, azimuth[i]!, momentAt(mjd[i]!));
      return separation(sky.ra, sky.dec, ra[i]!, dec[i]!);
    });
    expect(Math.max(...worst)).toBeLessThan(tolerance);
  });

  test("equatorial → detector", () => {
    const worst = oracle.rows.map((_, i) => {
      const local = toDetector(ra[i]!, dec[i]!, momentAt(mjd[i]!));
      const [theirs, ours] = [zenithBack[i]!, local.zenith].map((angle) => Math.PI / 2 - angle);
      return separation(local.azimuth, ours!, azimuthBack[i]!, theirs!);
    });
    expect(Math.max(...worst)).toBeLessThan(tolerance);
  });
});

describe("directions", () => {
  test("go to the sky and back within 0.0007 arcsec (UTC one way, TT the other), in range", () => {
    fc.assert(
      fc.property(sines, longitudes, mjds, (cosine, azimuth, mjd) => {
        const zenith = Math.acos(cosine);
        const moment = momentAt(mjd);
        const sky = toEquatorial(zenith, azimuth, moment);
        expect(sky.ra).toBeWithin(0, 2 * Math.PI);
        expect(Math.abs(sky.dec)).toBeLessThanOrEqual(Math.PI / 2);
        const back = toDetector(sky.ra, sky.dec, moment);
        expect(back.azimuth).toBeWithin(0, 2 * Math.PI);
        expect(back.zenith).toBeGreaterThanOrEqual(0);
        expect(back.zenith).toBeLessThanOrEqual(Math.PI);
        const apart = separation(
          azimuth,
          Math.PI / 2 - zenith,
          back.azimuth,
          Math.PI / 2 - back.zenith,
        );
        // In the 69 s between UTC and TT aberration turns by up to 0.00028" (20.5" a year round), precession by
        // 0.00011", nutation by 0.00013" (its half-year and fortnight terms, each in two components): 0.0006" at
        // the worst, and was met at mjd 59846.24.
        expect(apart).toBeLessThan(0.0007 * arcsec);
      }),
      { numRuns: 300 },
    );
  });

  test("at the zenith and the nadir all azimuths are one point of the sky", () => {
    for (const zenith of [0, Math.PI]) {
      const here = toEquatorial(zenith, 0, momentAt(60000.25));
      for (const azimuth of [1, 2, 3, 4, 5, 6]) {
        const there = toEquatorial(zenith, azimuth, momentAt(60000.25));
        expect(separation(here.ra, here.dec, there.ra, there.dec)).toBeLessThan(1e-12);
      }
    }
  });

  test("the celestial poles stay within precession and aberration of nadir and zenith", () => {
    // IceCube stands 0.0056° from the South Pole; the pole has moved 0.13° between 2000 and 2023.
    const south = toDetector(1, -Math.PI / 2, momentAt(60000));
    const north = toDetector(4, Math.PI / 2, momentAt(60000));
    expect(south.zenith).toBeLessThan((0.15 * Math.PI) / 180);
    expect(Math.PI - north.zenith).toBeLessThan((0.15 * Math.PI) / 180);
  });

  test("a star goes round once in a sidereal day", () => {
    const start = toDetector(2, 0.3, momentAt(60000));
    const later = toDetector(2, 0.3, momentAt(60000 + 1 / 1.00273790935));
    // A day's precession, nutation and change of aberration: well under an arcsecond.
    expect(
      separation(
        start.azimuth,
        Math.PI / 2 - start.zenith,
        later.azimuth,
        Math.PI / 2 - later.zenith,
      ),
    ).toBeLessThan(0.6 * arcsec);
  });

  test("many at once equal one by one", () => {
    const rows = fc.sample(fc.tuple(longitudes, sines), { numRuns: 50, seed: 1 });
    const ra = Float64Array.from(rows, (row) => row[0]);
    const dec = Float64Array.from(rows, (row) => Math.asin(row[1]));
    const moment = momentAt(60000.75);
    const all = toDetectorArray(ra, dec, moment);
    const back = toEquatorialArray(all.zenith, all.azimuth, moment);
    for (let i = 0; i < rows.length; i++) {
      const local = { zenith: all.zenith[i]!, azimuth: all.azimuth[i]! };
      expect(toDetector(ra[i]!, dec[i]!, moment)).toEqual(local);
      expect(toEquatorial(local.zenith, local.azimuth, moment)).toEqual({
        ra: back.ra[i]!,
        dec: back.dec[i]!,
      });
    }
  });

  test("no direction, and no time", () => {
    expect(
      toDetectorArray(new Float64Array(0), new Float64Array(0), momentAt(60000)).zenith,
    ).toHaveLength(0);
    expect(() => toDetector(0, 0, momentAt(Number.NaN))).toThrow(InputError);
  });

  test("a moment made for one way is refused the other", () => {
    const { mjd, toSky, toDetector: down } = momentAt(60000);
    const swapped = { mjd, toSky: down, toDetector: toSky };
    expect(() => toDetector(1, 0, swapped)).toThrow(InputError);
    expect(() => toEquatorial(1, 0, swapped)).toThrow(InputError);
  });
});
