import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  ClientStatus,
  MalformedMessage,
  maxMessageSize,
  parseMessage,
  ResultMessage,
  type StartupData,
  startupPartSize,
  TaskMessage,
} from "../../src/mq/messages.ts";
import { joinStartup, splitStartup } from "../../src/mq/startup.ts";
import {
  clientOfStatus,
  newBasename,
  newClientId,
  partOfStartup,
  topicsOf,
} from "../../src/mq/topics.ts";

const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const result: Record<string, unknown> & { results: unknown[][]; failures: unknown[][] } = {
  client: "c1",
  session: 1,
  want: 4,
  results: [[1, 8, 700, 0, 7, 0, 12.5, 1, 2, 3, 4, null, null, 1e5, 0.25, 40, null, null, null]],
  failures: [[2, 8, 701, 6, 1, 0, "no luck", 1]],
};

describe("messages", () => {
  test("NaN travels as null and comes back as NaN; other numbers come back exactly", () => {
    fc.assert(
      fc.property(fc.double({ noDefaultInfinity: true }), (llh) => {
        const entry = result.results[0]!.with(6, llh);
        const { results } = parseMessage(ResultMessage, bytes({ ...result, results: [entry] }));
        // JSON does not know -0 either.
        expect(results[0]![6]).toBe(llh === 0 ? 0 : llh);
      }),
    );
  });

  const bad: [string, unknown][] = [
    ["no object", 7],
    ["another message", { session: 1, tasks: [] }],
    ["an nside that is no power of two", { ...result, results: [result.results[0]!.with(1, 12)] }],
    ["a negative pixel", { ...result, results: [result.results[0]!.with(2, -1)] }],
    ["half a pixel", { ...result, results: [result.results[0]!.with(2, 1.5)] }],
    ["a text for a number", { ...result, results: [result.results[0]!.with(6, "12")] }],
    ["a short result", { ...result, results: [result.results[0]!.slice(0, 5)] }],
    ["too many results", { ...result, results: Array(1001).fill(result.results[0]) }],
    ["an endless reason", { ...result, failures: [result.failures[0]!.with(6, "x".repeat(501))] }],
    ["a client id that is a path", { ...result, client: "../../etc/passwd" }],
    ["an absurd number of tasks wanted", { ...result, want: 1e9 }],
  ];
  test.each(bad)("%s is malformed", (_, message) => {
    expect(() => parseMessage(ResultMessage, bytes(message))).toThrow(MalformedMessage);
  });

  test("what is no JSON, no UTF-8 or too long is malformed", () => {
    const parse = (payload: Uint8Array) => () => parseMessage(TaskMessage, payload);
    expect(parse(new TextEncoder().encode('{"session":'))).toThrow("no JSON");
    expect(parse(Uint8Array.of(0xff, 0xfe))).toThrow("no JSON");
    expect(parse(new Uint8Array(maxMessageSize + 1))).toThrow(/bytes, more than/);
  });

  test("any bytes are either a message or malformed, nothing else", () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.json().map(bytes)), (payload) => {
        for (const schema of [ResultMessage, TaskMessage, ClientStatus])
          try {
            parseMessage(schema, payload);
          } catch (error) {
            expect(error).toBeInstanceOf(MalformedMessage);
          }
      }),
    );
  });
});

describe("topics", () => {
  test("basenames and client ids are long, random and valid", () => {
    const names = new Set(Array.from({ length: 100 }, newBasename));
    expect(names.size).toBe(100);
    for (const name of names) expect(name).toMatch(/^[0-9a-f]{32}$/);
    // MQTT 3.1.1 promises 23 bytes.
    expect(newClientId().length).toBeLessThanOrEqual(23);
  });

  test.each(["", "a/b", "a+b", "#", "näme", "x".repeat(129)])("basename %p is refused", (name) => {
    expect(() => topicsOf(name)).toThrow("--mq-basename");
  });

  test("only a status topic names a client, only a startup topic a part", () => {
    const topics = topicsOf("scan1");
    expect(clientOfStatus(topics.status("c1"))).toBe("c1");
    expect(clientOfStatus(topics.task("c1"))).toBeUndefined();
    expect(clientOfStatus("skyscan/scan1/client/a.b/status")).toBeUndefined();
    expect(partOfStartup(topics.startup(12))).toBe(12);
    expect(partOfStartup("skyscan/scan1/startup/+")).toBeUndefined();
  });
});

describe("start-up data", () => {
  const data: StartupData = {
    mq_basename: "scan1",
    baseline_GCD_file: "",
    GCDQp_packet: { text: "ν".repeat(150_000) },
  };

  test("is cut into parts below every broker's limit and put together again", () => {
    const { parts, summary } = splitStartup(data);
    expect(parts.length).toBeGreaterThan(2);
    for (const part of parts) expect(part.length).toBeLessThan(1.4 * startupPartSize);
    const received = new Map(parts.map((part, n) => [n, new TextEncoder().encode(part)]));
    expect(joinStartup(received, summary)).toEqual(data);
  });

  test("is not believed while a part is missing or another scan's", () => {
    const { parts, summary } = splitStartup(data);
    const received = new Map(parts.map((part, n) => [n, new TextEncoder().encode(part)]));
    received.set(1, new TextEncoder().encode("AAAA"));
    expect(joinStartup(received, summary)).toBeUndefined();
    received.delete(1);
    expect(joinStartup(received, summary)).toBeUndefined();
  });
});
