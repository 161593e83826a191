import { describe, expect, test } from "bun:test";
import { Cells } from "../../src/page/map/cells.ts";
import { separation } from "../../src/page/map/extent.ts";
import { knownContour } from "../../src/page/map/known_contours.ts";
import { type Context, Labels } from "../../src/page/map/strokes.ts";
import { toTrace, trace } from "../../src/page/map/tracing.ts";
import { npix, parentOf, pixelAt, pixelCentre, vectorOf } from "../../src/sky/healpix.ts";

const degree = Math.PI / 180;
const centre = { ra: 1, dec: 0.3 };
const levels = [{ percent: 90, level: 4.61 }];
const every = (nside: number) => Array.from({ length: npix(nside) }, (_, pixel) => pixel);
/** A bowl whose contour has a radius of 6°. */
const value = (nside: number) => (pixel: number) =>
  2.305 * (separation(pixelCentre(nside, pixel), centre) / (6 * degree)) ** 2;

/** The whole sky at nside 16, and of the pixels around the minimum those of nside 64 that are not missing. */
function mapWithout(isMissing: (pixel: number) => boolean): Cells {
  const cells = new Cells([16, 64]);
  const fine = every(64).filter(
    (pixel) =>
      separation(pixelCentre(16, parentOf(64, pixel, 16)), centre) < 12 * degree &&
      !isMissing(pixel),
  );
  for (const [nside, pixels] of [
    [16, every(16)],
    [64, fine],
  ] as const)
    cells.add({ nside, pixels, values: pixels.map(value(nside)) });
  return cells;
}
const contourOf = (cells: Cells) => knownContour(trace(toTrace(cells, levels))[0]!, cells);

describe("the contour of a growing map", () => {
  test("is known all around where every pixel of a stage is in, a failed one too", () => {
    const cells = mapWithout(() => false);
    cells.add({ nside: 64, pixels: [pixelAt(64, centre.ra, centre.dec)], values: [Number.NaN] });
    const { known, bridged, lines } = contourOf(cells);
    expect(bridged).toEqual([]);
    expect(known.map((line) => line.length)).toEqual(lines.map(({ points }) => points.length + 1));
  });

  test("is a guess where pixels are missing between others, and nowhere else", () => {
    const isMissing = (pixel: number) =>
      pixel % 3 === 0 && pixelCentre(64, pixel).ra > centre.ra + 2 * degree;
    const { known, bridged } = contourOf(mapWithout(isMissing));
    expect(bridged.length).toBeGreaterThan(1);
    const areOnMissing = (lines: typeof known) =>
      lines.flatMap((line) =>
        line.slice(1).map((to, i) => {
          const [a, b] = [vectorOf(line[i]!), vectorOf(to)];
          const [x, y, z] = [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
          return isMissing(pixelAt(64, Math.atan2(y, x), Math.atan2(z, Math.hypot(x, y))));
        }),
      );
    expect(areOnMissing(known)).not.toContain(true);
    expect(areOnMissing(bridged)).not.toContain(false);
    // Together they go around as the contour does.
    const ends = [...known, ...bridged].flatMap((line) => [line[0]!, line.at(-1)!]);
    for (const end of ends)
      expect(ends.filter((other) => separation(other, end) < 1e-12).length).toBe(2);
  });

  test("of one stage alone says nothing about areas below that stage's pixels", () => {
    const cells = new Cells([8, 64, 512]);
    cells.add({ nside: 8, pixels: every(8), values: every(8).map(value(8)) });
    const [contour] = trace(toTrace(cells, levels));
    expect(contour!.resolvedArea).toBeCloseTo((4 * 4 * Math.PI) / npix(8), 12);
  });
});

describe("labels", () => {
  const written: string[] = [];
  const context = { strokeText() {}, fillText: (text: string) => void written.push(text) };

  test("stand where there is room, in the order in which they are asked for", () => {
    const labels = new Labels(context as unknown as Context);
    labels.keepFree(100, 100, 8);
    expect(labels.write("first", [[111, 104, "left"]])).toBe(true);
    expect(labels.write("second", [[115, 106, "left"]])).toBe(false);
    expect(
      labels.write("third", [
        [115, 106, "left"],
        [85, 104, "right"],
      ]),
    ).toBe(true);
    // Over the sign itself there is none.
    expect(labels.write("fourth", [[100, 104, "center"]])).toBe(false);
    expect(written).toEqual(["first", "third"]);
  });
});
