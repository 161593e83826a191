import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  fitSites,
  type NewTable,
  openTable,
  type SplineTable,
  smearing,
  writeTable,
} from "../../src/native/spline_table.ts";
import { shared } from "../shared.ts";
import { derivative, openTablePair } from "./diagnostics.ts";
import { type Precisions, photospline } from "./photospline.ts";

// Single precision is emulated number by number.
setDefaultTimeout(60_000);

const json = (...path: string[]) => JSON.parse(readFileSync(shared(...path), "utf8"));

interface Point {
  x: number[];
  ok: boolean;
  value64: number;
  gradient64: number[];
  exact?: number;
  exact_gradient?: number[];
}

/** Where a table disagrees with reference points. */
function disagreements(table: SplineTable, points: Point[], relative: number, absolute: number) {
  const wrong: unknown[] = [];
  for (const { x, ok, value64, gradient64, exact, exact_gradient } of points) {
    const { values, gradients } = table.evaluate(Float64Array.from(x));
    if (Number.isNaN(values[0]) === ok) wrong.push({ x, ok });
    if (!ok) continue;
    const theirs = [exact ?? value64, ...(exact_gradient ?? gradient64.slice(1))];
    [values[0]!, ...gradients].forEach((ours, k) => {
      if (Math.abs(ours - theirs[k]!) > absolute + relative * Math.abs(theirs[k]!))
        wrong.push({ x, k, ours, theirs: theirs[k] });
    });
  }
  return wrong;
}

// photospline summed these in double precision, in another order: up to 3^6 products, each to 1e-16, whose
// coefficients nearly cancel in slopes.
describe("photospline's own tables and values", () => {
  const folder = shared("oracle", "splines");
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".ref.json"))) {
    const reference = json("oracle", "splines", name);
    const path = join(folder, name.replace(".ref.json", ".fits"));
    test(name.replace(".ref.json", ""), () => {
      const table = openTable(path);
      const { axes } = table.info;
      expect(axes.map(({ order }) => order)).toEqual(reference.table.order);
      expect(axes.map(({ coefficients }) => coefficients)).toEqual(reference.table.naxes);
      expect(axes.map(({ extent }) => extent)).toEqual(reference.table.extents);
      expect(disagreements(table, reference.points, 1e-9, 1e-9)).toEqual([]);
      table.close();
    });
    if (!reference.convolved) continue;
    test(`${name.replace(".ref.json", "")}, convolved`, () => {
      const { dim, kernel_knots, points } = reference.convolved;
      const table = openTable(path, { axis: dim, kernel: kernel_knots });
      expect(disagreements(table, points, 1e-9, 1e-9)).toEqual([]);
      table.close();
    });
  }
  test("tables without numbers open", () => {
    const names = readdirSync(folder);
    const bare = names.filter(
      (name) => name.endsWith(".fits") && !names.includes(name.replace(".fits", ".ref.json")),
    );
    expect(bare).not.toEqual([]);
    for (const name of bare) {
      const table = openTable(join(folder, name));
      const middle = table.info.axes.map(({ extent: [low, high] }) => (low + high) / 2);
      expect(table.values(Float64Array.from(middle))[0]).toBeFinite();
      table.close();
    }
  });
});

