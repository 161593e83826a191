import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { publisher } from "../../src/publish/formats.ts";
import { cellArea, cellsOf, densitiesOf, hpdRegions, uniqOf } from "../../src/result/cells.ts";
import { readResult } from "../../src/result/files.ts";
import {
  integerCard,
  logicalCard,
  readFits,
  realCard,
  textCard,
  writeFits,
} from "../../src/result/fits.ts";
import { readFitsMap } from "../../src/result/fits_map.ts";
import { type Localisation, localise } from "../../src/result/localisation.ts";
import { bestFit, type SkyScanResult } from "../../src/result/result.ts";
import { smoothed } from "../../src/result/smooth.ts";
import { angleBetween, pixelVector, vectorOf } from "../../src/sky/healpix.ts";
import { event } from "../result/examples.ts";
import { python, testWithNumpy, withFolder } from "../result/python.ts";
import { gaussianMap, maps } from "./maps.ts";

const facts = {
  name: "IceCube-220624A",
  stream: "gold",
  energy: 193,
  signalness: 0.609,
  farPerYear: 0.17,
  url: "https://example.org/a?b='c'",
  made: new Date(1.7e12),
  runtime: 12.5,
} as const;

describe("a FITS table", () => {
  const anyText = fc.string({ unit: "grapheme-ascii", maxLength: 300 }).map((s) => s.trimEnd());
  test("gives back what was written, whatever the texts and numbers", () => {
    fc.assert(
      fc.property(
        anyText,
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.maxSafeInteger(),
        fc.boolean(),
        (words, real, whole, flag) => {
          const bytes = writeFits(
            [
              { name: "N", type: "K", values: [whole, -1] },
              { name: "X", type: "D", values: [real, Number.NaN] },
            ],
            [
              textCard("TEXT", words),
              textCard("A-LONGER-NAME", words),
              realCard("REAL", real),
              integerCard("WHOLE", whole),
              logicalCard("FLAG", flag),
            ],
          );
          expect(bytes.length % 2880).toBe(0);
          const table = readFits(bytes, "t.fits");
          expect(table.header.get("TEXT")).toBe(words);
          expect(table.header.get("A-LONGER-NAME")).toBe(words);
          expect(table.header.get("REAL")).toBe(real);
          expect(table.header.get("WHOLE")).toBe(whole);
          expect(table.header.get("FLAG")).toBe(flag);
          expect([...table.numbers("N")]).toEqual([whole, -1]);
          expect([...table.numbers("X")]).toEqual([real + 0, Number.NaN]);
        },
      ),
    );
  });

  test("that is damaged anywhere is refused in one line, never taken for another", () => {
    const bytes = publisher(gaussianMap(1, 0, 0.003), { facts })(
      "llh.multiorder.fits",
    ) as Uint8Array;
    const whole = new Uint8Array(gunzipSync(bytes));
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, value) => {
        const damaged = whole.slice();
        damaged[at] = value;
        for (const broken of [damaged, whole.slice(0, at)])
          try {
            readFitsMap(broken, "x.fits");
          } catch (error) {
            expect(error).toHaveProperty("name", "InputError");
            expect((error as Error).message).toMatch(/^x\.fits: .+$/);
          }
      }),
      { numRuns: 300 },
    );
    for (const end of [0, 1, 2879, 2880, 5000, whole.length - 2881])
      expect(() => readFitsMap(whole.slice(0, end), "x.fits")).toThrow("x.fits: ");
  });
});

/** The header block of the table, as the CDS reader (mocpy) looks at it: card by card. */
const cardsOf = (bytes: Uint8Array): string[] =>
  Array.from({ length: 40 }, (_, i) =>
    Buffer.from(bytes.subarray(2880 + 80 * i, 2880 + 80 * (i + 1))).toString("latin1"),
  );

