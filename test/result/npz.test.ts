import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { InputError } from "../../src/config/errors.ts";
import { writeNpy } from "../../src/result/npy.ts";
import { readNpz, writeNpz } from "../../src/result/npz.ts";
import { bestFit } from "../../src/result/result.ts";
import { readZip, writeZip } from "../../src/result/zip.ts";
import { shared } from "../shared.ts";
import { event, example, pixel } from "./examples.ts";
import { python, testWithNumpy, withFolder } from "./python.ts";

/** Builds the same arrays in numpy and lets numpy.savez write them. */
const savez = `
import sys, numpy as np
path = sys.argv[1]
header = np.array([(8, True, 136766, 7637140, 'neutrino', 59754.67588432013, True, 1),
                   (64, True, 136766, 7637140, 'neutrino', 59754.67588432013, True, 1)],
  dtype=[('nside','<i8'),('complete','|b1'),('run_id','<i8'),('event_id','<i8'),('event_type','<U8'),('mjd','<f8'),('is_real_event','|b1'),('version','<i8')])
pixels = np.dtype([('index','<i8'),('llh','<f8'),('E_in','<f8'),('E_tot','<f8'),('X','<f8'),('Y','<f8'),('Z','<f8'),('T','<f8')])
row = lambda i, llh: (i, llh, np.nan, 3, 12.5, -1e-5, 1e16, 10404.25)
coarse = np.array([row(i, 1850 + i/7) for i in range(768)], dtype=pixels)
fine = np.array([row(3, 1849.), row(39999, np.nan), row(40000, 1850 + 40000/7)], dtype=pixels)
(np.savez_compressed if len(sys.argv) > 2 else np.savez)(path, **{'header': header, 'nside-8': coarse, 'nside-64': fine})
`;

/** What numpy finds in a file, and Python's zipfile of its members. */
const readAll = `
import sys, zipfile, numpy as np
with np.load(sys.argv[1]) as arrays:
  for name in arrays.files: print(name, arrays[name].dtype, repr(arrays[name].tolist()))
with zipfile.ZipFile(sys.argv[1]) as archive:
  assert archive.testzip() is None
  for member in archive.infolist():
    print(member.filename, member.compress_type, member.date_time, member.external_attr, member.CRC)
`;

