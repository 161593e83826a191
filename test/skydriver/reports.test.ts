import { afterAll, describe, expect, test } from "bun:test";
import { resultFromScan } from "../../src/result/result.ts";
import { noFit } from "../../src/scan/fit_values.ts";
import { createStatistics } from "../../src/scan/progress.ts";
import { Scan } from "../../src/scan/scan.ts";
import { parseProgression } from "../../src/sky/progression.ts";
import { SkyDriver } from "../../src/skydriver/client.ts";
import { constantParts, progressPart, type ScanView } from "../../src/skydriver/report.ts";
import { Reports } from "../../src/skydriver/reports.ts";
import { until } from "../programs.ts";
import { type Fake, startFakeSkyDriver } from "./fake.ts";
import { finally_, lonelyTime } from "./time.ts";

const event = {
  ...{ runId: 136766, eventId: 7637140, eventType: "neutrino", isRealEvent: true },
  mjd: 59754.67588432013,
};
const progression = parseProgression("1:0 2:4");
const tokens = { system: "system-token", user: "user-token" };
const fakes: Fake[] = [];
afterAll(() => {
  for (const fake of fakes) fake.stop();
});

/** A scan of twelve pixels of which some are done, and its reports to a strict SkyDriver. */
function world() {
  const { time, clock } = lonelyTime();
  const scan = new Scan({ progression, variations: 1, seed: 0 });
  const statistics = createStatistics(clock.date());
  scan.start();
  const view: ScanView = {
    ...{ event, progression, variations: 1, threshold: 1, scan, statistics },
    startedAt: clock.date() + 0.25,
  };
  const fake = startFakeSkyDriver({ event: {}, tokens });
  fakes.push(fake);
  const skydriver = new SkyDriver({
    ...{ address: fake.address, token: tokens.system, clock },
    fetch: (url, init) => fetch(url, init),
  });
  const files = new Map<string, string>();
  const reports = new Reports({
    ...{ skydriver, scanId: fake.scanId, view, clock },
    result: () => resultFromScan(scan.pixels({ unfinished: true }), event, scan.isComplete),
    ...{ progressInterval: 60, resultInterval: 120, keepAt: "kept" },
    write: async (path, content) => void files.set(path, String(content)),
  });
  const add = (pixel: number) => {
    scan.add({ nside: 1, pixel, posvar: 0, ...noFit, llh: 100 + pixel });
    statistics.add(1, 0.5, 1.5, 10, clock.date());
  };
  return { time, clock, fake, reports, files, add, view };
}

describe("reports", () => {
  test("SkyDriver's own types: whole seconds, no null; what is put once is the same bytes at any time", () => {
    const { view } = world();
    const moment = { summary: "", now: 1_700_000_123.75, isFinished: true };
    expect(progressPart(view, moment)).toMatchObject({ start: 1_700_000_000, end: 1_700_000_123 });
    expect(constantParts("x", view)).toBe(
      '"event_metadata": {"run_id":136766,"event_id":7637140,"event_type":"neutrino","mjd":59754.67588432013,"is_real_event":true,"version":1}, ' +
        '"scan_metadata": {"scan_id":"x","nside_progression":{"1":0,"2":4},"position_variations":1}',
    );
    const unknown = { ...view, event: { ...event, eventType: "None" } };
    expect(constantParts("x", unknown)).toContain('"event_type":""');
  });

  test("at the start, with the first fit, and each interval with news; nothing without", async () => {
    const { time, fake, reports, add } = world();
    const passed = async (seconds: number) => {
      const end = time.now + seconds;
      for (; time.now < end; time.now++) reports.tick();
    };
    const arrived = (progress: number, maps: number) =>
      until("reports", () => fake.reports.length === progress && fake.results.length === maps);
    reports.started();
    await passed(200);
    add(0);
    await passed(2);
    await arrived(2, 1);
    await passed(300);
    add(1);
    await passed(2);
    await arrived(3, 2);
    expect(JSON.parse(fake.results[1]!).skyscan_result["nside-1"].data.length).toBe(2);
    expect(fake.refused).toEqual([]);
  });

  test("the finished map outlives fifty minutes of trouble, and lies on the disk until then", async () => {
    const { time, fake, reports, files, add } = world();
    for (let pixel = 0; pixel < 12; pixel++) add(pixel);
    fake.trouble = (what) => {
      if (!what.startsWith("PUT") || time.now >= 3000) return undefined;
      return new Response(null, { status: [503, 401, 429, 404][Math.floor(time.now / 750)]! });
    };
    await finally_(time, reports.finished());
    expect(time.now).toBeGreaterThan(3000);
    expect(fake.results).toEqual([files.get("kept")!]);
    expect(JSON.parse(fake.results[0]!).is_final).toBe(true);
    expect(fake.reports.at(-1)!.progress).toMatchObject({ processing_stats: { finished: true } });
  });

  test("after an hour it says where the map is kept; at once where the map itself is refused", async () => {
    for (const [status, from, to] of [
      [401, 3600, 3800],
      [400, 0, 1],
    ] as const) {
      const { time, fake, reports, files, add } = world();
      add(0);
      fake.trouble = (what) =>
        what.startsWith("PUT") ? new Response(null, { status }) : undefined;
      const error = await finally_(
        time,
        reports.finished().catch((thrown) => thrown),
      );
      expect(error.message).toMatch(new RegExp(`${status}.*the map is kept: kept; the same`));
      expect(error.exitCode).toBe(3);
      expect(time.now).toBeGreaterThanOrEqual(from);
      expect(time.now).toBeLessThan(to);
      expect(files.has("kept")).toBe(true);
    }
  });
});