describe("the published density", () => {
  test("begins with mocpy's twelve cards, byte for byte", () => {
    const map = gaussianMap(1, 0.2);
    const bytes = gunzipSync(publisher(map, { facts })("multiorder.fits") as Uint8Array);
    const rows = cellsOf(map).length;
    const number = (key: string, value: number) =>
      `${key.padEnd(8)}= ${String(value).padStart(20)}`.padEnd(80);
    const text = (key: string, value: string) => `${key.padEnd(8)}= '${value}'`.padEnd(80);
    expect(cardsOf(bytes).slice(0, 13)).toEqual([
      text("XTENSION", "BINTABLE"),
      number("BITPIX", 8),
      number("NAXIS", 2),
      number("NAXIS1", 16),
      number("NAXIS2", rows),
      number("PCOUNT", 0),
      number("GCOUNT", 1),
      number("TFIELDS", 2),
      text("TTYPE1", "UNIQ    "),
      text("TFORM1", "K       "),
      text("TTYPE2", "PROBDENSITY"),
      text("TFORM2", "D       "),
      text("TUNIT2", "sr-1    "),
    ]);
    expect(Buffer.from(bytes.subarray(0, 80)).toString("latin1")).toBe(
      `SIMPLE  = ${"T".padStart(20)}`.padEnd(80),
    );
  });

  test("is the same bytes for the same map", () => {
    const once = publisher(gaussianMap(1, 0.2), { facts })("multiorder.fits") as Uint8Array;
    const again = publisher(gaussianMap(1, 0.2), { facts })("multiorder.fits") as Uint8Array;
    expect(Buffer.from(once).equals(again)).toBe(true);
    // Neither a date nor a name in gzip's own header.
    expect([...once.subarray(3, 8)]).toEqual([0, 0, 0, 0, 0]);
  });

  test.each(maps)("of %s is complete and sums to one, densest at the best fit", async (_, read) => {
    const map = await read();
    const table = readFits(publisher(map)("multiorder.fits") as Uint8Array, "a");
    const [uniq, density] = [table.numbers("UNIQ"), table.numbers("PROBDENSITY")];
    expect([...uniq]).toEqual([...uniq].sort((a, b) => a - b));
    const cells = [...uniq].map((n, i) => {
      const order = Math.floor(Math.log2(n / 4) / 2);
      return { order, pixel: n - 4 ** (order + 1), density: density[i]! };
    });
    const sum = (values: number[]) => values.sort((a, b) => a - b).reduce((a, b) => a + b, 0);
    expect(Math.abs(sum(cells.map(cellArea)) / (4 * Math.PI) - 1)).toBeLessThan(1e-12);
    expect(Math.abs(sum(cells.map((c) => c.density * cellArea(c))) - 1)).toBeLessThan(1e-12);
    const densest = cells.reduce((a, b) => (b.density > a.density ? b : a));
    const { best } = localise(map);
    expect(2 ** densest.order).toBe(best.nside);
    expect(table.header.get("NFAILED")).toBe(
      [...map.nsides.values()].flat().filter(({ llh }) => Number.isNaN(llh)).length,
    );
  });

  test.each(maps)("of %s is read back as it was", async (_, read) => {
    const map = await read();
    const back = readFitsMap(publisher(map)("multiorder.fits") as Uint8Array, "a");
    expect(back.isProbability).toBe(true);
    const [then, now] = [localise(map), localise(back)];
    expect(now.cells.map(uniqOf)).toEqual(then.cells.map(uniqOf));
    for (const [i, { density }] of then.cells.entries())
      expect(Math.abs(now.cells[i]!.density - density)).toBeLessThanOrEqual(
        1e-11 * density + 1e-300,
      );
    expect(now.best.ra).toBeCloseTo(then.best.ra, 9);
    expect(now.best.dec).toBeCloseTo(then.best.dec, 9);
    expect(now.levels.contours).toEqual(then.levels.contours);
    for (const [i, { area }] of then.hpd.entries())
      expect(now.hpd[i]!.area / area).toBeCloseTo(1, 9);
  });
});