/** The reference evaluated these in single precision: the number of that arithmetic is its own to every digit. */
describe("the photon tables, axis by axis", () => {
  const { raw, convolved } = json("oracle", "photonics", "splineeval.json");
  interface Table {
    table: string;
    rows: [number[], number, number[], number[] | null][];
  }
  /** Ours beside the same arithmetic in double precision, theirs beside it in single precision. */
  function compare(
    wrong: unknown[],
    what: unknown,
    ours: number,
    theirs: number,
    { single, rounded }: Precisions,
    scale: number,
  ) {
    if (Math.fround(theirs) !== single) wrong.push({ what, theirs, single });
    if (!(Math.abs(ours - rounded) <= 1e-9 * Math.abs(rounded) + 1e-12 * scale))
      wrong.push({ what, ours, rounded });
  }
  const along = (axes: number, axis: number, order = 1) =>
    Array.from({ length: axes }, (_, k) => (k === axis ? order : 0));
  test.each(raw as Table[])("$table", ({ table: name, rows }) => {
    const table = openTable(shared("oracle", "tables", name));
    const reference = photospline(table);
    const wrong: unknown[] = [];
    for (const [x, value, gradient, second] of rows) {
      const point = Float64Array.from(x);
      const { values, gradients } = table.evaluate(point);
      const scale = Math.max(1, Math.abs(value));
      compare(wrong, x, values[0]!, value, reference(x)!, scale);
      gradient.forEach((theirs, k) => {
        const expected = reference(x, along(x.length, k))!;
        compare(wrong, [x, k], gradients[k]!, theirs, expected, scale);
      });
      second?.forEach((theirs, k) => {
        const orders = along(x.length, k, 2);
        const expected = reference(x, orders)!;
        if (Math.fround(theirs) !== expected.single) wrong.push({ x, k, theirs, ...expected });
        // At the upper end of the full support the reference mixes both sides of the knot.
        if (x[k] === table.info.axes[k]!.extent[1]) return;
        compare(wrong, [x, k, 2], derivative(table, point, orders)[0]!, theirs, expected, scale);
      });
    }
    table.close();
    expect(wrong.slice(0, 5)).toEqual([]);
  });
  test.each(
    convolved as {
      table: string;
      convolved_dim: number;
      sigma: number;
      extents: [number, number][];
      rows: [number[], number, number][];
    }[],
  )("$table smeared by $sigma ns", ({ table: name, convolved_dim, sigma, extents, rows }) => {
    const kernel = smearing(convolved_dim, sigma);
    const path = shared("oracle", "tables", name);
    const [plain, table] = [openTable(path), openTable(path, kernel)];
    expect(table.info.axes.map(({ extent }) => extent)).toEqual(extents);
    const reference = photospline(plain, kernel);
    const wrong: unknown[] = [];
    for (const [x, value, slope] of rows) {
      const { values, gradients } = table.evaluate(Float64Array.from(x));
      compare(wrong, x, values[0]!, value, reference(x)!, 1);
      const orders = along(x.length, convolved_dim);
      compare(wrong, [x, 1], gradients[convolved_dim]!, slope, reference(x, orders)!, 1);
    }
    plain.close();
    table.close();
    expect(wrong.slice(0, 5)).toEqual([]);
  });
});

describe("time smearing of light", () => {
  test.each([2, 1000])("by %p ns is the integral over the triangle", (sigma) => {
    const [abs, prob] = ["abs", "prob"].map((kind) =>
      shared("oracle", "tables", `InfBareMu_mie_${kind}_z20a10_V2.fits`),
    );
    const plain = openTable(prob!);
    const smeared = openTablePair(abs!, prob!, "muon", sigma);
    const source = { ...{ x: 0, y: 0, z: -300, zenith: 1.4, azimuth: 0.3 }, energy: 1 };
    const steps = 20000;
    const points = new Float64Array(5 * steps);
    for (const time of [-1.99 * sigma, -1.5, 3, 60, 250.1, 1500, 4000]) {
      const seen = smeared.look(
        { ...source, kind: "muon" },
        { x: -40, y: 60, z: -270 },
        Float64Array.of(time),
      );
      const [rho, angle, zenith, z] = seen.coordinates as [number, number, number, number];
      let [sum, slope] = [0, 0];
      for (let i = 0; i < steps; i++)
        points.set(
          [rho, angle, time - 2 * sigma + (4 * sigma * (i + 0.5)) / steps, zenith, z],
          5 * i,
        );
      const { values, gradients } = plain.evaluate(points);
      for (let i = 0; i < steps; i++) {
        const weight = (1 - Math.abs((2 * (i + 0.5)) / steps - 1)) * (2 / steps);
        if (Number.isNaN(values[i]!)) continue; // zero beyond the knots
        sum += weight * values[i]!;
        slope += weight * gradients[5 * i + 2]!;
      }
      const { cumulative, density } = seen.timing[0]!;
      expect(Math.abs(cumulative - sum)).toBeLessThan(1e-9);
      expect(Math.abs(density - slope)).toBeLessThan(1e-8 * slope + 1e-12);
    }
    plain.close();
    smeared.close();
  });
});

