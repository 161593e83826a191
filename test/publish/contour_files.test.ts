import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { publisher } from "../../src/publish/formats.ts";
import { readFits } from "../../src/result/fits.ts";
import { localise } from "../../src/result/localisation.ts";
import { python, testWithNumpy, withFolder } from "../result/python.ts";
import { gaussianMap } from "./maps.ts";

const degrees = 180 / Math.PI;
const map = gaussianMap(0.001, -0.4);
const found = localise(map);
const render = publisher(map);

describe("contours", () => {
  test("as JSON are in degrees, closed, with their convention", () => {
    const document = JSON.parse(render("contours.json") as string);
    expect(document).toMatchObject({ convention: "statistical", frame: "ICRS", unit: "deg" });
    expect(document.contours.map(({ percent }: { percent: number }) => percent)).toEqual([
      50, 90, 99.73,
    ]);
    for (const { pieces } of document.contours)
      for (const piece of pieces) {
        expect(piece.at(-1)).toEqual(piece[0]);
        // Across RA 0: between 0 and 360, as the points come.
        for (const [ra, dec] of piece) {
          expect(ra >= 0 && ra < 360).toBe(true);
          expect(Math.abs(dec + 0.4 * degrees)).toBeLessThan(6);
        }
      }
  });

  test("as GeoJSON begin with the best fit, and name their level", () => {
    const { type, features } = JSON.parse(render("contours.geojson") as string);
    expect(type).toBe("FeatureCollection");
    const levels = features.map((f: { properties: object }) => f.properties);
    expect(levels).toEqual([0, 50, 90, 99.73].map((credible_level) => ({ credible_level })));
    expect(features[0].geometry).toEqual({
      type: "Point",
      coordinates: [found.best.ra * degrees, found.best.dec * degrees],
    });
    for (const { geometry } of features.slice(1)) {
      expect(geometry.type).toBe("MultiLineString");
      for (const line of geometry.coordinates) expect(line.at(-1)).toEqual(line[0]);
    }
  });

  test("as regions are one polygon a piece, each with all its corners", () => {
    const lines = (render("contours.reg") as string).split("\n");
    expect(lines[2]).toBe("fk5");
    const polygons = lines.filter((line) => line.startsWith("polygon("));
    const pieces = found.contours.flatMap((contour) => contour.lines);
    expect(polygons).toHaveLength(pieces.length);
    polygons.forEach((polygon, i) => {
      const numbers = polygon.slice(8, polygon.indexOf(")")).split(",").map(Number);
      expect(numbers).toHaveLength(2 * pieces[i]!.points.length);
      expect(numbers.every(Number.isFinite)).toBe(true);
    });
  });

  test.each([50, 90])("of %d %% alone are the same from a publisher of its own", (percent) => {
    for (const format of ["contour.txt", "moc.fits"] as const)
      expect(render(format, percent)).toEqual(publisher(map, { percent })(format));
    expect(render("contour.txt", 50)).not.toEqual(render("contour.txt"));
  });

  test("of a level that is not there are refused", () => {
    expect(() => publisher(map, { percent: 95 })("contour.txt")).toThrow(
      "no contour of 95 %; there are 50, 90, 99.73",
    );
  });

  testWithNumpy("as text are one table to astropy, all pieces of it", () =>
    withFolder(async (folder) => {
      const path = join(folder, "contour_90.txt");
      const ninety = found.contours[1]!;
      // A second piece: the same line once more.
      const two = { ...ninety, lines: [...ninety.lines, ...ninety.lines] };
      const { contourText } = await import("../../src/publish/contour_files.ts");
      writeFileSync(path, contourText(two));
      const seen = JSON.parse(
        python(
          `import json, sys
from astropy.io import ascii
t = ascii.read(sys.argv[1], format="basic")
print(json.dumps(dict(names=t.colnames, ra=list(t.columns[0]), dec=list(t.columns[1]))))`,
          path,
        ),
      );
      expect(seen.names).toEqual(["ra (rad)", "dec (rad)"]);
      const points = two.lines.flatMap(({ points }) => [...points, points[0]!]);
      expect(seen.ra).toEqual(points.map(({ ra }) => ra));
      expect(seen.dec).toEqual(points.map(({ dec }) => dec));
    }),
  );
});

test("a MOC has no four siblings that make a parent, and holds the best fit", () => {
  const uniq = new Set(readFits(render("moc.fits") as Uint8Array, "m").numbers("UNIQ"));
  expect(uniq.size).toBeGreaterThan(0);
  for (const n of uniq) {
    const first = n - (n % 4);
    expect([0, 1, 2, 3].every((child) => uniq.has(first + child))).toBe(false);
    // Nor a cell inside of another.
    for (let above = Math.floor(n / 4); above >= 4; above = Math.floor(above / 4))
      expect(uniq.has(above)).toBe(false);
  }
});
