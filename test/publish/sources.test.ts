import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { parseSources, readSources, type Source, sourcesFound } from "../../src/publish/sources.ts";
import { localise, regionOf } from "../../src/result/localisation.ts";
import { angleBetween, vectorOf } from "../../src/sky/healpix.ts";
import { python, testWithNumpy, withFolder } from "../result/python.ts";
import { gaussianMap } from "./maps.ts";

const degree = Math.PI / 180;
const read = (text: string, columns = {}) =>
  parseSources(new TextEncoder().encode(text), "cat.csv", columns);

const expected = [
  { name: "4FGL J1456.0+4120", ra: 224.5 * degree, dec: 41.9 * degree },
  { name: "3C 273", ra: 187.25 * degree, dec: 2.05 * degree },
];

describe("a catalogue", () => {
  test.each([
    ["commas", "Name,RA,Dec\n4FGL J1456.0+4120,224.5,41.9\n3C 273,187.25,2.05\n"],
    [
      "tabs",
      "# a comment\nra\tdec\tsource_name\n224.5\t41.9\t4FGL J1456.0+4120\n187.25\t2.05\t3C 273\n",
    ],
    [
      "semicolons and quotes",
      '﻿"RAJ2000";"DEJ2000";"ID"\r\n224.5;41.9;"4FGL J1456.0+4120"\r\n187.25;2.05;"3C 273"\r\n',
    ],
    [
      "VizieR's units and dashes",
      "RAJ2000\tDEJ2000\tName\ndeg\tdeg\t \n-----\t-----\t---\n224.5\t41.9\t4FGL J1456.0+4120\n187.25\t2.05\t3C 273\n",
    ],
    ["blanks", 'ra dec name\n224.5 41.9 "4FGL J1456.0+4120"\n187.25 2.05 "3C 273"\n'],
  ])("with %s", async (_, text) => {
    const { name, sources } = await read(text);
    expect(name).toBe("cat");
    expect(sources).toEqual(expected);
  });

  test("with columns of other names is read when told so", async () => {
    const { sources } = await read("what,x,y\nA,1,2\n", { name: "what", ra: "x", dec: "y" });
    expect(sources).toEqual([{ name: "A", ra: degree, dec: 2 * degree }]);
  });

  test.each([
    ["RA of 400°", "name,ra,dec\nA,1,2\nB,400,2\n", 'line 3: RA is "400", expected 0 to 360°'],
    ["Dec of -91°", "name,ra,dec\nA,1,-91\n", 'line 2: Dec is "-91"'],
    ["hours", "name,ra,dec\nA,12:30:00,1\n", 'RA is "12:30:00"'],
    ["an empty place", "name,ra,dec\nA,,1\n", 'RA is ""'],
    ["a ragged line", "name,ra,dec\nA,1\n", "line 2"],
    [
      "no column of names",
      "foo,ra,dec\nA,1,2\n",
      "no column for the sources' name; there are foo, ra, dec",
    ],
    ["no line", "", "without a line"],
    ["no source", "name,ra,dec\n", "without a source"],
    ["a picture", "\x89PNG\0\0", "neither FITS nor a table"],
  ])("with %s is refused", async (_, text, message) => {
    await expect(read(text)).rejects.toThrow(message);
    await expect(read(text)).rejects.toHaveProperty("name", "InputError");
  });

  test("that is damaged or not there is refused", async () => {
    const packed = gzipSync("name,ra,dec\nA,1,2\n");
    await expect(parseSources(packed.subarray(0, 20), "c.csv.gz")).rejects.toThrow("cut short");
    await expect(readSources("/no/such/file.csv")).rejects.toThrow(
      "/no/such/file.csv: cannot be read (ENOENT)",
    );
  });

  testWithNumpy("as astropy writes it: FITS, ECSV in degrees and radians, packed", () =>
    withFolder(async (folder) => {
      python(
        `import sys
from astropy.table import Table
import astropy.units as u
t = Table({"Source_Name": ["4FGL J1456.0+4120", "3C 273"], "RAJ2000": [224.5, 187.25] * u.deg, "DEJ2000": [41.9, 2.05] * u.deg, "Flux": [[1., 2.], [3., 4.]]})
t.write(sys.argv[1] + "/a.fits"); t.write(sys.argv[1] + "/b.fits.gz")
t["RAJ2000"] = t["RAJ2000"].to(u.rad); t["DEJ2000"] = t["DEJ2000"].to(u.rad)
t.write(sys.argv[1] + "/c.fits")
t.remove_column("Flux")
t.write(sys.argv[1] + "/d.ecsv"); t.write(sys.argv[1] + "/e.csv")`,
        folder,
      );
      writeFileSync(
        join(folder, "f.ecsv.gz"),
        gzipSync(await Bun.file(join(folder, "d.ecsv")).bytes()),
      );
      for (const file of ["a.fits", "b.fits.gz", "c.fits", "d.ecsv", "f.ecsv.gz"]) {
        const { name, sources } = await readSources(join(folder, file));
        expect(name).toBe(file[0]!);
        sources.forEach((source, i) => {
          expect(source.name).toBe(expected[i]!.name);
          expect(source.ra).toBeCloseTo(expected[i]!.ra, 12);
          expect(source.dec).toBeCloseTo(expected[i]!.dec, 12);
        });
      }
    }),
  );
});

describe("sources beside a localisation", () => {
  test.each([
    ["at the equator", 1, 0],
    ["across RA 0", 0.002, 0.5],
    ["at the south pole", 2, -Math.PI / 2],
  ])("%s are inside where they are nearer than the contour", (_, ra, dec) => {
    const sigma = 1.5 * degree;
    const found = localise(gaussianMap(ra, dec, sigma));
    const centre = vectorOf({ ra, dec });
    // A fan of sources around the truth, none within a third of a pixel of a contour.
    const sources: Source[] = [];
    for (let i = 0; i < 400; i++) {
      const radius = sigma * (0.2 + (i % 20) * 0.25);
      const angle = i * 2.4;
      const source = {
        name: String(i),
        dec: Math.asin(
          Math.sin(dec) * Math.cos(radius) + Math.cos(dec) * Math.sin(radius) * Math.cos(angle),
        ),
        ra: 0,
      };
      source.ra =
        (ra +
          Math.atan2(
            Math.sin(angle) * Math.sin(radius) * Math.cos(dec),
            Math.cos(radius) - Math.sin(dec) * Math.sin(source.dec),
          ) +
          2 * Math.PI) %
        (2 * Math.PI);
      const away = angleBetween(vectorOf(source), centre) / sigma;
      if ([1.39, 4.61, 11.83].every((level) => Math.abs(away - Math.sqrt(level)) > 0.1))
        sources.push(source);
    }
    const { inside, nearest } = sourcesFound(found, { name: "fan", sources });
    const percentOf = new Map(inside.map(({ source, percent }) => [source.name, percent]));
    for (const source of sources) {
      const away = angleBetween(vectorOf(source), centre) / sigma;
      const percent =
        away ** 2 < 1.39 ? 50 : away ** 2 < 4.61 ? 90 : away ** 2 < 11.83 ? 99.73 : undefined;
      expect([away, percentOf.get(source.name)]).toEqual([away, percent]);
    }
    expect(nearest!.percent).toBe(99.73);
    const { radius } = regionOf(found.contours, 90)!;
    expect(nearest!.distance).toBeGreaterThan(radius * 0.9);
  });
});
