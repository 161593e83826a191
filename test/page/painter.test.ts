import { describe, expect, test } from "bun:test";
import { Cells } from "../../src/page/map/cells.ts";
import { colourCells } from "../../src/page/map/colours.ts";
import { levelsShown, mapColours, type Palette, paint } from "../../src/page/map/painter.ts";
import { directionAt, type View } from "../../src/page/map/view.ts";
import { childrenOf, discStrict, npix, pixelAt, pixelVector } from "../../src/sky/healpix.ts";

const degree = Math.PI / 180;
const size = { width: 215, height: 160 };

/** A bowl around a direction, refined near its bottom. */
function bowl(ra: number, dec: number): Cells {
  const cells = new Cells([8, 64, 512]);
  const centre = pixelVector(512, pixelAt(512, ra, dec));
  const near = (nside: number, radius: number) =>
    radius > 3
      ? Array.from({ length: npix(nside) }, (_, i) => i)
      : discStrict(nside, centre, radius);
  for (const [nside, radius] of [
    [8, 4],
    [64, 8 * degree],
    [512, 1.5 * degree],
  ] as const) {
    const pixels = near(nside, radius);
    const values = pixels.map((pixel) => {
      const v = pixelVector(nside, pixel);
      return 400 * (1 - v[0] * centre[0] - v[1] * centre[1] - v[2] * centre[2]) * 50;
    });
    cells.add({ nside, pixels, values });
  }
  return cells;
}

function painted(cells: Cells, palette: Palette, view: View): Uint32Array {
  const pixels = new Uint32Array(size.width * size.height);
  const levels = levelsShown(cells, view, size);
  paint(mapColours(cells, palette, levels), cells.nsides[levels - 1]!, view, size, pixels);
  return pixels;
}

const paletteOf = (cells: Cells) => ({
  own: colourCells(cells.values, cells.count, cells.best!.value, 40),
  least: colourCells(cells.least, cells.count, cells.best!.value, 40),
});

describe("the painted map", () => {
  const places: [string, number, number][] = [
    ["an ordinary place", 48, -3.5],
    ["RA 0", 0, 20],
    ["the north pole", 10, 90],
    ["the south pole", 200, -89.9],
    ["a corner of faces", 45, 41.81],
  ];
  for (const [name, ra, dec] of places)
    for (const field of [1, 4, 20, 150])
      test(`${field}° around ${name}: each screen pixel has the colour of the pixel it lies in`, () => {
        const cells = bowl(ra * degree, dec * degree);
        const palette = paletteOf(cells);
        const view: View = {
          kind: "local",
          ra: ra * degree,
          dec: dec * degree,
          field: field * degree,
        };
        const pixels = painted(cells, palette, view);
        // The reference: the same look-up by healpix-ts for every screen pixel, where nothing is smaller than the screen's.
        if (field > 20) return;
        const whole = paletteByPixel(cells, palette.own);
        let off = 0;
        for (let y = 0; y < size.height; y++)
          for (let x = 0; x < size.width; x++) {
            const { ra: a, dec: d } = directionAt(view, size, x + 0.5, y + 0.5)!;
            const wanted = [512, 64, 8]
              .map((nside) => whole.get(`${nside}.${pixelAt(nside, a, d)}`))
              .find((colour) => colour !== undefined);
            if (wanted !== pixels[y * size.width + x]) off++;
          }
        // Blocks may be off by a twentieth of a cell: a screen pixel here and there at a cell's edge.
        expect(off / (size.width * size.height)).toBeLessThan(0.0035);
      });

  test("from afar the minimum is still to be seen", () => {
    const cells = bowl(48 * degree, -3.5 * degree);
    const palette = paletteOf(cells);
    const pixels = painted(cells, palette, { kind: "sky" });
    expect(pixels.includes(palette.own[bestCell(cells)]!)).toBe(true);
  });

  test("a failed pixel is hatched, not coloured as its parent", () => {
    const cells = new Cells([8, 16]);
    const pixel = pixelAt(8, 1, 0.1);
    cells.add({ nside: 8, pixels: [pixel], values: [0] });
    const children = childrenOf(8, pixel, 16);
    cells.add({ nside: 16, pixels: children, values: children.map(() => Number.NaN) });
    const palette = paletteOf(cells);
    const pixels = painted(cells, palette, { kind: "local", ra: 1, dec: 0.1, field: 0.01 });
    expect(new Set(pixels).size).toBe(2);
    expect(pixels.includes(palette.own[cells.values.indexOf(0)]!)).toBe(false);
  });
});

function bestCell(cells: Cells): number {
  return cells.values.subarray(0, cells.count).indexOf(cells.best!.value);
}

/** Colours by pixel: each cell's, found at its own centre. */
function paletteByPixel(cells: Cells, own: Uint32Array): Map<string, number> {
  const colours = new Map<string, number>();
  const best = cells.best!.value;
  cells.forEach((nside, pixel, value) => {
    const one = colourCells(new Float32Array([value]), 1, best, 40);
    colours.set(`${nside}.${pixel}`, one[0]!);
  });
  expect(own.length).toBeGreaterThan(colours.size);
  return colours;
}
