import { expect, test } from "bun:test";
import { join } from "node:path";
import { openEmbeddedLight } from "../../src/light/light.ts";
import { muonLowEnergyFactor } from "../../src/native/light.ts";
import { openMillipede } from "../../src/native/millipede.ts";
import { openTable, writeTable } from "../../src/native/spline_table.ts";
import { openSplineMpe } from "../../src/native/splinempe.ts";
import { testFolder } from "../folder.ts";

const track = { x: 0, y: 0, z: 0, time: 10_000, zenith: 1, azimuth: 2 };
const dom = { x: 30, y: 0, z: 0, efficiency: 1 };
const folder = testFolder();

/** A likelihood of one DOM, on a light model that is closed already: likelihoods keep what they use. */
function splinempe() {
  const light = openEmbeddedLight("muon");
  const doms = [{ ...dom, firstTime: 10_100, charge: 1 }];
  const window = { start: 10_000, stop: 12_000 };
  const likelihood = openSplineMpe(light, { doms, window, energy: 1000 });
  light.close();
  return likelihood;
}

function millipede() {
  const light = openEmbeddedLight("cascade");
  const pulses = [{ time: 10_100, charge: 3, width: 8 }];
  const likelihood = openMillipede(light, [{ ...dom, noiseRate: 5e-7, pulses, exclusions: [] }], {
    window: { start: 9000, stop: 15_000 },
    ...{ binSigma: 2, minTimeWidth: 25, boundary: 600, regularisation: 0 },
  });
  light.close();
  return likelihood;
}

function table() {
  const path = join(folder, "table.fits");
  const samples = Float32Array.of(1, 2);
  writeTable(path, {
    orders: [0],
    knots: [[0, 1, 2]],
    extents: [[0, 2]],
    samples,
    samplesAre: "coefficients",
  });
  return openTable(path);
}

interface Opened<Thing> {
  readonly open: () => Thing & { close(): void };
  readonly use: (thing: Thing) => unknown;
}
const opened = <Thing>(open: Opened<Thing>["open"], use: Opened<Thing>["use"]) =>
  ({ open, use }) as Opened<unknown>;

test.each([
  [
    "light model",
    opened(
      () => openEmbeddedLight("muon"),
      (light) => muonLowEnergyFactor(light, 1000),
    ),
  ],
  ["splinempe likelihood", opened(splinempe, (likelihood) => likelihood.evaluate(track))],
  ["millipede likelihood", opened(millipede, (likelihood) => likelihood.evaluate(track, 10).llh)],
  ["spline table", opened(table, (splines) => splines.values(Float64Array.of(0.5))[0])],
])("a %s works while open, closes once, and refuses use afterwards", (name, { open, use }) => {
  const thing = open();
  expect(use(thing)).toBeNumber();
  expect(use(thing)).not.toBeNaN();
  thing.close();
  thing.close();
  expect(() => use(thing)).toThrow(`this ${name} has been closed`);
});
