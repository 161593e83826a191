import { describe, expect, test } from "bun:test";
import { type FromShared, SharedStream } from "../../src/page/shared_stream.ts";
import type { StreamEvents } from "../../src/page/stream.ts";

/** A desk whose streams the test holds in its hand. */
function shared() {
  const opened: {
    scans: readonly string[];
    signal: AbortSignal;
    events: StreamEvents;
    end: (status: number) => void;
  }[] = [];
  let now = 1000;
  const stream = new SharedStream(
    (scans, signal, events) =>
      new Promise((end) => {
        opened.push({ scans, signal, events, end });
      }),
    () => now,
  );
  const window = () => {
    const heard: FromShared[] = [];
    const port = { postMessage: (message: FromShared) => void heard.push(message) };
    return {
      ...{ port, heard },
      show: (scans: string[], isAnew = false) => stream.receive(port, { scans, isAnew }),
      leave: () => stream.receive(port, { isLeaving: true }),
      events: () => heard.flatMap((message) => (message.kind === "event" ? [message] : [])),
    };
  };
  return { opened, window, pass: (ms: number) => (now += ms) };
}

describe("windows of one browser", () => {
  test("share a stream as long as it tells of all they show; who comes later begins as it did", () => {
    const { opened, window, pass } = shared();
    const [first, second] = [window(), window()];
    first.show(["a", "b"]);
    expect(opened.map(({ scans }) => scans)).toEqual([["a", "b"]]);
    opened[0]!.events.onEvent("hello", { version: "1", now: 50 });
    pass(3000);
    second.show(["b"]);
    expect(opened.length).toBe(1);
    expect(second.events()).toEqual([
      { kind: "event", name: "hello", data: { version: "1", now: 53 } },
    ]);
    opened[0]!.events.onEvent("pixels", { scan: "a" });
    opened[0]!.events.onEvent("scan", { row: {} });
    expect(first.events().map(({ name }) => name)).toEqual(["hello", "pixels", "scan"]);
    expect(second.events().map(({ name }) => name)).toEqual(["hello", "scan"]);
  });

  test("get another where one shows something more, or doubts what there is; the old one is not heard any more", () => {
    const { opened, window } = shared();
    const [first, second] = [window(), window()];
    first.show(["a"]);
    second.show(["b"]);
    second.show(["b"], true);
    expect(opened.map(({ scans }) => scans)).toEqual([["a"], ["a", "b"], ["a", "b"]]);
    expect(opened.map(({ signal }) => signal.aborted)).toEqual([true, true, false]);
    opened[0]!.events.onEvent("scan", {});
    opened[0]!.events.onByte();
    expect(first.heard).toEqual([]);
    opened[2]!.events.onByte();
    expect([first.heard, second.heard]).toEqual([[{ kind: "byte" }], [{ kind: "byte" }]]);
  });

  test("all hear of its end, and the first that asks again opens the next, for all", async () => {
    const { opened, window } = shared();
    const [first, second] = [window(), window()];
    first.show(["a"]);
    second.show(["a"]);
    opened[0]!.end(401);
    await Promise.resolve();
    await Promise.resolve();
    const ended = { kind: "ended", status: 401 } as const;
    expect([first.heard, second.heard]).toEqual([[ended], [ended]]);
    first.show(["a"]);
    second.show(["a"]);
    expect(opened.length).toBe(2);
    opened[1]!.events.onEvent("hello", { now: 1 });
    expect(second.events().map(({ name }) => name)).toEqual(["hello"]);
  });

  test("let it go with the last of them", () => {
    const { opened, window } = shared();
    const [first, second] = [window(), window()];
    first.show(["a"]);
    second.show(["a"]);
    first.leave();
    expect(opened[0]!.signal.aborted).toBe(false);
    second.leave();
    expect(opened[0]!.signal.aborted).toBe(true);
  });
});
