import { describe, expect, test } from "bun:test";
import type { ScanRow } from "../../src/desk/messages.ts";
import { occasionFor } from "../../src/page/alarm.ts";
import { alertsOf, firstShown, matches } from "../../src/page/alerts.ts";
import { chargeUntil, readDoms, timeRange } from "../../src/page/event/doms.ts";
import { agreementOf } from "../../src/page/map/agreement.ts";
import { extentOf, fieldFor, separation } from "../../src/page/map/extent.ts";
import { fittedPixels, localMinima } from "../../src/page/map/minima.ts";
import { readMapBody, SkyMap } from "../../src/page/map/sky_map.ts";
import { toTrace, trace } from "../../src/page/map/tracing.ts";
import { sentenceFor } from "../../src/page/sentences.ts";
import { traceContours } from "../../src/result/contours.ts";
import { wilksLevels } from "../../src/result/levels.ts";
import { resultFromScan } from "../../src/result/result.ts";
import { noFit } from "../../src/scan/fit_values.ts";
import { npix, pixelCentre } from "../../src/sky/healpix.ts";
import { fakeDoms } from "./fake_doms.ts";
import { FakeScan } from "./fake_scan.ts";

const degree = Math.PI / 180;
const settings = {
  ...{ id: "s1", reco: "splinempe", run: 136662, event: 35405932, stream: "gold" },
  ...{ created: 1.6e9, ra: 48 * degree, dec: -3.5 * degree, seed: 1 },
};

describe("a map from the desk", () => {
  test("is the same whether it comes at once or in pieces, some twice, of other bases", () => {
    const scan = new FakeScan(settings);
    const count = scan.pixels.length;
    const [whole, pieces] = [new SkyMap([8, 64, 512]), new SkyMap([8, 64, 512])];
    whole.take(readMapBody(scan.body(0, count).buffer));
    for (const [from, to] of [
      [0, 900],
      [500, 1000],
      [1000, count],
      [0, 10],
    ] as const) {
      const { header, blocks } = readMapBody(scan.body(from, to).buffer);
      const moved = blocks.map((block) => ({
        ...block,
        values: Float32Array.from(block.values, (value) => value - 4),
      }));
      pieces.take(
        from === 0
          ? { header, blocks }
          : { header: { ...header, base: header.base + 4 }, blocks: moved },
      );
    }
    expect(pieces.cells.counts).toEqual(whole.cells.counts);
    expect(pieces.cells.failed).toEqual(whole.cells.failed);
    expect(pieces.best!.pixel).toBe(whole.best!.pixel);
    expect(pieces.best!.value).toBeCloseTo(whole.best!.value, 5);
    expect(pieces.seq).toBe(count);
  });

  test("of another epoch makes what was known void", () => {
    const scan = new FakeScan(settings);
    const map = new SkyMap([8, 64, 512]);
    map.take(readMapBody(scan.body(0, 900).buffer));
    scan.epoch = "e2";
    map.take(readMapBody(scan.body(0, 10).buffer));
    expect(map.cells.counts).toEqual([10, 0, 0]);
  });

  test("an nside nobody announced finds its place", () => {
    const scan = new FakeScan(settings);
    const map = new SkyMap([8]);
    map.take(readMapBody(scan.body(0, scan.pixels.length).buffer));
    expect(map.cells.nsides).toEqual([8, 64, 512]);
    expect(map.cells.counts.reduce((a, b) => a + b)).toBe(scan.pixels.length);
  });

  test("what is no map is refused", () => {
    expect(() => readMapBody(new TextEncoder().encode("<html>").buffer)).toThrow("not a SKM1 body");
  });

  test("its contours are the files', though only what lies near them is traced", () => {
    const scan = new FakeScan({ ...settings, reach: 6 * degree });
    const map = new SkyMap([8, 64, 512]);
    map.take(readMapBody(scan.body(0, scan.pixels.length).buffer));
    const levels = wilksLevels.contours.slice(0, 2);
    const traced = toTrace(map.cells, levels);
    const given = traced.nsides.reduce((sum, { pixels }) => sum + pixels.length, 0);
    expect(given).toBeLessThan(scan.pixels.length / 2);
    const event = { runId: 1, eventId: 1, eventType: "x", mjd: 59000, isRealEvent: false };
    const pixels = Map.groupBy(
      scan.pixels.map(({ nside, pixel, llh }) => ({ ...noFit, nside, pixel, llh })),
      ({ nside }) => nside,
    );
    const full = traceContours(resultFromScan(pixels, event, true), {
      ...wilksLevels,
      contours: levels,
    });
    for (const [i, contour] of trace(traced).entries()) {
      // f32 keeps seven digits of a difference of likelihoods.
      expect(contour.area / full[i]!.area).toBeCloseTo(1, 4);
      expect(contour.isOpen).toBe(full[i]!.isOpen);
    }
  });
});

