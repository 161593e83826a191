import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import type { FirstDirection, Place } from "../../src/desk/messages.ts";
import { circularLines } from "../../src/page/words.ts";
import { readResult } from "../../src/result/files.ts";
import { testFolder } from "../folder.ts";
import { json, listened, outputOf, quick, startDesk, type TestDesk } from "./service.ts";

const folder = testFolder();
let desk: TestDesk;
beforeAll(async () => {
  desk = await startDesk(join(folder, "open"));
});
afterAll(() => desk.stop());

const isOver = ({ state }: { state: string }) => ["done", "failed", "cancelled"].includes(state);

/** Pixels of a SKM1 body by nside. */
function pixelsOf(body: Uint8Array): Map<string, number> {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const length = view.getUint32(4, true);
  const header = JSON.parse(new TextDecoder().decode(body.subarray(8, 8 + length)));
  const found = new Map<string, number>();
  let at = 8 + length;
  for (const { nside, count } of header.blocks) {
    for (let n = 0; n < count; n++)
      found.set(
        `${nside}.${view.getUint32(at + 4 * n, true)}`,
        header.base + view.getFloat32(at + 4 * (count + n), true),
      );
    at += 8 * count;
  }
  return found;
}

describe("a scan", () => {
  test("fills in pixel by pixel, each told once, and ends as the file says", async () => {
    const [id] = await desk.submit();
    const told: string[] = [];
    let isDone = false;
    for await (const { event, data } of listened(await desk.get(`scan/${id}/events?since=0`))) {
      if (event === "pixels") told.push(...pixelsOf(Uint8Array.fromBase64(data.block)).keys());
      isDone ||= event === "state" && data.state === "done";
      if (isDone) break;
    }
    expect(new Set(told).size).toBe(told.length);
    const row = await desk.until(id!, isOver);
    expect(row).toMatchObject({ state: "done", scan_state: "SCAN_HAS_FINAL_RESULT" });
    expect(row.event?.is_real).toBe(false);

    const page = await json(await desk.get(`scan/${id}/page`));
    const npz = page.files.find((file: { what: string }) => file.what === "npz");
    expect(npz.state).toBe("final");
    const result = await readResult(join(outputOf(desk, id!), npz.name));
    const inFile = new Map(
      [...result.nsides.values()].flat().map(({ nside, pixel, llh }) => [`${nside}.${pixel}`, llh]),
    );
    const body = new Uint8Array(await (await desk.get(`scan/${id}/map.bin`)).arrayBuffer());
    const onPage = pixelsOf(body);
    expect([...onPage.keys()].toSorted()).toEqual([...inFile.keys()].toSorted());
    for (const [pixel, llh] of onPage) expect(llh).toBeCloseTo(inFile.get(pixel)!, 3);
    expect(told.length).toBe(inFile.size);
    const download = await desk.get(`scan/${id}/files/${npz.name}`);
    expect(download.headers.get("content-disposition")).toBe(`attachment; filename="${npz.name}"`);
    expect((await download.bytes()).length).toBeGreaterThan(1000);
  });

  test("is published in every format that is asked for", async () => {
    const [id] = await desk.submit();
    await desk.until(id!, isOver);
    const { files } = await json(await desk.get(`scan/${id}/page`));
    const starts = {
      "FITS, multi-order": "\x1f\x8b",
      "contours, geojson": "{",
      circular: "IceCube",
      PNG: "\x89PNG",
    };
    for (const [what, start] of Object.entries(starts)) {
      const { name } = files.find((file: { what: string }) => file.what === what);
      const answer = await desk.get(`scan/${id}/files/${name}`);
      const text = Buffer.from(await answer.bytes()).toString("latin1");
      expect([what, answer.status, text.slice(0, start.length)]).toEqual([what, 200, start]);
    }
    expect((await desk.get(`scan/${id}/files/nothing.npz`)).status).toBe(404);
  });

  test("says on its page what its circular says, and what the page copies is the circular's lines", async () => {
    // Fine enough for its contour to be resolved, and too coarse for that.
    for (const nsides of [{ "8": 0 }, { "1": 0 }]) {
      const [id] = await desk.submit({ nsides });
      await desk.until(id!, isOver);
      const { files, place, row, timeline } = await json(await desk.get(`scan/${id}/page`));
      expect(timeline.map(({ what }: { what: string }) => what)).toContain("first pixel");
      expect(row.best).toEqual({ ra: place.ra, dec: place.dec });
      const { name } = files.find(({ what }: { what: string }) => what === "circular");
      const circular = await (await desk.get(`scan/${id}/files/${name}`)).text();
      const { errors } = place as Place;
      const extent = errors && {
        ...{ raPlus: errors.ra_plus, raMinus: errors.ra_minus },
        ...{ decPlus: errors.dec_plus, decMinus: errors.dec_minus },
      };
      expect(circular).toContain(circularLines(place, extent ?? undefined));
      const ninety = row.areas.find(({ percent }: { percent: number }) => percent === 90);
      const isResolved = ninety.is_open || ninety.area_sqdeg >= ninety.resolved_sqdeg;
      expect(errors !== null).toBe(isResolved);
    }
  });

  test("tells the direction that was fitted free as soon as it is known, and keeps it", async () => {
    const [id] = await desk.submit({ reco_algo: "splinempe", nsides: { "2": 0, "4": 3 } });
    let told: FirstDirection | undefined;
    for await (const { event, data } of listened(await desk.get(`scan/${id}/events?since=0`))) {
      if (event === "first") {
        const { scan, ...first } = data;
        expect(scan).toBe(id);
        told = first;
      }
      if (event === "state" && data.state === "done") break;
    }
    const { first, best, timeline } = await json(await desk.get(`scan/${id}/page`));
    expect(timeline.map(({ what }: { what: string }) => what).slice(-5)).toEqual([
      ...["received", "started", "first pixel", "nside 4", "done"],
    ]);
    expect(first).toEqual(told);
    // Nothing holds it up: no pixel is lower.
    expect(first.llh).toBeLessThan(best.llh);
    const { first_direction } = JSON.parse(
      await Bun.file(join(outputOf(desk, id!), "scan-manifest.json")).text(),
    );
    expect(first.ra).toBeCloseTo((first_direction.ra * Math.PI) / 180, 12);
    // This alert's likelihood hardly curves along one direction: there may be no ellipse.
    const { ellipse } = first as FirstDirection;
    const radius = ellipse && (Math.sqrt(ellipse.a * ellipse.b) * 180) / Math.PI;
    expect(radius?.toFixed(9)).toBe(first_direction.radius_90?.toFixed(9));
    if (ellipse) expect(ellipse.a).toBeGreaterThanOrEqual(ellipse.b);
  }, 60_000);

  test("before its end gives drafts, and no map that would mislead", async () => {
    const [id] = await desk.submit({ nsides: { "64": 0 } });
    for await (const { event, data } of listened(await desk.get(`scan/${id}/events`)))
      if (event === "pixels" && data.n > 0) break;
    const { files } = await json(await desk.get(`scan/${id}/page`));
    const file = (what: string) => files.find((one: { what: string }) => one.what === what);
    expect(file("npz").state).toBe("draft");
    expect(file("npz").name).toContain(".draft.");
    expect(file("FITS, multi-order")).toMatchObject({ state: "not yet" });
    expect((await desk.get(`scan/${id}/files/${file("FITS, multi-order").name}`)).status).toBe(409);
    const draft = await (await desk.get(`scan/${id}/files/${file("npz").name}`)).bytes();
    expect(Buffer.from(draft.subarray(0, 200)).toString("latin1")).toMatch(/^PK/);
    await desk.send("DELETE", `scan/${id}`);
  });

  test("answers for its pixels and pulses", async () => {
    const [id] = await desk.submit();
    await desk.until(id!, isOver);
    const pixel = await json(await desk.get(`scan/${id}/pixel/1/3`));
    expect(pixel.fits.length).toBe(1);
    expect(pixel.fits.map(({ posvar }: { posvar: number }) => posvar)).toEqual([0]);
    expect((await desk.get(`scan/${id}/pixel/1/12`)).status).toBe(404);
    expect((await desk.get(`scan/${id}/pixel/3/1`)).status).toBe(404);
    const doms = await (await desk.get("event/1.1/doms.bin")).bytes();
    expect(new TextDecoder().decode(doms.subarray(0, 4))).toBe("SKD1");
  });

  test("is cancelled, keeps what it had, and can be done again", async () => {
    const [id] = await desk.submit({ nsides: { "64": 0 } });
    for await (const { event, data } of listened(await desk.get(`scan/${id}/events`)))
      if (event === "progress" && data.done > 0) break;
    const answer = await desk.send("DELETE", `scan/${id}`);
    expect(answer.status).toBe(200);
    const { manifest } = await json(answer);
    expect(manifest).toMatchObject({ scan_id: id, is_deleted: true });
    expect(await desk.until(id!, isOver)).toMatchObject({ state: "cancelled" });
    const again = await desk.send("POST", `scan/${id}/actions/rescan`, { nsides: { "1": 0 } });
    const { scan_id, classifiers } = await json(again);
    expect(classifiers).toEqual({ rescan: true, origin_scan_id: id });
    expect(await desk.until(scan_id, isOver)).toMatchObject({ state: "done", rescan_of: id });
  });

  test("of a muon of our own proves an installation", async () => {
    const answer = await desk.send("POST", "scan", { simulate: true, ...quick });
    const { scan_ids } = await json(answer);
    expect(await desk.until(scan_ids[0], isOver)).toMatchObject({ state: "done" });
  });
});