describe("npz", () => {
  // Of the archive around them, Python 3.11.4 and later word the sizes differently.
  testWithNumpy("has the members of numpy.savez, in order, byte for byte, and numpy reads it", () =>
    withFolder((folder) => {
      const [theirs, ours] = [join(folder, "theirs.npz"), join(folder, "ours.npz")];
      python(savez, theirs);
      writeFileSync(ours, writeNpz(example));
      const members = readZip(readFileSync(theirs), theirs);
      expect(readZip(readFileSync(ours), ours)).toEqual(members);
      expect(python(readAll, ours)).toBe(python(readAll, theirs));
    }),
  );

  testWithNumpy("reads compressed files", () =>
    withFolder((folder) => {
      const path = join(folder, "a.npz");
      python(savez, path, "compressed");
      const withoutEnergy = writeNpz(readNpz(readFileSync(path), path));
      expect(Buffer.from(withoutEnergy).equals(Buffer.from(writeNpz(example)))).toBe(true);
    }),
  );

  test("keeps everything but the energy", () => {
    const read = readNpz(writeNpz(example), "a.npz");
    expect(read.metadata).toEqual({ ...event, complete: true, version: 1 });
    expect([...read.nsides.keys()]).toEqual([8, 64]);
    expect(read.nsides.get(64)).toEqual(
      example.nsides.get(64)!.map((p) => ({ ...p, energy: Number.NaN })),
    );
    expect(bestFit(read)).toMatchObject({ nside: 64, pixel: 3, llh: 1849 });
  });

  test("keeps metadata it does not know, and the absence of what it does", () => {
    const odd = {
      ...example,
      version: 0 as const,
      metadata: { runId: 1, other: { note: "überall", weight: 0.5, n: 3 } },
    };
    const read = readNpz(writeNpz(odd), "a.npz");
    expect(read.metadata).toEqual(odd.metadata);
    expect(read.nsides.get(8)![5]).toEqual(
      pixel(8, 5, { x: NaN, y: NaN, z: NaN, time: NaN, energy: NaN }),
    );
  });

  const pixels = (fields: [string, string][], index: number[]) =>
    writeNpy({
      fields,
      length: index.length,
      columns: Object.fromEntries(fields.map(([name]) => [name, index])),
    });
  const v0 = ["index", "llh", "E_in", "E_tot"].map((name): [string, string] => [
    name,
    name === "index" ? "<i8" : "<f8",
  ]);
  const cases: [string, Uint8Array, string][] = [
    ["an empty file", new Uint8Array(), "f.npz: no zip archive"],
    ["a truncated file", writeNpz(example).subarray(0, 5000), "f.npz: no zip archive"],
    ["no member", writeZip([]), "f.npz: no pixels"],
    ["a foreign member", writeZip([{ name: "a.npy", bytes: pixels(v0, [0]) }]), "f.npz: member a"],
    [
      "no array",
      writeZip([{ name: "nside-8.npy", bytes: new Uint8Array(20) }]),
      "f.npz: nside-8.npy: no NPY",
    ],
    [
      "an index beyond the sphere",
      writeZip([{ name: "nside-1.npy", bytes: pixels(v0, [0, 12]) }]),
      "f.npz: nside-1.npy: pixel 12: nside 1 has pixels 0 to 11",
    ],
    [
      "an index twice",
      writeZip([{ name: "nside-1.npy", bytes: pixels(v0, [7, 7]) }]),
      "f.npz: nside-1.npy: pixel 7 a second time",
    ],
    [
      "other columns",
      writeZip([{ name: "nside-1.npy", bytes: pixels(v0.slice(0, 3), [7]) }]),
      "f.npz: nside-1.npy: pixels have index <i8, llh <f8, E_in <f8, version 0 has",
    ],
    [
      "a short array",
      writeZip([{ name: "nside-1.npy", bytes: pixels(v0, [7]).subarray(0, 200) }]),
      "f.npz: nside-1.npy: 1 records of 32 bytes end at byte 224, the member at 200",
    ],
    [
      "a missing member",
      writeZip(readZip(writeNpz(example), "").slice(0, 2)),
      "f.npz: header.npy lists nside 64, but there is no nside-64.npy",
    ],
  ];
  test.each(cases)("refuses %s in one line", (_, bytes, message) => {
    expect(() => readNpz(bytes, "f.npz")).toThrow(InputError);
    expect(() => readNpz(bytes, "f.npz")).toThrow(message);
  });

  test("notices any damaged byte of the arrays", () => {
    const bytes = writeNpz({
      ...example,
      nsides: new Map([[8, example.nsides.get(8)!.slice(0, 3)]]),
    });
    const start = 30 + "header.npy".length + 20;
    fc.assert(
      fc.property(
        fc.integer({ min: start, max: start + 255 }),
        fc.integer({ min: 1, max: 255 }),
        (at, mask) => {
          const damaged = bytes.slice();
          damaged[at]! ^= mask;
          expect(() => readNpz(damaged, "f.npz")).toThrow("does not match its checksum");
        },
      ),
    );
  });

  test("never fails but with InputError on damaged files", () => {
    const bytes = writeNpz({
      ...example,
      nsides: new Map([[8, example.nsides.get(8)!.slice(0, 3)]]),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: bytes.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        fc.integer({ min: 0, max: bytes.length }),
        (at, mask, length) => {
          for (const size of [bytes.length, length]) {
            const damaged = bytes.slice(0, size);
            if (at < size) damaged[at]! ^= mask;
            try {
              readNpz(damaged, "f.npz");
            } catch (error) {
              expect(error).toBeInstanceOf(InputError);
            }
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("published results (npz)", () => {
  test.each([
    [
      "run00136662-evt000035405932-BRONZE-8_64_512.npz",
      [64, 512, 8],
      [832, 1543, 768],
      1112.3994490276289,
    ],
    [
      "run00136766-evt000007637140-GOLD-8_64_512.npz",
      [64, 512, 8],
      [896, 1926, 768],
      1847.161563495544,
    ],
  ])("%s", (name, nsides, counts, llh) => {
    const bytes = readFileSync(shared("events", name));
    const result = readNpz(bytes, name);
    expect([...result.nsides.keys()]).toEqual(nsides);
    expect([...result.nsides.values()].map((pixels) => pixels.length)).toEqual(counts);
    expect(bestFit(result)!.llh).toBe(llh);
    expect(result.metadata).toBeUndefined();
    expect(Buffer.from(writeNpz(result)).equals(bytes)).toBe(true);
  });
});