describe("2·Δllh", () => {
  test.each(maps)("of %s is read back, multi-order and flat", async (_, read) => {
    const map = await read();
    for (const format of ["llh.multiorder.fits", "llh.fits"] as const) {
      const back = readFitsMap(publisher(map, { nside: 128 })(format) as Uint8Array, "c");
      const best = bestFit(back)!;
      expect(best.llh).toBeCloseTo(bestFit(map)!.llh, 9);
      if (format === "llh.fits") continue;
      const known = (result: typeof map) =>
        cellsOf(result)
          .filter(({ origin }) => origin !== "failed" && origin !== "none")
          .map((cell) => [uniqOf(cell), cell.llh] as const);
      const then = new Map(known(map));
      for (const [uniq, llh] of known(back)) expect(llh).toBeCloseTo(then.get(uniq)!, 9);
    }
  });

  test("is lost in a probability map", () => {
    const back = readFitsMap(publisher(gaussianMap(1, 0))("multiorder.fits") as Uint8Array, "a");
    for (const format of ["json", "npz", "llh.fits", "llh.multiorder.fits"] as const)
      expect(() => publisher(back)(format)).toThrow("the likelihood is lost in a probability map");
  });
});

describe("smoothing", () => {
  const sigma = 1.5 * (Math.PI / 180);
  test("adds its variance to a Gaussian's, wherever it lies", () => {
    for (const [ra, dec] of [
      [1, 0],
      [0, Math.PI / 2],
      [5, -1.3],
    ] as const) {
      const cells = densitiesOf(cellsOf(gaussianMap(ra, dec, sigma)));
      const wide = smoothed(cells, 2 * sigma);
      const share = wide.reduce((sum, cell) => sum + cell.density * cellArea(cell), 0);
      expect(share).toBeCloseTo(1, 10);
      const areas = (list: typeof wide) => hpdRegions(list, [0.5, 0.9]).map(({ area }) => area);
      for (const [i, area] of areas(wide).entries())
        expect(Math.abs(area / areas(cells)[i]! / 5 - 1)).toBeLessThan(0.02);
    }
  });

  test("too narrow for its map, or none, is refused", () => {
    const cells = densitiesOf(cellsOf(gaussianMap(1, 0, 0.5)));
    for (const width of [1e-5, 0, -1, 1]) expect(() => smoothed(cells, width)).toThrow("--smooth");
  });
});

