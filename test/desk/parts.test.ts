import { describe, expect, test } from "bun:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import fc from "fast-check";
import { Archive, type ScanRecord } from "../../src/desk/archive.ts";
import type { Desk } from "../../src/desk/desk.ts";
import { LiveMap } from "../../src/desk/live_map.ts";
import type { Losses } from "../../src/desk/losses.ts";
import { mapBody } from "../../src/desk/map_body.ts";
import { metricsText } from "../../src/desk/metrics.ts";
import { Notices, pauseAfter } from "../../src/desk/notices.ts";
import { openApi } from "../../src/desk/openapi.ts";
import { pixelAnswer } from "../../src/desk/pixel_fits.ts";
import { paramsOf } from "../../src/desk/route.ts";
import { routes } from "../../src/desk/routes.ts";
import { Arrivals, type FileFacts } from "../../src/desk/watch.ts";
import { Scan } from "../../src/scan/scan.ts";
import type { PixelResult } from "../../src/scan/task.ts";
import type { StoredResult } from "../../src/store/row.ts";
import { VirtualTime } from "../system/virtual_time.ts";

const fit = (nside: number, pixel: number, llh: number): PixelResult => ({
  ...{ nside, pixel, llh, x: 1, y: 2, z: 3, time: 4, energy: Number.NaN, E_in: 5, E_tot: 6 },
});

/** Reads a body as its description says, by DataView alone. */
function read(body: Uint8Array) {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const length = view.getUint32(4, true);
  const header = JSON.parse(new TextDecoder().decode(body.subarray(8, 8 + length)));
  let at = 8 + length;
  expect(at % 4).toBe(0);
  const skip = (bytes: number) => {
    at += bytes;
    return at - bytes;
  };
  const next: Record<string, () => number> = {
    u32: () => view.getUint32(skip(4), true),
    f32: () => view.getFloat32(skip(4), true),
    f64: () => view.getFloat64(skip(8), true),
  };
  const blocks = header.blocks.map(({ nside, count }: { nside: number; count: number }) => ({
    nside,
    columns: header.columns.map((column: string) =>
      Array.from({ length: count }, () => next[column.split(":")[1]!]!()),
    ),
  }));
  expect(at).toBe(body.length);
  return { magic: new TextDecoder().decode(body.subarray(0, 4)), header, blocks };
}

describe("SKM1", () => {
  test("holds each nside's pixels in order, llh as differences", () => {
    const pixels = [fit(64, 9, 12.5), fit(8, 3, 10), fit(8, 1, Number.NaN), fit(64, 2, 11)];
    const { magic, header, blocks } = read(
      mapBody(pixels, { epoch: "e", seq: 7, columns: ["E_tot"] }),
    );
    expect(magic).toBe("SKM1");
    expect(header).toEqual({
      ...{ epoch: "e", seq: 7, base: 10, columns: ["pixel:u32", "d:f32", "E_tot:f32"] },
      blocks: [
        { nside: 8, count: 2 },
        { nside: 64, count: 2 },
      ],
    });
    expect(blocks).toEqual([
      {
        nside: 8,
        columns: [
          [1, 3],
          [Number.NaN, 0],
          [6, 6],
        ],
      },
      {
        nside: 64,
        columns: [
          [2, 9],
          [1, 2.5],
          [6, 6],
        ],
      },
    ]);
  });

  test("holds pixels beyond 32 bits, none, and a map without a fit", () => {
    const far = 12 * 32_768 ** 2 - 1;
    const { header, blocks } = read(mapBody([fit(32_768, far, 1)], { epoch: "", seq: 1 }));
    expect(header.columns[0]).toBe("pixel:f64");
    expect(blocks[0].columns[0]).toEqual([far]);
    expect(read(mapBody([], { epoch: "ä", seq: 0 })).blocks).toEqual([]);
    expect(read(mapBody([fit(1, 0, Number.NaN)], { epoch: "", seq: 0 })).header.base).toBe(0);
  });
});

