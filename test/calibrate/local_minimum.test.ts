import { expect, test } from "bun:test";
import fc from "fast-check";
import { directionFrom, localMinimum, vectorFrom } from "../../src/calibrate/local_minimum.ts";
import type { Direction } from "../../src/geometry/track.ts";
import { angleBetween } from "../../src/sky/healpix.ts";
import { tangentPlane } from "../../src/sky/tangent_plane.ts";

const degree = Math.PI / 180;
const nowhere = { x: 0, y: 0, z: 0, time: 0 };
const anywhere = fc
  .tuple(
    fc.double({ min: -1, max: 1, noNaN: true }),
    fc.double({ min: 0, max: 2 * Math.PI, noNaN: true }),
  )
  .map(([cosine, azimuth]): Direction => ({ zenith: Math.acos(cosine), azimuth }));

/** The minimum of a function of the place (rad) about a direction, searched from `off` degrees beside it. */
async function search(at: Direction, off: number, of: (x: number, y: number) => number) {
  const plane = tangentPlane(vectorFrom(at));
  const llh = (direction: Direction) => {
    const [x, y] = plane.toPlane(vectorFrom(direction))!;
    return of(x, y);
  };
  const start = directionFrom(plane.toSphere(off * degree, 0));
  const found = await localMinimum((direction) => ({ ...nowhere, llh: llh(direction) }), {
    direction: start,
    fit: { ...nowhere, llh: llh(start) },
  });
  return { ...found, miss: angleBetween(vectorFrom(found.direction), vectorFrom(at)) };
}

test("directions and vectors are one another's", () => {
  fc.assert(
    fc.property(anywhere, (direction) => {
      const again = vectorFrom(directionFrom(vectorFrom(direction)));
      expect(angleBetween(again, vectorFrom(direction))).toBeLessThan(1e-7);
    }),
  );
});

test.each([
  [0.1, 0.1, 0],
  [0.3, 0.3, 0.7],
  [1, 0.2, 0.4],
  [3, 1, 5],
])("of a parabola of σ %d° × %d° is found from %d° away, in some 75 fits", async (a, b, off) => {
  await fc.assert(
    fc.asyncProperty(anywhere, async (at) => {
      const { fit, fits, miss } = await search(
        at,
        off,
        (x, y) => 50 + (x / (a * degree)) ** 2 / 2 + (y / (b * degree)) ** 2 / 2,
      );
      expect(fit.llh - 50).toBeLessThan(1e-4);
      expect(miss).toBeLessThan(0.01 * a * degree);
      expect(fits).toBeLessThan(130);
    }),
    { numRuns: 15 },
  );
});

test("of a cone, as heavy tails make it, is found to a few hundredths of 2Δllh", async () => {
  const { fit } = await search({ zenith: 1, azimuth: 2 }, 0.8, (x, y) => {
    const r = Math.hypot(x, y) / (0.2 * degree);
    return Math.sqrt(1 + r * r) - 1;
  });
  expect(2 * fit.llh).toBeLessThan(0.02);
});

test("failed fits are passed over; with nothing but these the start stands", async () => {
  const at = { zenith: 1, azimuth: 2 };
  const holes = await search(at, 0.5, (x, y) =>
    Math.sin(5000 * x) > 0.8 ? Number.NaN : (x * x + y * y) / (0.3 * degree) ** 2 / 2,
  );
  expect(2 * holes.fit.llh).toBeLessThan(0.05);
  const none = await localMinimum(() => ({ ...nowhere, llh: Number.NaN }), {
    direction: at,
    fit: { ...nowhere, llh: 3 },
  });
  expect(none.fit.llh).toBe(3);
});
