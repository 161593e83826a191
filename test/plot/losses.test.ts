import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { speedOfLight } from "../../src/geometry/constants.ts";
import { writePicture } from "../../src/plot/files.ts";
import { plotLosses, readFitWithLosses } from "../../src/plot/losses.ts";
import { testFolder } from "../folder.ts";

/** Cascades every 5 m, the third of them dark. */
const energies = [10, 1000, 0, 50];
const fit = {
  llh: 12.5,
  time: 1000,
  E_in: 1050,
  E_tot: 1060,
  losses: energies.map((energy, i) => ({ time: 1000 + (5 * i) / speedOfLight, energy })),
};
const bars = (svg: string) =>
  [
    ...svg.matchAll(
      /<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)" fill="#7e2482"/g,
    ),
  ].map((match) => match.slice(1, 5).map(Number) as [number, number, number, number]);

describe("energy losses along a track", () => {
  test("one bar per loss, as high as its logarithm and as wide as the spacing", () => {
    const drawn = bars(plotLosses(fit, "fit"));
    expect(drawn).toHaveLength(3);
    const [a, b, c] = drawn as [(typeof drawn)[0], (typeof drawn)[0], (typeof drawn)[0]];
    // 10, 1000 and 50 GeV per 5 m: two decades apart, and one and a half
    expect((b[3] - a[3]) / (b[3] - c[3])).toBeCloseTo(2 / Math.log10(20), 2);
    expect((c[0] - b[0]) / (b[0] - a[0])).toBeCloseTo(2, 2);
    expect(b[2]).toBeCloseTo(b[0] - a[0] - 0.5, 1);
    // all stand on the same line
    for (const [, y, , height] of drawn) expect(y + height).toBeCloseTo(a[1] + a[3], 1);
  });

  test("a fit's file is told from a result's, and drawn", async () => {
    const folder = testFolder();
    const file = join(folder, "fit.json");
    writeFileSync(file, JSON.stringify({ ...fit, E_tot: null }));
    expect((await readFitWithLosses(file))?.losses).toHaveLength(4);
    writeFileSync(join(folder, "other.json"), '{"nside-8": {}}');
    expect(await readFitWithLosses(join(folder, "other.json"))).toBeUndefined();
    await writePicture(
      join(folder, "fit.png"),
      plotLosses((await readFitWithLosses(file))!, "fit"),
    );
    const png = new Uint8Array(await Bun.file(join(folder, "fit.png")).arrayBuffer());
    expect([...png.subarray(1, 4)]).toEqual([0x50, 0x4e, 0x47]);
  });

  test("no loss at all still makes a picture", () => {
    expect(plotLosses({ ...fit, losses: [] }, "dark")).toContain("0 losses");
    expect(plotLosses({ ...fit, losses: [] }, "dark")).not.toContain("NaN");
  });
});
