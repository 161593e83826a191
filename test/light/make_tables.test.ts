import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { uniformNumbers } from "../../src/config/random.ts";
import { detectorOf } from "../../src/detector/gcd.ts";
import { loadEvent } from "../../src/event/load.ts";
import { openEmbeddedLight } from "../../src/light/light.ts";
import type { TableAccuracy } from "../../src/light/make_tables.ts";
import { openTableLight } from "../../src/light/photon_tables.ts";
import {
  cascadeLight,
  type LightModel,
  muonLight,
  muonLowEnergyFactor,
} from "../../src/native/light.ts";
import { openTable } from "../../src/native/spline_table.ts";
import type { Fitter } from "../../src/reco/reco.ts";
import { splinempe } from "../../src/reco/splinempe.ts";
import { program, simulatedEvent } from "../programs.ts";

setDefaultTimeout(120_000);

/** Python with what an independent reader needs: Debian's, or the first on the path. */
const python = ["/usr/bin/python3", "python3"].find((command) => {
  try {
    return Bun.spawnSync([command, "-c", "import numpy, scipy, astropy.io.fits"]).success;
  } catch {
    return false;
  }
});
if (!python) console.warn("skipped, needs Python with scipy and astropy: an independent reader");

const names = {
  bare: "InfBareMu_mie_abs_z20a10_V2.fits",
  stochastic: "InfHighEStoch_mie_abs_z20a10.fits",
  muonTiming: "InfBareMu_mie_prob_z20a10_V2.fits",
  cascade: "ems_mie_z20_a10.abs.fits",
  cascadeTiming: "ems_mie_z20_a10.prob.fits",
};