describe("an event's own levels", () => {
  const calibration = {
    ...{ format: "skyscan calibration 1", event: { run_id: 1, event_id: 1 }, reco_algo: "dummy" },
    ...{ light: null, experiments: 200, scale: 1.2 },
    levels: [
      { percent: 50, level: 0.1, low: 0.08, high: 0.2, scaled: 0.1 },
      { percent: 90, level: 0.5, low: 0.4, high: 0.6, scaled: 0.5 },
    ],
  };

  test("are a finished scan's: on the page, in rows, pictures and exports, until they are taken away", async () => {
    const [id] = await desk.submit();
    const before = await desk.until(id!, isOver);
    const page = () => desk.get(`scan/${id}/page`).then(json);
    const plain = await page();
    const contours = plain.files.find((file: { what: string }) => file.what === "contours, json");
    const exported = () => desk.get(`scan/${id}/files/${contours.name}`).then((a) => a.text());
    expect(await exported()).not.toContain("calibrated");

    const answer = await desk.send("POST", `scan/${id}/calibration`, calibration);
    expect(answer.status).toBe(200);
    const given = await page();
    expect(await json(answer)).toEqual(given);
    expect(given.levels).toEqual({
      convention: "calibrated",
      list: [
        { percent: 50, level: 0.1 },
        { percent: 90, level: 0.5 },
      ],
    });
    expect(given.is_calibrated).toBe(true);
    expect(given.honesty).toMatch(/^Calibrated\. Levels: this event's own, 200 pseudo-experiments/);
    expect(given.timeline.at(-1).what).toBe("calibrated");
    const areaOf = (row: { areas: { percent: number; area_sqdeg: number }[] }) =>
      row.areas.find(({ percent }) => percent === 90)!.area_sqdeg;
    expect(areaOf(given.row)).toBeLessThan(areaOf(before));
    expect(await exported()).toContain("calibrated");

    expect((await desk.send("DELETE", `scan/${id}/calibration`)).status).toBe(200);
    const { timeline, ...taken } = await page();
    const { timeline: _, ...was } = plain;
    expect(taken).toEqual(was);
    expect(timeline.at(-1).what).toBe("calibration taken away");
    expect(await exported()).not.toContain("calibrated");
  }, 30_000);

  test("are no other event's or algorithm's, and no part of a map has any", async () => {
    const [id] = await desk.submit();
    await desk.until(id!, isOver);
    const refusal = async (scan: string, more: object) => {
      const answer = await desk.send("POST", `scan/${scan}/calibration`, {
        ...calibration,
        ...more,
      });
      return [answer.status, (await json(answer)).error];
    };
    const event = { run_id: 1, event_id: 2 };
    expect(await refusal(id!, { event })).toEqual([409, expect.stringMatching(/event 2, the map/)]);
    expect(await refusal(id!, { reco_algo: "splinempe" })).toEqual([
      ...[409, expect.stringMatching(/made with dummy/)],
    ]);
    expect((await refusal(id!, { levels: [] }))[0]).toBe(400);
    expect((await refusal("nothing", {}))[0]).toBe(404);
    const [unfinished] = await desk.submit({ nsides: { "8": 0 }, priority: -1 });
    await desk.send("DELETE", `scan/${unfinished}`, {});
    expect(await refusal(unfinished!, {})).toEqual([
      409,
      expect.stringMatching(/Only a finished map/),
    ]);
  }, 30_000);
});

describe("a scan refined to its contour", () => {
  test("is asked for by request or recipe, and its files are named as it ended", async () => {
    const [id] = await desk.submit({ nsides: { "1": 0 }, refine_to_contour: true });
    const { id: same } = await desk.until(id!, isOver);
    const page = await json(await desk.get(`scan/${same}/page`));
    const nsides = page.stages.map(({ nside }: { nside: number }) => nside);
    expect(nsides.length).toBeGreaterThan(1);
    const npz = page.files.find((file: { what: string }) => file.what === "npz");
    expect(npz.name).toEndWith(`_${nsides.join("_")}.npz`);
    expect((await desk.get(`scan/${id}/files/${npz.name}`)).status).toBe(200);
    const again = desk.submit({ nsides: { "1": 0 }, refine_to_contour: true, again: false });
    expect(again).rejects.toThrow(id!);
  }, 60_000);
});

describe("SkyDriver's scripts", () => {
  test("post, ask, find and delete as there", async () => {
    const alert = JSON.parse(
      await Bun.file(join(import.meta.dir, "../data/simulated_muon.json")).text(),
    );
    const posted = await desk.send("POST", "scan", {
      docker_tag: "latest",
      request_clusters: [["osg", 1500]],
      reco_algo: "dummy",
      event_i3live_json: JSON.stringify(alert),
      nsides: { "1": 0 },
      real_or_simulated_event: "simulated",
      max_pixel_reco_time: 60,
      classifiers: { campaign: "test" },
      manifest_projection: ["scan_id", "classifiers"],
    });
    expect(posted.status).toBe(200);
    const { scan_id, ...rest } = await json(posted);
    expect(rest).toEqual({ classifiers: { campaign: "test" }, scan_ids: [scan_id] });
    await desk.until(scan_id, isOver);

    const status = await json(await desk.get(`scan/${scan_id}/status`));
    expect(status).toMatchObject({
      ...{ scan_state: "SCAN_HAS_FINAL_RESULT", is_deleted: false, scan_complete: true },
      ewms_deactivated: "FINISHED",
    });
    const { manifest, result } = await json(await desk.get(`scan/${scan_id}`));
    expect(manifest.event_metadata).toEqual({
      ...{ run_id: 1, event_id: 1, event_type: "neutrino", mjd: 60000.25, is_real_event: false },
    });
    expect(manifest.scan_metadata).toMatchObject({ nside_progression: { "1": 0 } });
    expect(manifest.progress.processing_stats).toMatchObject({ finished: true });
    expect(result).toMatchObject({ scan_id, is_final: true });
    expect(Object.keys(result.skyscan_result)).toEqual(["nside-1"]);
    expect(await json(await desk.get(`scan/${scan_id}/i3-event`))).toEqual({ i3_event: alert });
    const request = await json(await desk.get(`scan-request/${scan_id}`));
    expect(request).toMatchObject({ docker_tag: "latest", reco_algo: "dummy" });
    expect(request.event_i3live_json).toBeUndefined();

    const filter = { "classifiers.campaign": "test", timestamp: { $gt: 0 } };
    const find = async (more: object = {}) =>
      (await json(await desk.send("POST", "scans/find", { filter, ...more }))).manifests;
    expect((await find({ manifest_projection: ["scan_id"] }))[0]).toEqual({ scan_id });

    expect((await desk.send("DELETE", `scan/${scan_id}`, {})).status).toBe(400);
    const deleted = await desk.send("DELETE", `scan/${scan_id}`, { delete_completed_scan: true });
    expect((await json(deleted)).manifest.is_deleted).toBe(true);
    expect((await desk.get(`scan/${scan_id}`)).status).toBe(404);
    expect((await desk.get(`scan/${scan_id}?include_deleted=true`)).status).toBe(200);
    expect(await find()).toEqual([]);
    expect((await find({ include_deleted: true })).length).toBe(1);
    expect(await json(await desk.get("scans/backlog"))).toEqual({ entries: [] });
  });
});

const alertLike = (text: string, name = "x.json") => ({
  event_file: { name, base64: Buffer.from(text, "latin1").toString("base64") },
});

describe("what cannot be done is refused in words, and leaves nothing", () => {
  const cases: [name: string, body: object, status: number, words: RegExp][] = [
    [
      "a picture",
      alertLike("\x89PNG\r\n\x1a\n"),
      400,
      /^This is not an IceCube alert: .*found a PNG picture\.$/,
    ],
    ["nothing", alertLike(""), 400, /found an empty file/],
    ["a text", alertLike("hello"), 400, /found something else/],
    ["JSON that is no alert", alertLike("{}", "mine.json"), 400, /^mine\.json: /],
    [
      "two alerts",
      { ...alertLike("{}"), event_i3live_json: {} },
      400,
      /one of event_i3live_json and event_file/,
    ],
    ["no alert", { reco_algo: "dummy" }, 400, /The alert is missing/],
    ["an event elsewhere", { i3_event_id: "abc" }, 400, /i3_event_id names an event in SkyDriver/],
    [
      "no base64",
      { event_file: { name: "x", base64: "§" } },
      400,
      /event_file\.base64: expected base64/,
    ],
    ["ten megabytes", alertLike("\0".repeat(10e6)), 400, /^This is not an IceCube alert/],
    ["a body of another kind", "text" as unknown as object, 400, /Expected Object|object/i],
  ];
  for (const [name, body, status, words] of cases)
    test(name, async () => {
      const before = (await desk.rows()).length;
      const answer = await desk.send("POST", "scan", body);
      expect(answer.status).toBe(status);
      expect((await json(answer)).error).toMatch(words);
      expect((await desk.rows()).length).toBe(before);
    });

  test("an algorithm, nsides and times there are none of", async () => {
    const trouble = async (more: object) => {
      const answer = desk.submit(more).then(
        () => "taken",
        (error) => error.message,
      );
      return JSON.parse(await answer).error;
    };
    expect(await trouble({ reco_algo: "splinmpe" })).toMatch(
      /unknown reconstruction algorithm "splinmpe"/,
    );
    expect(await trouble({ nsides: { "500": 0 } })).toMatch(/500 is not a power of two/);
    expect(await trouble({ nsides: { "1": 0, "32768": 1e9 } })).toMatch(/GB of memory/);
    expect(await trouble({ max_pixel_reco_time: -1 })).toMatch(/max_pixel_reco_time/);
    expect(await trouble({ nsides: { "1": 0.5 } })).toMatch(/nsides/);
  });

  test("the same file dropped again", async () => {
    const [id] = await desk.submit();
    const answer = desk.submit({ again: false }).then(
      () => "taken",
      (error) => error.message,
    );
    const problem = JSON.parse(await answer);
    expect(problem).toMatchObject({ code: 409, error: expect.stringMatching(/was scanned at/) });
    expect((await desk.rows()).map((row) => row.id)).toContain(problem.scan_id);
    await desk.until(id!, isOver);
  });
});

describe("paths and names from outside", () => {
  const paths = [
    ...["scan/..%2f..%2fetc%2fpasswd", "scan/%2e%2e/page", "scan/a%00b/page", "scan/%ff", "..%2f"],
    ...["scan/x/files/..%2f..%2fdesk.sqlite", "scan/x/files/%2fetc%2fpasswd", "e/../../etc/passwd"],
    ...["event/..%2f1/doms.bin", "scan/x/pixel/1/%2e%2e", "%2e%2e/%2e%2e/etc/passwd", "scan//page"],
    ...["desk.sqlite", "scans/desk.sqlite", "chunk-../../x.js"],
  ];
  for (const path of paths)
    test(path, async () => {
      const answer = await desk.get(path);
      expect([400, 404]).toContain(answer.status);
      expect(Object.keys(await json(answer))).toEqual(["code", "error"]);
    });

  test("a method there is none of says which there are", async () => {
    const answer = await desk.send("PATCH", "scan");
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, "POST"]);
  });

  test("script in an alert's file name is kept as text, never as a file's name", async () => {
    const name = `<script>alert(1)</script>\u202e/../../x.json`;
    const answer = await desk.send("POST", "scan", { ...alertLike("{}", name) });
    expect(answer.status).toBe(400);
    expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
    expect(existsSync(join(folder, "x.json"))).toBe(false);
  });
});