describe("tables made here", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "skyscan-splines-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Uneven ascending knots. */
  const uneven = (count: number, seed: number): number[] =>
    Array.from({ length: count }, (_, i) => i + 0.3 * Math.sin(seed + 1.7 * i));

  /** Every spline of order p reproduces polynomials up to degree p. */
  test.each([
    [[0]],
    [[1]],
    [[4]],
    [[5]],
    [[9]],
    [[3, 0]],
    [[1, 2, 3]],
    [[4, 1, 5]],
    [[2, 2, 3, 1]],
    [[1, 2, 1, 3, 2]],
    [[2, 1, 2, 1, 3, 2]],
    [[1, 1, 1, 2, 1, 1, 1]],
  ])("orders %p reproduce their polynomials", (orders) => {
    const knots = orders.map((order, axis) => uneven(2 * order + 6, axis));
    const sites = knots.map((axis, k) => fitSites(axis, orders[k]!));
    const truth = (x: readonly number[]) =>
      x.reduce((product, value, k) => product * (1 + (value / 10) ** orders[k]!), 1);
    const samples: number[] = [];
    const walk = (x: number[]): void => {
      if (x.length === orders.length) samples.push(truth(x));
      else for (const site of sites[x.length]!) walk([...x, site]);
    };
    walk([]);
    const path = join(folder, `${orders.join("")}.fits`);
    const extents = knots.map((axis, k): [number, number] => [
      axis[orders[k]!]!,
      axis.at(-1 - orders[k]!)!,
    ]);
    writeTable(path, {
      ...{ orders, knots, extents },
      samples: Float32Array.from(samples),
      samplesAre: "values",
    });
    const table = openTable(path);
    expect(table.info.axes.map(({ extent }) => [...extent])).toEqual(extents);
    for (let i = 0; i < 20; i++) {
      const x = extents.map(
        ([low, high], k) => low + (high - low) * ((0.37 * i + 0.61 * k + 0.005) % 1),
      );
      const { values, gradients } = table.evaluate(Float64Array.from(x));
      expect(values[0]! / truth(x)).toBeCloseTo(1, 5);
      orders.forEach((order, k) => {
        if (order === 0) return;
        const slope =
          ((truth(x) / (1 + (x[k]! / 10) ** order)) * order * (x[k]! / 10) ** (order - 1)) / 10;
        expect(gradients[k]! / truth(x)).toBeCloseTo(slope / truth(x), 4);
        const one = orders.map((_, axis) => (axis === k ? 1 : 0));
        expect(derivative(table, Float64Array.from(x), one)[0]!).toBeCloseTo(gradients[k]!, 10);
      });
    }
    table.close();
  });

  test("convolution leaves a straight line as it is, inside", () => {
    const knots = uneven(16, 3);
    const path = join(folder, "line.fits");
    const line = Float32Array.from(fitSites(knots, 3), (x) => 2 + x / 4);
    writeTable(path, {
      orders: [3],
      knots: [knots],
      extents: [[3, 12]],
      samples: line,
      samplesAre: "values",
    });
    for (const sigma of [0.001, 0.2, 1]) {
      const table = openTable(path, smearing(0, sigma));
      for (const x of [5.5, 6.99, 8, 9.2]) {
        const { values, gradients } = table.evaluate(Float64Array.of(x));
        expect(values[0]!).toBeCloseTo(2 + x / 4, 5);
        expect(gradients[0]!).toBeCloseTo(0.25, 5);
      }
      table.close();
    }
  });

  const small: NewTable = {
    orders: [2, 2],
    knots: [uneven(8, 0), uneven(9, 1)],
    extents: [
      [2, 5],
      [2, 6],
    ],
    keys: { NGROUP: 1.35 },
    samples: new Float32Array(30).map((_, i) => i),
    samplesAre: "coefficients",
  };
  /** The bytes of a good table, changed. */
  function broken(change: (bytes: Buffer) => Buffer | undefined): string {
    const path = join(folder, "good.fits");
    writeTable(path, small);
    const bytes = readFileSync(path);
    const bad = join(folder, "bad.fits");
    writeFileSync(bad, change(bytes) ?? bytes);
    return bad;
  }
  const card = (bytes: Buffer, key: string, value: string): undefined => {
    bytes.write(
      `${key.padEnd(8)}= ${value.padStart(20)}`,
      bytes.indexOf(`${key.padEnd(8)}=`),
      "latin1",
    );
  };

  test("keys may be numbers or quoted strings", () => {
    const path = broken((bytes) => card(bytes, "NGROUP", "'1.3499  '          "));
    const table = openTable(path);
    expect(table.info.keys).toEqual({ NGROUP: "1.3499" });
    table.close();
  });
  test.each<[string, (bytes: Buffer) => Buffer | undefined, RegExp]>([
    ["truncated", (b) => b.subarray(0, 2880 * 2 + 2880 + 40), /bad\.fits: HDU KNOTS0.*truncated/],
    [
      "cut in a header",
      (b) => b.subarray(0, 2880 + 2880 + 500),
      /bad\.fits: HDU .*KNOTS0 is missing|ends/,
    ],
    ["empty", (b) => b.subarray(0, 0), /0 bytes; expected a FITS file/],
    ["not FITS", (b) => b.fill("x", 0, 6), /bad\.fits: is not a FITS file/],
    ["gzip", (b) => b.fill(Buffer.of(0x1f, 0x8b), 0, 2), /gzip/],
    [
      "no order",
      (b) => card(b, "ORDER1", "2") ?? b.fill("Z", b.indexOf("ORDER1"), b.indexOf("ORDER1") + 1),
      /HDU primary: key ORDER1 .* is missing/,
    ],
    [
      "order of text",
      (b) => card(b, "ORDER0", "two"),
      /HDU primary: key ORDER0 is 'two'; expected a number/,
    ],
    [
      "too high an order",
      (b) => card(b, "ORDER0", "3"),
      /HDU KNOTS0: key NAXIS1: 8 knots; expected 9/,
    ],
    ["negative order", (b) => card(b, "ORDER0", "-1"), /HDU primary: key ORDER0 is -1/],
    ["integer coefficients", (b) => card(b, "BITPIX", "32"), /HDU primary: key BITPIX is 32/],
    [
      "huge axis",
      (b) => card(b, "NAXIS1", "99999999999"),
      /HDU primary: .*(truncated|overflows|NAXIS1)/,
    ],
    [
      "NaN knot",
      (b) => {
        b.writeDoubleBE(Number.NaN, b.indexOf("KNOTS0") - (b.indexOf("KNOTS0") % 2880) + 2880 + 16);
        return undefined;
      },
      /HDU KNOTS0: knot 2 is not a finite number/,
    ],
    [
      "falling knots",
      (b) => {
        b.writeDoubleBE(-5, b.indexOf("KNOTS1") - (b.indexOf("KNOTS1") % 2880) + 2880 + 24);
        return undefined;
      },
      /HDU KNOTS1: knot 3 .* must ascend/,
    ],
    [
      "no knots",
      (b) => b.fill("X", b.indexOf("KNOTS1"), b.indexOf("KNOTS1") + 1),
      /HDU KNOTS1 is missing/,
    ],
    ["binary header", (b) => b.fill(0, 400, 410), /HDU primary: .* not ASCII/],
  ])("%s: refused, naming file, HDU and key", (_, change, message) => {
    expect(() => openTable(broken(change))).toThrow(message);
  });
  test("a missing file", () => {
    expect(() => openTable(join(folder, "none.fits"))).toThrow(
      /none\.fits: cannot be opened: No such/,
    );
  });
});