describe("tables made from the embedded light", () => {
  let folder: string;
  let made: TableAccuracy[];
  const path = (name: string) => join(folder, name);
  const said = (name: string) => made.find((one) => one.path === path(name))!;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "skyscan-made-"));
    // Few knots: seconds instead of minutes, and less agreement, which is said.
    const child = Bun.spawn(
      [...program, "tables", "make", "--out", folder, "--resolution", "0.4", "--json"],
      { stdout: "pipe", stderr: "inherit" },
    );
    made = JSON.parse(await new Response(child.stdout).text());
    expect(await child.exited).toBe(0);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("are all there", () => {
    expect(made.map((one) => one.path).sort()).toEqual(Object.values(names).map(path).sort());
    for (const { median, rms, largest } of made) {
      expect(median).toBeLessThan(rms);
      expect(rms).toBeLessThan(largest);
    }
  });

  test.skipIf(!python).each(Object.values(names))("%s: as SciPy reads it", async (name) => {
    const table = openTable(path(name));
    const next = uniformNumbers(7);
    const points = Array.from({ length: 40 }, () =>
      table.info.axes.map(({ extent: [low, high] }) => low + next() * (high - low)),
    );
    const child = Bun.spawn(
      [python!, resolve(import.meta.dir, "../native/spline_scipy.py"), path(name)],
      {
        stdin: new Blob(points.map((x) => `${JSON.stringify(x)}\n`)),
        stdout: "pipe",
        stderr: "inherit",
      },
    );
    const text = await new Response(child.stdout).text();
    expect(await child.exited).toBe(0);
    const theirs: number[][] = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(theirs.length).toBe(points.length);
    points.forEach((x, i) => {
      const { values, gradients } = table.evaluate(Float64Array.from(x));
      [values[0]!, ...gradients].forEach((ours, k) => {
        expect(Math.abs(ours - theirs[i]![k]!)).toBeLessThan(1e-9 * Math.abs(ours) + 1e-11);
      });
    });
    table.close();
  });

  /** Median and root mean square of absolute differences, against what `make` said of a table. */
  function agrees(differences: readonly number[], { median, rms }: TableAccuracy) {
    const sorted = differences.map(Math.abs).sort((a, b) => a - b);
    const square = sorted.reduce((sum, d) => sum + d * d, 0) / sorted.length;
    // Other points than those of `make`: some hundred of them, with long tails.
    expect(sorted[sorted.length >> 1]!).toBeLessThan(1.3 * median);
    expect(Math.sqrt(square)).toBeLessThan(1.3 * rms);
  }
  /** Points (shares of the axes) until `points` of them are of use. */
  function collect(points: number, dimensions: number, use: (u: number[]) => boolean) {
    const next = uniformNumbers(11);
    for (let found = 0; found < points; )
      if (use(Array.from({ length: dimensions }, next))) found++;
  }

  test("muon light is the model's, within the agreement they state", () => {
    const embedded = openEmbeddedLight("muon", { model: "embedded-2026a" });
    const tables = openTableLight("muon", { photonTables: folder })!;
    const energy = 1e4;
    const amplitudes: number[] = [];
    const shares: number[] = [];
    const expected = (light: LightModel, { bare, stochastic }: Seen, at = energy) =>
      bare.value * (1 + muonLowEnergyFactor(light, at)) + stochastic.value * at;
    type Seen = NonNullable<ReturnType<typeof muonLight>>;
    collect(800, 5, ([a, b, c, d, e]) => {
      const track = { x: 0, y: 0, z: -2200 + 4400 * a!, time: 0, zenith: Math.PI * b!, azimuth: 1 };
      const [rho, angle] = [1 + 1699 * c!, 2 * Math.PI * d!];
      const [s, z] = [Math.sin(track.zenith), Math.cos(track.zenith)];
      const up = [-z * Math.cos(1), -z * Math.sin(1), s] as const;
      const side = [Math.sin(1), -Math.cos(1), 0] as const;
      const [u, v] = [rho * Math.cos(angle), rho * Math.sin(angle)];
      const site = up.map((along, k) => u * along + v * side[k]!);
      site[2]! += track.z;
      const delay = -40 + 1040 * e!;
      const theirs = muonLight(embedded, track, [...site, 1], [delay])!;
      if (expected(embedded, theirs) < 1e-3) return false;
      const ours = muonLight(tables, track, [...site, 1], [delay])!;
      amplitudes.push(Math.log(expected(tables, ours) / expected(embedded, theirs)));
      shares.push(ours.timing[0]!.cumulative.value - theirs.timing[0]!.cumulative.value);
      return true;
    });
    const { median, rms } = said(names.bare);
    agrees(amplitudes, {
      ...said(names.stochastic),
      // Mixed light: the worse of both, and the small losses' energy dependence.
      median: Math.max(median, said(names.stochastic).median) + 0.005,
      rms: Math.max(rms, said(names.stochastic).rms),
    });
    agrees(shares, said(names.muonTiming));
    // Small losses: 22 % at all energies against 17 % and 3.2 % per e-fold.
    const near = { x: 30, y: 0, z: 350, time: 0, zenith: 0, azimuth: 0 };
    const ratio = (energy: number) => {
      const [ours, theirs] = [tables, embedded].map((light) =>
        expected(light, muonLight(light, near, [0, 0, 350, 1], [])!, energy),
      );
      return ours! / theirs!;
    };
    for (const [at, off] of [
      [100, -0.049],
      [1e3, 0],
      [1e4, 0.0044],
      [1e6, 0.0002],
    ] as const)
      expect(Math.abs(ratio(at) / ratio(1e3) - 1 - off)).toBeLessThan(0.002);
    embedded.close();
    tables.close();
  });

  test("cascade light is the model's, within the agreement they state", () => {
    const embedded = openEmbeddedLight("cascade", { model: "embedded-2026a" });
    const tables = openTableLight("cascade", { photonTables: folder })!;
    const amplitudes: number[] = [];
    const shares: number[] = [];
    collect(500, 6, ([a, b, c, d, e, f]) => {
      const zenith = Math.PI * b!;
      const cascade = { x: 0, y: 0, z: -2200 + 4400 * a!, time: 0, zenith, azimuth: 2 };
      const [r, cosine, angle] = [1 + 1699 * c!, 2 * d! - 1, 2 * Math.PI * e!];
      const [s, z] = [Math.sin(zenith), Math.cos(zenith)];
      const [cos, sin] = [Math.cos(2), Math.sin(2)];
      const sine = Math.sqrt(1 - cosine * cosine);
      const [n, u, v] = [cosine * r, sine * r * Math.cos(angle), sine * r * Math.sin(angle)];
      const site = [
        -s * cos * n - z * cos * u + sin * v,
        -s * sin * n - z * sin * u - cos * v,
        cascade.z - z * n + s * u,
      ];
      const moment = (r * 1.35634) / 0.299792458 - 40 + 1040 * f!;
      const theirs = cascadeLight(embedded, cascade, [...site, 1], [moment])!;
      if (1e3 * theirs.amplitude.value < 1e-3) return false;
      const ours = cascadeLight(tables, cascade, [...site, 1], [moment])!;
      amplitudes.push(Math.log(ours.amplitude.value / theirs.amplitude.value));
      shares.push(ours.cumulative[0]!.value - theirs.cumulative[0]!.value);
      return true;
    });
    agrees(amplitudes, said(names.cascade));
    agrees(shares, said(names.cascadeTiming));
    embedded.close();
    tables.close();
  });

  test("splinempe sees the same in them as in the model, along good tracks and bad ones", async () => {
    const event = await loadEvent(simulatedEvent);
    const detector = await detectorOf(event);
    const lights = [
      openEmbeddedLight("muon", { model: "embedded-2026a" }),
      openTableLight("muon", { photonTables: folder })!,
    ];
    const fitters: Fitter[] = lights.map((light) =>
      splinempe.open(splinempe.prepare(event, detector, light), light),
    );
    const [model, tables] = fitters as [Fitter, Fitter];
    const { vertex } = splinempe.prepare(event, detector, lights[0]!);
    const next = uniformNumbers(3);
    // Bad tracks pass most DOMs at great distances, where tables may end and the model does not.
    for (let i = 0; i < 12; i++) {
      const seed = { ...vertex, zenith: Math.acos(2 * next() - 1), azimuth: 2 * Math.PI * next() };
      const fit = await model.fit(seed);
      const there = { ...seed, x: fit.x, y: fit.y, z: fit.z, time: fit.time };
      const [a, b] = [model.evaluate(there).llh, tables.evaluate(there).llh];
      expect(Math.abs(b - a)).toBeLessThan(0.03 * a);
    }
    for (const fitter of fitters) fitter.close?.();
    for (const light of lights) light.close();
  });
});