/** One request written by hand. @returns all that comes back until the connection ends, or is enough */
function raw(
  address: string,
  text: string,
  isEnough: (answer: string) => boolean,
): Promise<string> {
  const { hostname, port } = new URL(address);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let answer = "";
    const end = () => {
      socket.destroy();
      resolve(answer);
    };
    socket.on("data", (data) => {
      answer += data;
      if (isEnough(answer)) end();
    });
    socket.on("close", end);
    socket.on("error", reject);
    socket.write(text);
  });
}

describe("attacks", () => {
  test("a gigabyte is refused before it is read, a long body without a length while it is", async () => {
    const head = "POST /scan HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    const announced = await raw(
      desk.address,
      `${head}Content-Length: 1000000000\r\n\r\n{`,
      // The desk ends the connection: what would still come is not read.
      () => false,
    );
    expect(announced).toMatch(/^HTTP\/1\.1 413 /);
    expect(announced).toContain("The file has 1.0 GB; an alert has less than 64 MB.");
    const endless = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(1 << 20).fill(0x20)),
    });
    const answer = await fetch(new URL("scan", desk.address), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: endless,
    });
    expect(answer.status).toBe(413);
    // And it goes on.
    expect((await desk.get("healthz")).status).toBe(200);
  });

  test("another site's page cannot start or end scans", async () => {
    const foreign = { origin: "https://evil.example" };
    expect((await desk.send("POST", "scan", quick, foreign)).status).toBe(403);
    expect((await desk.send("DELETE", "scan/x", {}, foreign)).status).toBe(403);
    expect((await desk.send("POST", "scan", quick, { "content-type": "text/plain" })).status).toBe(
      415,
    );
    const form = { "content-type": "application/x-www-form-urlencoded" };
    expect((await desk.send("POST", "session", {}, form)).status).toBe(415);
  });

  test("a strange name that leads here finds nothing", async () => {
    const request = "GET /scans HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    expect(await raw(desk.address, request, () => false)).toMatch(/^HTTP\/1\.1 421 /);
  });

  test("one address has eight streams, and those that end make room", async () => {
    const open: AbortController[] = [];
    const stream = async () => {
      const controller = new AbortController();
      const answer = await fetch(new URL("events", desk.address), { signal: controller.signal });
      if (answer.ok) open.push(controller);
      return answer;
    };
    const answers = await Promise.all(Array.from({ length: 12 }, stream));
    const statuses = answers.map(({ status }) => status).toSorted();
    expect(statuses).toEqual([...Array(8).fill(200), ...Array(4).fill(503)]);
    expect(answers.find(({ status }) => status === 503)?.headers.get("retry-after")).toBe("10");
    for (const controller of open) controller.abort();
    const streams = async () =>
      /^skyscan_streams (\d+)$/m.exec(await (await desk.get("metrics")).text())?.[1];
    while ((await streams()) !== "0") await new Promise((resolve) => setImmediate(resolve));
    const later = await stream();
    expect(later.status).toBe(200);
    open.at(-1)!.abort();
  });

  test("deep and damaged JSON", async () => {
    const send = (body: string) =>
      fetch(new URL("scan", desk.address), {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
      });
    for (const body of ["[".repeat(1e5), "{", '{"a":1e999', "\u0000", '"\\ud800"'])
      expect((await send(body)).status).toBe(400);
  });

  test("every answer carries the headers that keep a page to itself", async () => {
    for (const path of ["scans", "nothing", "healthz"]) {
      const { headers } = await desk.get(path);
      expect(headers.get("content-security-policy")).toContain("default-src 'none'");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
    }
  });
});

