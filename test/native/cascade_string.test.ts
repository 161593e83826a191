import { afterAll, expect, test } from "bun:test";
import fc from "fast-check";
import { speedOfLight } from "../../src/geometry/constants.ts";
import { openEmbeddedLight, openLight } from "../../src/light/light.ts";
import { cascadeLight, type LightModel } from "../../src/native/light.ts";
import { shared } from "../shared.ts";
import { cascadeString } from "./diagnostics.ts";

const models = ["embedded-2026a", "embedded-2026b"] as const;
const lights: [string, LightModel][] = models.map((model) => [
  model,
  openEmbeddedLight("cascade", { model }),
]);
for (const reco of ["cascade", "cascade-ftp"] as const)
  lights.push([reco, openLight({ reco, photonTables: shared("oracle/tables") })]);
afterAll(() => {
  for (const [, light] of lights) light.close();
});

const place = fc.double({ min: -600, max: 600, noNaN: true });

// Along a track the tables are read in single precision, and a share is the difference of two: 1e-7 of what is read,
// times the few rows that are added up. The quick Pandel function of 2026a is good to 5e-6, near the source. 2026b is in
// single precision throughout: places of up to 1000 m, to 6e-5 m of which light falls off by up to 1 a metre and times
// change by 5 ns a metre where the density is at most 0.07/ns; exponents of up to 87, each to 1e-7.
const tolerances: Record<string, { amplitude: number; share: number }> = {
  "embedded-2026a": { amplitude: 3e-6, share: 6e-6 },
  "embedded-2026b": { amplitude: 2e-4, share: 3e-5 },
};
/** PE. Single precision has no numbers far below. */
const noLight = 1e-30;
for (const [name, light] of lights) {
  const tolerance = tolerances[name] ?? { amplitude: 3e-6, share: 1e-6 };
  test(`${name} light: cascades seen along a track are those seen one by one`, () => {
    let compared = 0;
    fc.assert(
      fc.property(
        fc.record({
          x: place,
          y: place,
          // Now and then beyond the tables' depths.
          z: fc.double({ min: -900, max: 900, noNaN: true }),
          time: fc.constant(10000),
          zenith: fc.double({ min: 0, max: Math.PI, noNaN: true }),
          azimuth: fc.double({ min: 0, max: 2 * Math.PI, noNaN: true }),
        }),
        fc.tuple(place, place, fc.double({ min: -500, max: 500, noNaN: true })),
        fc.array(fc.double({ min: -700, max: 700, noNaN: true }), { minLength: 1, maxLength: 9 }),
        fc.array(fc.double({ min: -3000, max: 9000, noNaN: true }), { maxLength: 6 }),
        (track, dom, lengths, delays) => {
          const site = [...dom, 1.1];
          const edges = delays.map((delay) => track.time + delay).sort((a, b) => a - b);
          const along = lengths.sort((a, b) => a - b);
          const seen = cascadeString(light, track, along, site, edges);
          const [sz, cz] = [Math.sin(track.zenith), Math.cos(track.zenith)];
          const direction = [-sz * Math.cos(track.azimuth), -sz * Math.sin(track.azimuth), -cz];
          along.forEach((length, i) => {
            const [x, y, z] = [track.x, track.y, track.z].map((c, k) => c + length * direction[k]!);
            const cascade = {
              ...track,
              x: x!,
              y: y!,
              z: z!,
              time: track.time + length / speedOfLight,
            };
            // On the track, the angle about it is whatever rounding makes of it.
            const away = [cascade.x, cascade.y, cascade.z].map((c, k) => dom[k]! - c);
            const forward = away.reduce((sum, d, k) => sum + d * direction[k]!, 0);
            if (Math.hypot(...away) ** 2 - forward ** 2 < 0.01) return;
            const single = cascadeLight(light, cascade, site, edges);
            const { amplitude, cumulative } = seen[i]!;
            if (single && single.amplitude.value < noLight) {
              expect(amplitude).toBeLessThan(2 * noLight);
              return;
            }
            expect(amplitude > 0).toBe((single?.amplitude.value ?? 0) > 0);
            if (!single) return;
            compared++;
            expect(Math.abs(amplitude / single.amplitude.value - 1)).toBeLessThan(
              tolerance.amplitude,
            );
            cumulative.forEach((share, k) => {
              expect(Math.abs(share - single.cumulative[k]!.value)).toBeLessThan(tolerance.share);
            });
          });
        },
      ),
      { numRuns: 400 },
    );
    // Of nearly two thousand cascades a quarter is within the tables' reach of the DOM.
    expect(compared).toBeGreaterThan(200);
  });
}
