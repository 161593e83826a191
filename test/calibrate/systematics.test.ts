import { describe, expect, test } from "bun:test";
import { levelled, turnedLosses, turnedMuon } from "../../src/calibrate/rotation.ts";
import {
  detectorIn,
  drawSystematics,
  iceIn,
  nominal,
  WIDTHS,
} from "../../src/calibrate/systematics.ts";
import { uniformNumbers } from "../../src/config/random.ts";
import { builtinDetector } from "../../src/detector/builtin.ts";
import { spiceMie } from "../../src/detector/ice.ts";
import { directionOfTravel } from "../../src/geometry/track.ts";
import { stringOf } from "../../src/i3/omkey.ts";

const ice = spiceMie();
const detector = builtinDetector();
const runs = 500;
const worlds = Array.from({ length: runs }, (_, k) =>
  drawSystematics(ice, detector, uniformNumbers(1, k)),
);

/** Mean, width and correlation of drawn numbers. */
const mean = (values: readonly number[]) => values.reduce((sum, v) => sum + v / values.length, 0);
const width = (values: readonly number[]) => {
  const m = mean(values);
  return Math.sqrt(mean(values.map((v) => (v - m) ** 2)));
};
const correlation = (a: readonly number[], b: readonly number[]) => {
  const [ma, mb] = [mean(a), mean(b)];
  return mean(a.map((v, i) => (v - ma) * (b[i]! - mb))) / (width(a) * width(b));
};
/** The width of 500 numbers is known to 3.2 %, their mean to 4.5 % of the width. */
const hasWidth = (values: readonly number[], expected: number, centre = 0) => {
  expect(Math.abs(width(values) / expected - 1)).toBeLessThan(0.13);
  expect(Math.abs(mean(values) - centre)).toBeLessThan(0.18 * expected);
};

describe("what is drawn", () => {
  test("has the widths that are stated", () => {
    const of = (pick: (world: (typeof worlds)[number]) => number) => worlds.map(pick);
    hasWidth(
      of((w) => Math.log(w.scattering)),
      WIDTHS.iceScale,
    );
    hasWidth(
      of((w) => Math.log(w.absorption)),
      WIDTHS.iceScale,
    );
    hasWidth(
      of((w) => Math.log(w.efficiency)),
      WIDTHS.efficiency,
    );
    hasWidth(
      of((w) => Math.log(w.energy)),
      WIDTHS.energy,
    );
    hasWidth(
      of((w) => w.tilt.slope),
      WIDTHS.tilt,
    );
    hasWidth(
      of((w) => w.holeIce),
      1 / Math.sqrt(12),
      0.5,
    );
    hasWidth(
      of((w) => w.jitter),
      4 / Math.sqrt(12),
      4,
    );
    hasWidth(
      of((w) => w.strings.get(21)![0]),
      WIDTHS.across,
    );
    hasWidth(
      of((w) => w.strings.get(21)![2]),
      WIDTHS.depth,
    );
    const r = correlation(
      of((w) => Math.log(w.scattering)),
      of((w) => Math.log(w.absorption)),
    );
    expect(Math.abs(r - WIDTHS.iceCorrelation)).toBeLessThan(4 / Math.sqrt(runs));
  });

  test("goes together for layers within their length", () => {
    const layer = (i: number) => worlds.map((w) => Math.log(w.layers[i]!.scattering));
    hasWidth(layer(40), WIDTHS.layers);
    for (const apart of [1, 3, 9]) {
      const expected = Math.exp((-10 * apart) / WIDTHS.layerLength);
      expect(Math.abs(correlation(layer(40), layer(40 + apart)) - expected)).toBeLessThan(0.18);
    }
  });
});

test("the nominal world changes nothing but bad DOMs, which are off", () => {
  const world = nominal(ice.layers.length, 3);
  expect(iceIn(ice, world).layers).toEqual([...ice.layers]);
  const [first] = detector.doms.keys();
  const seen = detectorIn({ ...detector, badDoms: new Set([first!]) }, world);
  for (const [key, dom] of seen.doms) {
    const known = detector.doms.get(key)!;
    expect(Math.hypot(dom.x - known.x, dom.y - known.y, dom.z - known.z)).toBeLessThan(1e-9);
    expect(dom.relativeEfficiency).toBe(known.relativeEfficiency);
    expect(dom.isOn).toBe(key !== first);
  }
});

describe("tilted ice", () => {
  const tilt = { slope: 0.02, azimuth: 0.7 };
  const turned = levelled(tilt);

  test("rises along its azimuth, and is level in the turned coordinates", () => {
    // Two points of one layer, before: the second lies 500 m further along the azimuth and higher by the slope.
    const a = turned([10, 20, -50]);
    const far = [10 + 500 * Math.cos(0.7), 20 + 500 * Math.sin(0.7), -50 + 500 * 0.02] as const;
    const across = [10 - 500 * Math.sin(0.7), 20 + 500 * Math.cos(0.7), -50] as const;
    expect(turned(far)[2]).toBeCloseTo(a[2], 9);
    expect(turned(across)[2]).toBeCloseTo(a[2], 9);
  });

  test("leaves a muon, its losses and DOMs where they are to each other", () => {
    const muon = { x: 30, y: -40, z: 100, time: 5, zenith: 1.1, azimuth: 4, energy: 1e4 };
    const [nx, ny, nz] = directionOfTravel(muon);
    const loss = { x: 30 + 80 * nx, y: -40 + 80 * ny, z: 100 + 80 * nz, time: 9, energy: 7 };
    const muonThere = turnedMuon(muon, tilt);
    const [lossThere] = turnedLosses([loss], tilt);
    const [mx, my, mz] = directionOfTravel(muonThere);
    expect(lossThere).toMatchObject({ time: 9, energy: 7 });
    expect(lossThere!.x - muonThere.x).toBeCloseTo(80 * mx, 9);
    expect(lossThere!.y - muonThere.y).toBeCloseTo(80 * my, 9);
    expect(lossThere!.z - muonThere.z).toBeCloseTo(80 * mz, 9);
    const world = { ...nominal(ice.layers.length, 3), tilt };
    const doms = [...detectorIn(detector, world).doms.values()];
    for (const dom of doms.filter((_, i) => i % 500 === 0)) {
      const known = detector.doms.get(dom.key)!;
      const before = Math.hypot(known.x - loss.x, known.y - loss.y, known.z - loss.z);
      const after = Math.hypot(dom.x - lossThere!.x, dom.y - lossThere!.y, dom.z - lossThere!.z);
      expect(after).toBeCloseTo(before, 9);
    }
  });

  test("moves strings as a whole", () => {
    const world = worlds[0]!;
    const level = { ...world, tilt: { slope: 0, azimuth: 0 } };
    for (const [key, dom] of detectorIn(detector, level).doms) {
      const known = detector.doms.get(key)!;
      const [dx, dy, dz] = world.strings.get(stringOf(key))!;
      expect(dom.x - known.x).toBeCloseTo(dx, 9);
      expect(dom.y - known.y).toBeCloseTo(dy, 9);
      expect(dom.z - known.z).toBeCloseTo(dz, 9);
    }
  });
});
