import { describe, expect, test } from "bun:test";
import { builtinDetector } from "../../src/detector/builtin.ts";
import { instrumentedVolume, intersection } from "../../src/detector/volume.ts";
import { shared } from "../shared.ts";

interface Row {
  readonly pos: [number, number, number];
  readonly zenith: number;
  readonly azimuth: number;
  readonly intersections: [number, number, number][];
}

describe("the instrumented volume", () => {
  test("tracks enter and leave where the reference says", async () => {
    const volume = instrumentedVolume(builtinDetector());
    const { rows }: { rows: Row[] } = await Bun.file(
      shared("oracle/seeds/volume_intersections.json"),
    ).json();
    for (const { pos, zenith, azimuth, intersections } of rows) {
      const [x, y, z] = pos;
      const found = intersection(volume, { x, y, z, zenith, azimuth });
      expect(found !== undefined).toBe(intersections.length > 0);
      if (!found) continue;
      const at = (length: number) => [
        x - length * Math.sin(zenith) * Math.cos(azimuth),
        y - length * Math.sin(zenith) * Math.sin(azimuth),
        z - length * Math.cos(zenith),
      ];
      for (const [i, length] of [found.entry, found.exit].entries())
        at(length).forEach((value, axis) => {
          // Seen: 0.2 mm. The corners themselves, DOMs, are known to a centimetre.
          expect(Math.abs(value - intersections[i]![axis]!)).toBeLessThan(1e-3);
        });
    }
  });
});