describe("astropy, astropy-healpix and healpy", () => {
  const program = `
import json, sys, warnings
import numpy as np, healpy as hp, astropy_healpix as ah
from astropy.io import fits
from astropy.table import QTable
warnings.simplefilter("error")
def look(a, b, c, m):
    t = QTable.read(a)
    level, index = ah.uniq_to_level_ipix(t["UNIQ"])
    nside = ah.level_to_nside(level)
    p = (t["PROBDENSITY"] * ah.nside_to_pixel_area(nside)).decompose()
    area = ah.nside_to_pixel_area(nside).to_value("deg2")
    order = np.argsort(-t["PROBDENSITY"], kind="stable")
    i = np.searchsorted(np.cumsum(p[order].value), 0.9)
    best = int(np.argmax(t["PROBDENSITY"]))
    lon, lat = ah.healpix_to_lonlat(index[best], nside[best], order="nested")
    with fits.open(a) as f:
        f.verify("exception")
        header = {k: v for k, v in f[1].header.items() if k not in ("CONTINUE", "COMMENT", "")}
    flat, llh = hp.read_map(b, dtype=np.float64), hp.read_map(c, dtype=np.float64)
    ml, _ = ah.uniq_to_level_ipix(fits.getdata(m)["UNIQ"])
    return dict(
        sum=float(p.sum()), cover=float(area.sum()), unit=str(t["PROBDENSITY"].unit), rows=len(t),
        area90=float(np.cumsum(area[order])[i]), best=[lon.deg, lat.deg], header=header,
        flat_sum=float(flat.sum()), flat_best=hp.pix2ang(hp.get_nside(flat), int(flat.argmax()), lonlat=True),
        llh_best=hp.pix2ang(hp.get_nside(llh), int(np.nanargmin(llh)), lonlat=True), llh_least=float(np.nanmin(llh)),
        moc_area=float(ah.nside_to_pixel_area(ah.level_to_nside(ml)).to_value("deg2").sum()))
print(json.dumps([look(*files) for files in json.loads(sys.argv[1])]))`;
  interface Seen {
    sum: number;
    unit: string;
    cover: number;
    rows: number;
    area90: number;
    moc_area: number;
    best: [number, number];
    flat_sum: number;
    flat_best: [number, number];
    llh_best: [number, number];
    llh_least: number;
    header: Record<string, unknown>;
  }
  const degrees = 180 / Math.PI;

  testWithNumpy("read every map as it is", () =>
    withFolder(async (folder) => {
      const written: string[][] = [];
      const known: SkyScanResult[] = [];
      for (const [n, [, read]] of maps.entries()) {
        const map = await read();
        known.push(map);
        const render = publisher(map, { facts, nside: 256 });
        written.push(
          (["multiorder.fits", "flat.fits", "llh.fits", "moc.fits"] as const).map((format) => {
            const path = join(folder, `${n}_${format}${format === "moc.fits" ? "" : ".gz"}`);
            writeFileSync(path, render(format));
            return path;
          }),
        );
      }
      const seen: Seen[] = JSON.parse(python(program, JSON.stringify(written)));
      for (const [n, map] of known.entries()) check(localise(map), seen[n]!);
    }),
  );

  function check(found: Localisation, seen: Seen): void {
    expect(Math.abs(seen.sum - 1)).toBeLessThan(1e-12);
    expect(seen.unit).toBe("1 / sr");
    expect(seen.cover).toBeCloseTo(4 * Math.PI * degrees ** 2, 6);
    expect(seen.rows).toBe(found.cells.length);
    // What TreasureMap's and GCN's sample code count: whole cells, up to the one that completes the share.
    const [, ninety] = hpdRegions(found.cells, [0.5, 0.9]);
    const last = cellArea(ninety!.cells.at(-1)!) * degrees ** 2;
    const area = ninety!.area * degrees ** 2;
    expect(seen.area90 - area).toBeGreaterThan(-1e-9);
    expect(seen.area90 - area).toBeLessThan(last + 1e-9);
    const whole = ninety!.cells.reduce((sum, cell) => sum + cellArea(cell), 0);
    expect(seen.moc_area).toBeCloseTo(whole * degrees ** 2, 9);
    const best = pixelVector(found.best.nside, found.best.pixel);
    const away = ([ra, dec]: [number, number]) =>
      angleBetween(vectorOf({ ra: ra / degrees, dec: dec / degrees }), best) * degrees;
    expect(away(seen.best)).toBeLessThan(1e-6);
    expect(Math.abs(seen.flat_sum - 1)).toBeLessThan(1e-9);
    // Pixels of nside 256 are 0.23° wide.
    expect(away(seen.flat_best)).toBeLessThan(0.25);
    expect(away(seen.llh_best)).toBeLessThan(0.25);
    expect(seen.llh_least).toBe(0);
    expect(seen.header).toMatchObject({
      ORDERING: "NUNIQ",
      COORDSYS: "C",
      OBJECT: facts.name,
      REFERENC: facts.url,
      "ALERT-STREAM": "Gold",
      FAR: 0.17,
      RUNTIME: 12.5,
      DATE: "2023-11-14T22:13:20",
      RA: found.best.ra * degrees,
      RA_ERR_PLUS: found.contours[1]!.raPlus * degrees,
      DEC_ERR_MINUS_50: found.contours[0]!.decMinus * degrees,
      CONTOUR_AREA_90: found.contours[1]!.area * degrees ** 2,
    });
    if (found.event)
      expect(seen.header).toMatchObject({
        RUNID: found.event.runId,
        "MJD-OBS": found.event.mjd,
        I3TYPE: found.event.eventType,
      });
    if (found.event?.mjd === event.mjd)
      expect(seen.header["DATE-OBS"]).toBe("2022-06-24T16:13:16.405259");
  }
});

test("a file is read by its content, whatever its name", () =>
  withFolder(async (folder) => {
    const map = gaussianMap(2, 0);
    const path = join(folder, "anything");
    writeFileSync(path, publisher(map)("llh.multiorder.fits"));
    expect(bestFit(await readResult(path))!.llh).toBeCloseTo(bestFit(map)!.llh, 9);
  }));
