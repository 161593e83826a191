import { describe, expect, test } from "bun:test";
import { geoAzimuthalEqualArea } from "d3-geo";
import { geoMollweide } from "d3-geo-projection";
import fc from "fast-check";
import {
  directionAt,
  forward,
  type LocalView,
  moved,
  scaleOf,
  zoomedAt,
} from "../../src/page/map/view.ts";

const degree = Math.PI / 180;
const size = { width: 860, height: 640 };
const view = fc.record({
  kind: fc.constant("local" as const),
  ra: fc.double({ min: 0, max: 6.28, noNaN: true }),
  dec: fc.double({ min: -1.55, max: 1.55, noNaN: true }),
  field: fc.double({ min: 0.2 * degree, max: 150 * degree, noNaN: true }),
});
const point = fc.record({
  x: fc.double({ min: 0, max: size.width, noNaN: true }),
  y: fc.double({ min: 0, max: size.height, noNaN: true }),
});

describe("views", () => {
  test("local: as d3-geo's azimuthal equal-area projection, north up, RA to the left", () => {
    fc.assert(
      fc.property(view, point, (local: LocalView, { x, y }) => {
        const direction = directionAt(local, size, x, y);
        fc.pre(direction !== undefined);
        const d3 = geoAzimuthalEqualArea()
          .rotate([-local.ra / degree, -local.dec / degree])
          .reflectX(true)
          .precision(0)
          .scale(scaleOf(local, size))
          .translate([size.width / 2, size.height / 2]);
        const [px, py] = d3([direction!.ra / degree, direction!.dec / degree])!;
        expect(Math.hypot(px - x, py - y)).toBeLessThan(1e-6);
        const [ours, theirs] = [forward(local, size)(direction!)!, [px, py]];
        expect(Math.hypot(ours[0] - theirs[0]!, ours[1] - theirs[1]!)).toBeLessThan(1e-6);
      }),
    );
  });

  test("whole sky: as d3-geo's Mollweide, RA 180° in the middle and growing to the left", () => {
    const d3 = geoMollweide()
      .rotate([180, 0])
      .reflectX(true)
      .precision(0)
      .scale((Math.min(size.width / 2, size.height) - 6) / (2 * Math.SQRT2))
      .translate([size.width / 2, size.height / 2]);
    const sky = { kind: "sky" } as const;
    for (let ra = 0.1; ra < 360; ra += 17.3)
      for (let dec = -89; dec < 90; dec += 7.7) {
        const [x, y] = forward(sky, size)({ ra: ra * degree, dec: dec * degree })!;
        const [px, py] = d3([ra, dec])!;
        // d3 stops its iteration at 1e-6 rad.
        expect(Math.hypot(x - px, y - py)).toBeLessThan(1e-2);
        const back = directionAt(sky, size, x, y)!;
        expect(back.dec / degree).toBeCloseTo(dec, 8);
        expect(Math.cos(back.ra - ra * degree)).toBeCloseTo(1, 10);
      }
    expect(directionAt(sky, size, 1, 1)).toBeUndefined();
  });

  test("zooming keeps what is under the pointer there, as far as the sky is flat", () => {
    const start: LocalView = { kind: "local", ra: 1, dec: 0, field: 1 * degree };
    const before = directionAt(start, size, 200, 500)!;
    const after = forward(zoomedAt(start, size, 200, 500, 1.7), size)(before)!;
    expect(Math.hypot(after[0] - 200, after[1] - 500)).toBeLessThan(0.1);
  });

  test("panning brings the point to the centre; over a pole Dec stays within ±90°", () => {
    const start: LocalView = { kind: "local", ra: 1, dec: 89 * degree, field: 10 * degree };
    const over = moved(start, size, size.width / 2, -300);
    expect(Math.abs(over.dec)).toBeLessThanOrEqual(Math.PI / 2);
    expect(over.field).toBe(start.field);
  });

  test("a field at its limit is not shifted by zooming on", () => {
    const start: LocalView = { kind: "local", ra: 1, dec: 0, field: 180 * degree };
    expect(zoomedAt(start, size, 10, 10, 0.5)).toEqual(start);
  });
});