describe("two maps of one event", () => {
  /** A parabola around a pixel of nside 16, on all of the sky; each step of a degree costs. */
  const around = (centre: number, shift = 0, failed: readonly number[] = []) => {
    const map = new SkyMap([16]);
    const middle = pixelCentre(16, centre);
    const pixels = Uint32Array.from({ length: npix(16) }, (_, pixel) => pixel);
    const values = Float32Array.from(pixels, (pixel) =>
      failed.includes(pixel)
        ? Number.NaN
        : shift + (separation(middle, pixelCentre(16, pixel)) / degree) ** 2 / 20,
    );
    const header = { epoch: "e", seq: 1, base: 0, blocks: [], columns: ["pixel:u32", "d:f32"] };
    map.take({ header, blocks: [{ nside: 16, pixels, values }] });
    return map;
  };

  test("of one shape agree in everything; far from each other in nothing", () => {
    const level = 4.61;
    const same = agreementOf({ map: around(1500), level }, { map: around(1500, 7), level })!;
    expect(same).toMatchObject({ apart: 0, firstWithin: 1, secondWithin: 1 });
    expect(same.firstInSecond).toBeCloseTo(0, 4);
    const far = agreementOf({ map: around(1500), level }, { map: around(40), level })!;
    expect(far.apart).toBeCloseTo(separation(pixelCentre(16, 1500), pixelCentre(16, 40)), 12);
    expect([far.firstWithin, far.secondWithin]).toEqual([0, 0]);
    expect(far.firstInSecond).toBeCloseTo(((far.apart / degree) ** 2 / 20) * 2, 2);
    // A wider level of the other holds it all.
    const wide = agreementOf({ map: around(1500), level }, { map: around(1501), level: 100 })!;
    expect([wide.firstWithin, wide.secondWithin! < 1]).toEqual([1, true]);
    expect(agreementOf({ map: new SkyMap([1]), level }, { map: around(3), level })).toBeUndefined();
  });

  test("a map's minima: one of a parabola; another where a pixel dips, none beside what has no fit", () => {
    const map = around(1500, 0, [200]);
    expect(localMinima(map).map(({ pixel }) => pixel)).toEqual([1500]);
    const header = { epoch: "e", seq: 2, base: 0, blocks: [], columns: ["pixel:u32", "d:f32"] };
    map.take({ header, blocks: [{ nside: 16, pixels: [2900], values: [5] }] });
    expect(localMinima(map).map(({ pixel }) => pixel)).toEqual([1500, 2900]);
  });

  test("a coarse pixel that finer ones refine is none of its minima", () => {
    const map = new SkyMap([1, 2]);
    const header = { epoch: "e", seq: 1, base: 0, blocks: [], columns: ["pixel:u32", "d:f32"] };
    const coarse = { nside: 1, pixels: [...Array(12).keys()], values: Array(12).fill(3) };
    const fine = { nside: 2, pixels: [...Array(48).keys()], values: [...Array(48).keys()] };
    map.take({ header, blocks: [coarse, fine] });
    expect(localMinima(map)[0]).toEqual({ nside: 2, pixel: 0, value: 0 });
    expect(fittedPixels(map).every(({ nside }) => nside === 2)).toBe(true);
  });
});

test("what wakes somebody: an alert's first scan, and trouble; never what somebody did himself", () => {
  const row = (more: Partial<ScanRow>) =>
    ({ state: "waiting", rescan_of: null, ...more }) as ScanRow;
  const cases: [ScanRow, ScanRow | undefined, boolean, string | undefined][] = [
    [row({}), undefined, false, "alert"],
    [row({}), undefined, true, undefined],
    [row({ rescan_of: "x" }), undefined, false, undefined],
    [row({ state: "done" }), undefined, false, undefined],
    [row({ state: "stuck" }), row({ state: "running" }), true, "trouble"],
    [row({ state: "stuck" }), row({ state: "stuck" }), true, undefined],
    [row({ state: "failed" }), row({ state: "stuck" }), true, "trouble"],
    [row({ state: "done" }), row({ state: "running" }), true, undefined],
    [row({ state: "cancelled" }), row({ state: "running" }), true, undefined],
  ];
  for (const [now, before, isKnown, expected] of cases)
    expect(occasionFor(now, before, isKnown)).toBe(expected as never);
});

describe("how far a contour reaches", () => {
  const contour = (points: readonly (readonly [number, number])[], isClosed = true) => ({
    ...{ percent: 90, level: 4.61, area: 1, radius: 1, isOpen: false, resolvedArea: 0 },
    lines: [
      { isClosed, points: points.map(([ra, dec]) => ({ ra: ra * degree, dec: dec * degree })) },
    ],
  });

  test("across RA 0", () => {
    const extent = extentOf(
      contour([
        [359, 1],
        [2, 0],
        [1, -2],
      ]) as never,
      { ra: 0.5 * degree, dec: 0 },
    )!;
    expect(extent.raPlus / degree).toBeCloseTo(1.5, 9);
    expect(extent.raMinus / degree).toBeCloseTo(1.5, 9);
    expect(extent.decPlus / degree).toBeCloseTo(1, 9);
    expect(extent.decMinus / degree).toBeCloseTo(2, 9);
    expect(extent.hasPole).toBe(false);
  });

  test("around a pole RA says nothing", () => {
    const ring = Array.from({ length: 12 }, (_, i) => [30 * i, 88] as const);
    expect(extentOf(contour(ring) as never, { ra: 0, dec: 89 * degree })!.hasPole).toBe(true);
  });

  test("a coarse map is looked at from afar, a fine one from near", () => {
    const best = { ra: 0, dec: 0 };
    expect(fieldFor([], { ...best, nside: 8 }) / degree).toBeGreaterThan(50);
    expect(fieldFor([], { ...best, nside: 1 }) / degree).toBeCloseTo(100, 9);
    expect(fieldFor([], { ...best, nside: 512 }) / degree).toBeCloseTo(2.4, 9);
    expect(separation({ ra: 0, dec: 0 }, { ra: Math.PI, dec: 0 })).toBeCloseTo(Math.PI, 9);
  });
});

