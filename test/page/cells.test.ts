import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { uniformNumbers } from "../../src/config/random.ts";
import { Cells, FAILED } from "../../src/page/map/cells.ts";
import { directionOn, faceOf } from "../../src/page/map/faces.ts";
import { childrenOf, npix, pixelAt, pixelCentre, vectorOf } from "../../src/sky/healpix.ts";

const direction = fc
  .record({
    ra: fc.double({ min: 0, max: 2 * Math.PI - 1e-12, noNaN: true }),
    z: fc.double({ min: -1, max: 1, noNaN: true }),
  })
  .map(({ ra, z }) => ({ ra, dec: Math.asin(z) }));

const placed = ({ ra, dec }: { ra: number; dec: number }) => {
  const out = new Float64Array(3);
  const [x, y, z] = vectorOf({ ra, dec });
  faceOf(x, y, z, out, 0);
  return { face: out[0]!, x: out[1]!, y: out[2]! };
};

describe("faces", () => {
  test("a point's place on its face and its direction are each other's inverse", () => {
    fc.assert(
      fc.property(direction, (wanted) => {
        const { face, x, y } = placed(wanted);
        const found = directionOn(face, x, y);
        const [a, b] = [vectorOf(wanted), vectorOf(found)];
        // Rounding of z near ±1 in asin: √(2 ε).
        expect(Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2])).toBeLessThan(3e-8);
      }),
    );
  });

  test("centres of pixels lie in the cell with their number", () => {
    const random = uniformNumbers(1);
    for (const nside of [1, 2, 8, 64, 512, 4096])
      for (let i = 0; i < 300; i++) {
        const pixel = Math.floor(random() * npix(nside));
        const cells = new Cells([nside > 64 ? 1 : nside]);
        if (nside <= 64) cells.add({ nside, pixels: [pixel], values: [1] });
        const { face, x, y } = placed(pixelCentre(nside, pixel));
        if (nside <= 64) expect(cells.at(face, x, y)).toEqual({ nside, pixel, value: 1 });
        const { ra, dec } = directionOn(
          face,
          (Math.floor(x * nside) + 0.5) / nside,
          (Math.floor(y * nside) + 0.5) / nside,
        );
        expect(pixelAt(nside, ra, dec)).toBe(pixel);
      }
  });
});

describe("cells", () => {
  const at = (cells: Cells, nside: number, pixel: number) => {
    const { face, x, y } = placed(pixelCentre(nside, pixel));
    return cells.at(face, x, y);
  };

  test("any direction finds the finest pixel around it, whatever the order they came in", () => {
    const random = uniformNumbers(2);
    const blocks = [8, 64, 512].map((nside) => {
      const pixels =
        nside === 8
          ? Array.from({ length: npix(8) }, (_, i) => i)
          : childrenOf(8, 100, nside).concat(childrenOf(8, 767, nside));
      return { nside, pixels, values: pixels.map(() => 10 * random()) };
    });
    const [forwards, backwards] = [new Cells([8, 64, 512]), new Cells([512, 8, 64])];
    for (const block of blocks) forwards.add(block);
    for (const { nside, pixels, values } of blocks.toReversed())
      for (let i = pixels.length - 1; i >= 0; i--)
        backwards.add({ nside, pixels: [pixels[i]!], values: [values[i]!] });
    for (let i = 0; i < 2000; i++) {
      const wanted = { ra: 2 * Math.PI * random(), dec: Math.asin(2 * random() - 1) };
      const { face, x, y } = placed(wanted);
      const expected = blocks
        .map(({ nside, pixels, values }) => {
          const pixel = pixelAt(nside, wanted.ra, wanted.dec);
          const i = pixels.indexOf(pixel);
          return i < 0 ? undefined : { nside, pixel, value: Math.fround(values[i]!) };
        })
        .findLast((hit) => hit !== undefined);
      expect(forwards.at(face, x, y)).toEqual(expected);
      expect(backwards.at(face, x, y)).toEqual(expected);
    }
    expect(backwards.best!.pixel).toBe(forwards.best!.pixel);
  });

  test("a failed fine pixel is known as failed and hides its parent's value", () => {
    const cells = new Cells([8, 16]);
    cells.add({ nside: 8, pixels: [3], values: [2] });
    const [child] = childrenOf(8, 3, 16);
    cells.add({ nside: 16, pixels: [child!], values: [Number.NaN] });
    expect(at(cells, 16, child!)).toEqual({ nside: 16, pixel: child!, value: FAILED });
    expect(cells.failed).toEqual([0, 1]);
    expect(cells.best!.value).toBe(2);
  });

  test("the least value below a cell is never lost by looking from afar", () => {
    const random = uniformNumbers(3);
    const cells = new Cells([1, 4, 32]);
    const pixels = Array.from({ length: 500 }, () => Math.floor(random() * npix(32)));
    const values = pixels.map(() => random());
    cells.add({ nside: 32, pixels, values });
    const least = [...cells.least.subarray(0, 12)].filter((value) => !Number.isNaN(value));
    expect(Math.min(...least)).toBe(Math.fround(Math.min(...values)));
  });

  test("visits each pixel once, coarse ones first", () => {
    const cells = new Cells([1, 2, 8]);
    cells.add({ nside: 8, pixels: [5, 700], values: [1, Number.NaN] });
    cells.add({ nside: 1, pixels: [0, 11], values: [3, 4] });
    const seen: [number, number, number][] = [];
    cells.forEach((...visited) => {
      seen.push(visited);
    });
    expect(seen).toEqual([
      [1, 0, 3],
      [1, 11, 4],
      [8, 5, 1],
      [8, 700, FAILED],
    ]);
  });
});