test("a live map says what came after so many results, each pixel once, when it is whole", () => {
  fc.assert(
    fc.property(
      fc.shuffledSubarray(
        Array.from({ length: 24 }, (_, i) => i),
        { minLength: 24 },
      ),
      (order) => {
        const scan = new Scan({
          ...{ progression: [{ nside: 1, extension: 0 }], variations: 2, seed: 0 },
        });
        scan.start();
        const map = new LiveMap();
        const seen: number[] = [];
        for (const task of order) {
          const before = map.seq;
          const result = { ...fit(1, task >> 1, task), posvar: task & 1 };
          scan.add(result);
          map.count(scan, result);
          seen.push(...map.since(before).map(({ pixel }) => pixel));
        }
        expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i));
        expect(map.since(0).map(({ pixel }) => pixel)).toEqual(seen);
        expect(map.since(24)).toEqual([]);
      },
    ),
  );
});

describe("the watched folder", () => {
  const file = (more: Partial<FileFacts> = {}): FileFacts => ({
    ...{ name: "a.json", inode: 1, modified: 1, size: 5 },
    ...more,
  });

  test("a file is taken when two looks agree, however long it grows", () => {
    const arrivals = new Arrivals();
    expect(arrivals.look([file({ size: 1 })])).toEqual([]);
    expect(arrivals.look([file({ size: 3 })])).toEqual([]);
    expect(arrivals.look([file({ size: 3, modified: 2 })])).toEqual([]);
    expect(arrivals.look([file({ size: 3, modified: 2 })]).length).toBe(1);
  });

  test("an empty file is not complete, and a replaced one is another", () => {
    const arrivals = new Arrivals();
    arrivals.look([file({ size: 0 }), file({ name: "b.json" })]);
    expect(arrivals.look([file({ size: 0 }), file({ name: "b.json", inode: 2 })])).toEqual([]);
  });
});

describe("parts of a path", () => {
  const cases: [path: string, parts: string[], params: Record<string, string> | undefined][] = [
    ["/scan/:id", ["scan", "19505db3e88x4348"], { id: "19505db3e88x4348" }],
    ["/scan/:id", ["scan", ".."], undefined],
    ["/scan/:id", ["scan", "../../etc/passwd"], undefined],
    ["/scan/:id", ["scan", "a\0b"], undefined],
    ["/scan/:id", ["scan", ""], undefined],
    ["/scan/:id", ["scan", "a", "b"], undefined],
    ["/scan/:id/files/:name", ["scan", "a", "files", "x.npz"], { id: "a", name: "x.npz" }],
    ["/scan/:id/files/:name", ["scan", "a", "files", ".hidden"], undefined],
    ["/scan/:id/files/:name", ["scan", "a", "files", "a/b"], undefined],
    ["/scan/:id/files/:name", ["scan", "a", "files", "a\nb"], undefined],
    ["/event/:event/doms.bin", ["event", "1.2", "doms.bin"], { event: "1.2" }],
    ["/event/:event/doms.bin", ["event", "1e9.2", "doms.bin"], undefined],
    ["/scan/:id/pixel/:nside/:pixel", ["scan", "a", "pixel", "8", "-1"], undefined],
  ];
  for (const [path, parts, params] of cases)
    test(JSON.stringify(parts), () => expect(paramsOf(path, parts)).toEqual(params!));
});