describe("alerts", () => {
  const row = (change: Partial<ScanRow>): ScanRow => ({ ...new FakeScan(settings).row, ...change });

  test("hold the scans of one event, newest alert first", () => {
    const old = row({ id: "a", created: 10 });
    const other = { ...old.event!, run: 5 };
    const alerts = alertsOf([
      old,
      row({ id: "b", created: 20, reco: "millipede_wilks" }),
      row({ id: "c", created: 30, event: other }),
      row({ id: "d", created: 15, event: null, alert: "read" }),
    ]);
    expect(alerts.map(({ key, scans }) => [key, scans.map(({ id }) => id)])).toEqual([
      ["5.35405932", ["c"]],
      ["136662.35405932", ["b", "a"]],
      ["read", ["d"]],
    ]);
    expect(alerts.map((alert) => matches(alert, "136662 milli"))).toEqual([false, true, false]);
  });

  test("a recipe's scans stand in its order, whatever they are called", () => {
    const made = (id: string, created: number) => row({ id, alert: "a", created });
    const [alert] = alertsOf([
      made("a", 100.002),
      made("c", 100),
      made("b", 100.001),
      made("d", 200),
    ]);
    expect(alert!.scans.map(({ id }) => id)).toEqual(["d", "c", "b", "a"]);
  });

  test("a rescan comes before what it replaces; what has something to show is shown", () => {
    const [first] = alertsOf([
      row({ id: "a", created: 10, state: "cancelled" }),
      row({
        id: "b",
        created: 20,
        rescan_of: "a",
        state: "waiting",
        progress: { done: 0, estimated: 9 },
      }),
    ]);
    expect(first!.scans.map(({ id }) => id)).toEqual(["b", "a"]);
    expect(firstShown(first!).id).toBe("b");
  });
});

describe("what a screen reader is told", () => {
  const row = (change: Partial<ScanRow>): ScanRow => ({ ...new FakeScan(settings).row, ...change });
  const cases: readonly (readonly [
    string,
    ScanRow,
    ScanRow | undefined,
    string | undefined,
    boolean,
  ])[] = [
    ["a new scan", row({}), undefined, "New scan: run 136662, splinempe.", false],
    [
      "nothing of progress",
      row({ progress: { done: 9, estimated: 9 } }),
      row({}),
      undefined,
      false,
    ],
    ["the end", row({ state: "done" }), row({}), "Done: run 136662, splinempe.", false],
    [
      "at once that it is stuck, and why",
      row({ state: "stuck", reason: "no client" }),
      row({}),
      "Stuck: run 136662, splinempe. no client",
      true,
    ],
    [
      "a best fit that has moved far",
      row({ best: { ra: 1, dec: 0 } }),
      row({ best: { ra: 1.1, dec: 0 } }),
      "Best fit of run 136662, splinempe is now at 57.30°, +0.00°.",
      false,
    ],
    [
      "not one that has not",
      row({ best: { ra: 1, dec: 0 } }),
      row({ best: { ra: 1.001, dec: 0 } }),
      undefined,
      false,
    ],
  ];
  for (const [name, after, before, text, isUrgent] of cases)
    test(name, () => {
      const sentence = sentenceFor(after, before);
      expect(sentence?.text).toBe(text!);
      expect(sentence?.isUrgent ?? false).toBe(isUrgent);
    });
});

describe("an event's DOMs", () => {
  test("are read as they were sent", () => {
    const doms = readDoms(fakeDoms().buffer);
    expect(doms.string.length).toBe(doms.header.doms);
    expect(Math.min(...doms.string)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...doms.om)).toBeLessThanOrEqual(60);
    expect(chargeUntil(doms, 0, Number.POSITIVE_INFINITY)).toBeCloseTo(doms.charge[0]!, 5);
    expect(chargeUntil(doms, 0, doms.first[0]! - 1)).toBe(0);
    expect(() => readDoms(new ArrayBuffer(16))).toThrow("not a SKD1 body");
  });

  test("noise before and after does not eat the scale of time", () => {
    const times = [...Array.from({ length: 98 }, (_, i) => 1000 + i), -1e5, 1e6];
    const [from, to] = timeRange(times);
    expect(from).toBeGreaterThanOrEqual(1000);
    expect(to).toBeLessThan(1100);
    expect(timeRange([5])).toEqual([5, 6]);
  });
});
