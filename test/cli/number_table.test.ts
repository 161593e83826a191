import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readNumberTable } from "../../src/cli/number_table.ts";
import { InputError } from "../../src/config/errors.ts";
import { writeTable } from "../../src/native/spline_table.ts";
import { writeNpy } from "../../src/result/npy.ts";
import { testFolder } from "../folder.ts";
import { program, simulatedEvent } from "../programs.ts";
import { python, testWithNumpy } from "../result/python.ts";

const folder = testFolder();

/** An .npy file of format 1.0 with this header and these bytes. */
function npy(name: string, descr: string, shape: string, data: ArrayBufferView, order = "False") {
  const header = `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }`.padEnd(117);
  const start = Buffer.from("\x93NUMPY\x01\x00\x76\x00", "latin1");
  const body = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const path = join(folder, name);
  writeFileSync(path, Buffer.concat([start, Buffer.from(`${header}\n`, "latin1"), body]));
  return path;
}

async function skyscan(args: readonly string[], input = "") {
  const child = Bun.spawn([...program, ...args], {
    stdin: new Blob([input]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, log] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code: await child.exited, out, log };
}

describe("arrays of numbers in .npy files", () => {
  const six = Float64Array.of(1, 2, 3, 4, 5, 6);

  test("row by row, in C and in Fortran order, of any type of number", async () => {
    const rows = [
      [1, 2, 3],
      [4, 5, 6],
    ];
    expect(await readNumberTable(npy("c", "'<f8'", "(2, 3)", six), [3])).toEqual(rows);
    const turned = Float64Array.of(1, 4, 2, 5, 3, 6);
    const fortran = npy("f", "'<f8'", "(2, 3)", turned, "True");
    expect(await readNumberTable(fortran, [2, 3])).toEqual(rows);
    const integers = npy("i8", "'<i8'", "(2, 3)", BigInt64Array.from([1n, 2n, 3n, 4n, 5n, 6n]));
    expect(await readNumberTable(integers, [3])).toEqual(rows);
    expect(await readNumberTable(npy("none", "'<f4'", "(0, 3)", new Float32Array()), [3])).toEqual(
      [],
    );
  });

  testWithNumpy("as numpy saves them", async () => {
    const path = join(folder, "numpy.npy");
    for (const made of ["a", "np.asfortranarray(a)", "a.astype('f4')", "a[::2].T[::-1].T"]) {
      python(
        `import sys, numpy as np; a = np.arange(60).reshape(10, 6) / 4; np.save(sys.argv[1], ${made})`,
        path,
      );
      const rows = await readNumberTable(path, [6]);
      const isEverySecondBackwards = made.includes("::");
      expect(rows.length).toBe(isEverySecondBackwards ? 5 : 10);
      expect(rows[1]).toEqual(
        isEverySecondBackwards
          ? [17, 16, 15, 14, 13, 12].map((n) => n / 4)
          : [6, 7, 8, 9, 10, 11].map((n) => n / 4),
      );
    }
  });

  const record = writeNpy({ fields: [["llh", "<f8"]], length: 1, columns: { llh: [1] } });
  test.each<[string, () => string, RegExp]>([
    ["a missing file", () => join(folder, "missing"), /missing: no such file$/],
    ["a folder", () => folder, /cannot be read/],
    ["too few numbers", () => npy("a", "'<f8'", "(4000000000, 3)", six), /holds 6 numbers; its/],
    ["too many numbers", () => npy("b", "'<f8'", "(1, 3)", six), /holds 6 numbers; .* needs 3$/],
    ["a cut number", () => npy("d", "'<f8'", "(2, 3)", six.slice(1).subarray(0)), /holds 5/],
    ["half a number", () => npy("e", "'<f8'", "(2, 3)", new Uint8Array(45)), /no .npy array/],
    [
      "other columns",
      () => npy("g", "'<f8'", "(3, 2)", six),
      /shape \(3, 2\); expected N × 3 or 4/,
    ],
    ["one dimension", () => npy("h", "'<f8'", "(6,)", six), /an array of shape \(6\); expected/],
    ["big-endian numbers", () => npy("i", "'>f8'", "(2, 3)", six), /no .npy array/],
    ["text", () => npy("j", "'<U2'", "(2, 3)", new Uint32Array(12)), /values of type U2/],
    ["booleans", () => npy("k", "'|b1'", "(2, 3)", new Uint8Array(6)), /values of type b1/],
    ["complex numbers", () => npy("l", "'<c16'", "(1, 3)", six), /values of type c16/],
    ["a negative shape", () => npy("m", "'<f8'", "(-2, 3)", six), /holds 6 numbers/],
    [
      "an array of records",
      () => {
        writeFileSync(join(folder, "n"), record);
        return join(folder, "n");
      },
      /no .npy array/,
    ],
    [
      "no array",
      () => {
        writeFileSync(join(folder, "o"), "x,y,z\n");
        return join(folder, "o");
      },
      /o: no .npy array of numbers/,
    ],
  ])("refuses %s in one line", async (_, path, message) => {
    const reading = readNumberTable(path(), [3, 4]);
    await expect(reading).rejects.toThrow(InputError);
    await expect(reading).rejects.toThrow(message);
  });
});

describe("skyscan reads them", () => {
  const event = simulatedEvent;
  const hypothesis = [-290, -70, -190, 11245, 1.5716, 4.8769];
  const names = ["x", "y", "z", "time", "zenith", "azimuth", "energy"];
  const line = (values: readonly number[]) =>
    JSON.stringify(Object.fromEntries(values.map((value, i) => [names[i], value])));

  test("reco --hypotheses answers as --jsonl does", async () => {
    const rows = [
      [...hypothesis, 5000],
      [...hypothesis.slice(0, 4), 1.2, 4.5, Number.NaN],
    ];
    const file = npy("rows", "'<f8'", "(2, 7)", Float64Array.from(rows.flat()));
    const args = ["reco", event, "--reco-algo", "splinempe", "--evaluate"];
    const lines = [line(rows[0]!), line(rows[1]!.slice(0, 6))].join("\n");
    const [byLine, byRow] = await Promise.all([
      skyscan([...args, "--jsonl"], lines),
      skyscan([...args, "--hypotheses", file]),
    ]);
    expect(byRow.code).toBe(0);
    expect(byRow.out.split("\n").length).toBe(3);
    expect(byRow.out).toBe(byLine.out);
  });

  test("reco says which row and number is none", async () => {
    const rows = Float64Array.of(...hypothesis, ...hypothesis.slice(0, 5), Number.NaN);
    const file = npy("nan", "'<f8'", "(2, 6)", rows);
    const { code, log } = await skyscan([
      ...["reco", event, "--reco-algo", "splinempe", "--hypotheses", file],
    ]);
    expect(code).toBe(2);
    expect(log).toMatch(/nan: row 2: azimuth: /);
  });

  test("tables eval --points answers as lines do", async () => {
    const table = join(folder, "table.fits");
    const knots = [0, 1, 2, 3, 4, 5];
    writeTable(table, {
      orders: [2, 2],
      knots: [knots, knots],
      extents: [
        [2, 3],
        [2, 3],
      ],
      samples: Float32Array.from({ length: 9 }, (_, i) => i * i),
      samplesAre: "coefficients",
    });
    const points = [
      [2.5, 2.25],
      [9, 2],
    ];
    const file = npy("points", "'<f8'", "(2, 2)", Float64Array.from(points.flat()));
    const [byLine, byRow] = await Promise.all([
      skyscan(["tables", "eval", table], points.map((x) => JSON.stringify(x)).join("\n")),
      skyscan(["tables", "eval", table, "--points", file]),
    ]);
    expect(byRow.code).toBe(0);
    expect(byRow.out).toMatch(/^\{"value":[\d.]+,"gradient":.*\n\{"value":null\}\n$/);
    expect(byRow.out).toBe(byLine.out);
    const other = npy("other", "'<f8'", "(1, 3)", Float64Array.of(1, 2, 3));
    const refused = await skyscan(["tables", "eval", table, "--points", other]);
    expect(refused.code).toBe(2);
    expect(refused.log).toContain("expected N × 2 numbers");
  });
});