test("what was not delivered is tried again, later each time, and given up at last", async () => {
  const time = new VirtualTime();
  const archive = new Archive(":memory:");
  const ran: number[] = [];
  const clock = { ...time.clock(), every: () => () => {} };
  const notices = new Notices({
    ...{ archive, clock, hook: "x", folderOf: () => "" },
    post: async () => {},
    run: async () => {
      ran.push(time.now);
      throw new Error("no");
    },
  });
  archive.add([
    {
      ...({ id: "s", alert: "", priority: 0, state: "done", reason: null } as const),
      event: { name: "", run: 1, id: 1, mjd: 1, type: "", stream: null, is_real: true },
      settings: {
        ...{ reco: "", nsides: "", threshold: 1, recoTimeout: 1, seed: 0, isRealEvent: null },
      },
      ...{ created: 0, started: 0, ended: 0, changed: 0, isDeleted: false, rescanOf: null },
      ...{ replacedBy: null, classifiers: {}, request: {}, served: 0 },
      facts: {
        ...{ done: 0, estimated: 0, failedPixels: 0, stages: [], best: null, areas: [] },
        ...{ light: null, detector: null, energy: null, variations: 1, seq: 0, stem: null },
      },
    },
  ]);
  notices.add("s", "done", null);
  for (; archive.notices().length > 0 && time.now < 1e6; time.now += 5) {
    notices.deliver();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const pauses = ran.slice(1).map((at, n) => at - ran[n]!);
  expect(pauses.slice(0, 5)).toEqual([10, 20, 40, 80, 160]);
  expect(pauses.at(-1)).toBe(3600);
  expect(ran.length).toBe(24);
  expect(pauseAfter(100)).toBe(3600);
  notices.close();
});

test("a pixel's fits say where each began: a further look is no second fit of the same seeds", async () => {
  const look = (round: number, llh: number, minima: StoredResult["minima"]): StoredResult => ({
    ...{ ...fit(8, 3, llh), posvar: 0, count: 7, round, minima: minima ?? [] },
    ...{ seconds: 1, roundTrip: 1, evaluations: 9, at: 0 },
  });
  const found = [
    look(0, 90, [[1, 2, 3, 90]]),
    look(1, Number.NaN, []),
    look(2, 80, [
      [4, 5, 6, 80],
      [1, 2, 3, 90],
    ]),
  ];
  const desk = { run: () => ({ fitsOf: () => found }) } as unknown as Desk;
  const losses = { of: async () => null } as unknown as Losses;
  const record = {
    event: { mjd: 60_000 },
    settings: { reco: "millipede_wilks" },
  } as unknown as ScanRecord;
  const answer = await pixelAnswer(record, 8, 3, { desk, losses });
  expect(answer.fits.map(({ posvar, variations, round }) => [posvar, variations, round])).toEqual([
    [0, 7, 0],
    [0, 7, 2],
  ]);
  expect(answer.minima).toEqual([80, 90]);
});

test("metrics are escaped as Prometheus wants", () => {
  expect(
    metricsText([{ name: "a", kind: "gauge", help: 'x\\\n"', samples: [[{ l: 'q"\\\n' }, 1]] }]),
  ).toBe('# HELP a x\\\\\\n"\n# TYPE a gauge\na{l="q\\"\\\\\\n"} 1\n');
});

/** Every schema in a description: a member of that name, or one of the components. */
function schemasIn(part: unknown): object[] {
  if (typeof part !== "object" || part === null) return [];
  return Object.entries(part).flatMap(([name, value]) =>
    name === "schema" ? [value] : name === "schemas" ? Object.values(value) : schemasIn(value),
  );
}

describe("the interface's description", () => {
  const document = openApi(routes, "1", "/") as {
    paths: Record<string, Record<string, { responses: object; requestBody?: object }>>;
  };

  test("holds every route, every body's schema converted", () => {
    const count = Object.values(document.paths).flatMap((path) => Object.keys(path)).length;
    expect(count).toBe(routes.length);
    for (const operations of Object.values(document.paths))
      for (const [method, { requestBody }] of Object.entries(operations))
        if (method === "post") expect(requestBody).toBeDefined();
  });

  test("is OpenAPI 3.1 by the initiative's own schema, and its schemas JSON Schema 2020-12", async () => {
    const faults = async (api: Record<string, unknown>) =>
      (await new Validator().validate(api)).errors ?? [];
    expect(await faults(document)).toEqual([]);
    // The validator sees what is wrong, and the schemas themselves are for JSON Schema's own.
    const [path, operations] = Object.entries(document.paths)[0]!;
    expect(await faults({ ...document, paths: { [path.slice(1)]: operations } })).not.toEqual([]);
    const ajv = addFormats(new Ajv2020({ allErrors: true }));
    const schemas = schemasIn(document);
    expect(schemas.length).toBeGreaterThan(routes.length);
    for (const schema of schemas)
      if (!("$ref" in schema))
        expect([ajv.validateSchema(schema), ajv.errors]).toEqual([true, null]);
    expect(ajv.validateSchema({ type: "word" })).toBe(false);
  });

  test("declares every part of a path, and names nothing twice", () => {
    for (const [path, operations] of Object.entries(document.paths))
      for (const operation of Object.values(operations)) {
        const { parameters = [] } = operation as { parameters?: { name: string; in: string }[] };
        const inPath = parameters.filter((one) => one.in === "path").map(({ name }) => name);
        expect(inPath).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!));
        expect(new Set(parameters.map(({ name }) => name)).size).toBe(parameters.length);
      }
  });
});