describe("a desk with a token", () => {
  const token = "a-token-of-the-tests-own";
  let closed: TestDesk;
  beforeAll(async () => {
    closed = await startDesk(join(folder, "closed"), { token, isPublicRead: true, workers: 1 });
  });
  afterAll(() => closed.stop());
  const without = (path: string, headers: Record<string, string> = {}) =>
    fetch(new URL(path, closed.address), { headers });
  const post = (headers: Record<string, string>) =>
    fetch(new URL("scan", closed.address), {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({ simulate: true, ...quick }),
    });

  test("lets everyone look where that is allowed, and nobody else write", async () => {
    expect((await without("scans")).status).toBe(200);
    expect((await post({})).status).toBe(401);
    const wrong = await post({ authorization: "Bearer a-token-of-the-tests-owm" });
    expect([wrong.status, (await json(wrong)).error]).toEqual([401, "That token is not right."]);
    expect((await without("scans", { authorization: "Bearer wrong" })).status).toBe(401);
    expect((await post({ cookie: "skyscan=guess" })).status).toBe(401);
    expect((await post({ authorization: `Bearer ${token}` })).status).toBe(200);
  });

  test("a page gives it once, and its cookie is no script's to read", async () => {
    const answer = await closed.send("POST", "session", { token });
    expect(answer.status).toBe(204);
    const cookie = answer.headers.get("set-cookie")!;
    expect(cookie).toMatch(/^skyscan=[0-9a-f]{64}; .*Path=\/; HttpOnly; SameSite=Strict$/);
    expect(cookie).not.toContain(token);
    const known = { cookie: cookie.split(";")[0]! };
    const { may_write } = await json(await without("desk", known));
    expect(may_write).toBe(true);
    expect((await closed.send("POST", "session", { token: "no" }, {})).status).toBe(401);
  });

  test("what names folders and machines is not for everyone", async () => {
    const { scan_id } = await json(await post({ authorization: `Bearer ${token}` }));
    expect((await without(`scan/${scan_id}/files/log.txt`)).status).toBe(401);
    expect((await closed.get(`scan/${scan_id}/files/log.txt`)).status).toBe(200);
    expect((await json(await without("desk"))).watch).toBeNull();
  });
});
