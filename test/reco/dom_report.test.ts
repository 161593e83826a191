import { expect, test } from "bun:test";
import { resolve } from "node:path";
import { skyscan } from "../programs.ts";

const simulated = resolve(import.meta.dir, "../data/simulated_muon.json");
interface Row {
  string: number;
  om: number;
  first_time: number | null;
  residual: number | null;
  charge: number;
  expected: number | null;
  llh: number | null;
  excluded: string | null;
}
const fit = async (algorithm: string) => {
  const args = [
    "reco",
    simulated,
    "--reco-algo",
    algorithm,
    "--nside",
    8,
    "--pixel",
    340,
    "--doms",
  ];
  const { code, stdout, stderr } = await skyscan(args).exited;
  expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
  return JSON.parse(stdout) as { llh: number; doms: Row[] };
};

test("splinempe's DOMs add up to its llh, see what is expected, and are out for a reason", async () => {
  const { llh, doms } = await fit("splinempe");
  const used = doms.filter((dom) => dom.llh !== null);
  expect(used.length).toBeGreaterThan(10);
  const sum = used.reduce((total, dom) => total + dom.llh!, 0);
  // The sum of so many terms in another order.
  expect(Math.abs(sum / llh - 1)).toBeLessThan(1e-9);
  for (const dom of used) expect(dom).toMatchObject({ excluded: null });
  for (const dom of doms)
    if (dom.llh === null && dom.charge > 0) expect(dom.excluded).toMatch(/^(rt|time_window|ic): /);
  // The simulated light is the model's: in all, what is expected is seen within the spread of a few hundred PE.
  const total = (key: "charge" | "expected") => used.reduce((all, dom) => all + (dom[key] ?? 0), 0);
  expect(total("charge")).toBeGreaterThan(0.2 * total("expected"));
  // Most light is late, and hardly any early, once the track fits.
  expect(used.filter(({ residual }) => residual! > -100).length).toBeGreaterThan(0.8 * used.length);
}, 120_000);

test("millipede's losses say what light is expected", async () => {
  const { doms } = await fit("millipede_wilks");
  // Too bright a DOM is left out, and its charge with it.
  const seen = doms.filter(({ charge, excluded }) => charge > 0 && excluded === null);
  expect(seen.length).toBeGreaterThan(10);
  for (const dom of seen) expect(dom.llh).toBeNull();
  const total = (key: "charge" | "expected") => seen.reduce((all, dom) => all + (dom[key] ?? 0), 0);
  // Its energies are fitted to the very charge.
  const ratio = total("expected") / total("charge");
  expect(ratio).toBeGreaterThan(0.5);
  expect(ratio).toBeLessThan(2);
}, 120_000);
