import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { InputError } from "../../src/config/errors.ts";
import { resultStem } from "../../src/result/filename.ts";
import { readResult, writeResult, writeResultFiles } from "../../src/result/files.ts";
import { isOrientationUnknown, isSouthFirst } from "../../src/result/orientation.ts";
import { bestFit, resultFromScan } from "../../src/result/result.ts";
import { event, example } from "./examples.ts";
import { withFolder } from "./python.ts";

test("file name: run and event padded, nsides ascending", () => {
  expect(resultStem(example)).toBe("run00136766.evt000007637140.neutrino_8_64");
  expect(() => resultStem(resultFromScan(new Map(), event, false))).toThrow(InputError);
});

test("both files are written whole, with nothing left beside them, and read the same", () =>
  withFolder(async (folder) => {
    const paths = await writeResultFiles(join(folder, "new"), example);
    expect(readdirSync(join(folder, "new")).sort()).toEqual([
      "run00136766.evt000007637140.neutrino_8_64.json",
      "run00136766.evt000007637140.neutrino_8_64.npz",
    ]);
    expect(basename(paths.npz)).toBe("run00136766.evt000007637140.neutrino_8_64.npz");
    expect(await readResult(paths.npz)).toEqual(await readResult(paths.json));
    const copy = join(folder, "copy.npz");
    await writeResult(copy, await readResult(paths.json));
    expect(readFileSync(copy).equals(readFileSync(paths.npz))).toBe(true);
  }));

test("a missing, an empty and an unwritable file are told in one line", () =>
  withFolder(async (folder) => {
    const empty = join(folder, "empty.npz");
    await Bun.write(empty, "");
    expect(readResult(join(folder, "none.npz"))).rejects.toThrow(
      "none.npz: cannot be read (ENOENT)",
    );
    expect(readResult(empty)).rejects.toThrow("empty.npz: empty");
    expect(readResult(folder)).rejects.toThrow("cannot be read (EISDIR)");
    expect(writeResult(join(empty, "a.npz"), example)).rejects.toThrow(InputError);
    expect(writeResult(join(folder, "a.fits"), example)).rejects.toThrow(".npz or .json");
  }));

test("what is no number of a fit is a failed pixel, in either format: null, the infinities", () =>
  withFolder(async (folder) => {
    const [nside, pixels] = [...example.nsides][0]!;
    const [first, ...rest] = pixels;
    for (const value of [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]) {
      const odd = { ...example, nsides: new Map([[nside, [{ ...first!, llh: value }, ...rest]]]) };
      const file = join(folder, "odd.npz");
      await writeResult(file, odd);
      const read = await readResult(file);
      expect(read.nsides.get(nside)![0]!.llh).toBeNaN();
      expect(bestFit(read)?.llh).not.toBe(value);
    }
    const file = join(folder, "null.json");
    await writeResult(file, example);
    const text = await Bun.file(file).text();
    await Bun.write(file, text.replaceAll(`"<skyreader.nan>"`, "null"));
    expect(text).toContain("<skyreader.nan>");
    const read = await readResult(file);
    await writeResult(file, example);
    expect(read).toEqual(await readResult(file));
  }));

test("a header without version: the reader's word counts, which pole pixels are counted from", () =>
  withFolder(async (folder) => {
    const { version: _, ...metadata } = example.metadata!;
    const old = { ...example, version: 0 as const, metadata };
    const file = join(folder, "old.npz");
    await writeResult(file, old);
    expect(isOrientationUnknown(await readResult(file))).toBe(true);
    const south = await readResult(file, "south");
    expect([isSouthFirst(south), isOrientationUnknown(south)]).toEqual([true, false]);
    expect(isSouthFirst(await readResult(file, "north"))).toBe(false);
  }));
