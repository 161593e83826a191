import { describe, expect, test } from "bun:test";
import type { Pool } from "../../src/client/pool.ts";
import type { FitOutcome, FitTask } from "../../src/client/protocol.ts";
import { Work } from "../../src/client/work.ts";
import { type Clock, systemClock } from "../../src/config/clock.ts";
import { InputError, TimedOut } from "../../src/config/errors.ts";
import type { ClientStatus, Control, ResultMessage } from "../../src/mq/messages.ts";
import { protocolVersion } from "../../src/mq/messages.ts";
import { splitStartup } from "../../src/mq/startup.ts";
import { topicsOf } from "../../src/mq/topics.ts";

const topics = topicsOf("s");
const startup = { mq_basename: "s", baseline_GCD_file: "", GCDQp_packet: "x".repeat(250_000) };
const { parts, summary } = splitStartup(startup);
const control: Control = {
  ...{ protocol: protocolVersion, version: "test", state: "open", session: 1 },
  ...{ event: "e", reco: "dummy", seed: 1, isRealEvent: true, miniTest: false },
  ...{ recoTimeout: 10, timeoutToClients: 60, startup: summary },
};

/** A client without network, clock and fit processes. */
async function client({ hasStartup = true } = {}) {
  const said: [topic: string, message: object][] = [];
  const subscribed: string[] = [];
  const submitted: FitTask[] = [];
  let isConnected = true;
  let now = 0;
  const clock: Clock = { ...systemClock, now: () => now };
  let opened: unknown;
  let onOutcome: (outcome: FitOutcome) => void = () => {};
  let over: unknown;
  /** Runs the first task it has; the others wait. */
  const pool: Pool = {
    ready: Promise.resolve(null),
    submit: (tasks) => void submitted.push(...tasks),
    takeBack: () => submitted.splice(1).map(({ id }) => id),
    running: () => submitted.slice(0, 1).map(({ id }) => id),
    get size() {
      return submitted.length;
    },
    usualSeconds: Number.NaN,
    pids: () => [],
    close: async () => {},
  };
  const work = new Work({
    ...{ id: "me", topics, workers: 2, clock },
    ...(hasStartup && { startup }),
    openPool(_control, startup, events) {
      opened = startup;
      onOutcome = events.onOutcome;
      return pool;
    },
    publish: (topic, message) => void said.push([topic, message]),
    subscribe(more) {
      if (isConnected) subscribed.push(...more);
      return isConnected;
    },
    onOver: (why) => {
      over ??= why;
    },
    onError: (error) => {
      over ??= error;
    },
  });
  const hear = (topic: string, message: object | string) =>
    work.receive(
      topic,
      new TextEncoder().encode(typeof message === "string" ? message : JSON.stringify(message)),
    );
  return {
    ...{ work, hear, submitted, subscribed },
    opened: () => opened,
    over: () => over,
    said: <Message>(topic: string) =>
      said.filter(([to]) => to === topic).map(([, message]) => message as Message),
    pass(seconds: number) {
      now += seconds;
    },
    disconnect(is: boolean) {
      isConnected = !is;
    },
    finish() {
      const [task] = submitted.splice(0, 1);
      const values = [task!.pixel, 1, 2, 3, 4, 5, 6, 7] as const;
      onOutcome({ id: task!.id, values, evaluations: 1, seconds: 0.1 });
    },
    tasks: (session: number, ...list: [lease: number, pixel: number][]) =>
      hear(topics.task("me"), {
        session,
        tasks: list.map(([lease, pixel]) => [lease, 8, pixel, 0, 1, 0, null, null, null]),
      }),
  };
}
type Client = Awaited<ReturnType<typeof client>>;

const results = (me: Client) =>
  me.said<ResultMessage>(topics.result).flatMap(({ results }) => results);
const holding = (me: Client) => me.said<ClientStatus>(topics.status("me")).at(-1)?.holding;

describe("a client's work", () => {
  test("the event comes over the broker, in any order and however early the scan is announced", async () => {
    const me = await client({ hasStartup: false });
    me.disconnect(true);
    me.hear(topics.control, control);
    expect(me.subscribed).toEqual([]);
    me.disconnect(false);
    me.work.begin();
    expect(me.subscribed).toEqual(parts.map((_, n) => topics.startup(n)));
    for (const n of [...parts.keys()].reverse()) {
      expect(me.opened()).toBeUndefined();
      me.hear(topics.startup(n), parts[n]!);
    }
    expect(me.opened()).toEqual(startup);
    expect(me.subscribed).toHaveLength(parts.length);
  });

  test("what has not begun is given back to a restarted server, what runs counts for it", async () => {
    const me = await client();
    me.hear(topics.control, control);
    await Promise.resolve();
    me.tasks(1, [1, 100], [2, 101], [3, 102]);
    me.hear(topics.control, { ...control, session: 2 });
    expect(me.submitted.map(({ pixel }) => pixel)).toEqual([100]);
    expect(holding(me)).toEqual([]);
    // Handed out anew, the running one too: it is not fitted twice, and answers for its new lease.
    me.tasks(2, [7, 101], [8, 100]);
    expect(me.submitted.map(({ pixel }) => pixel)).toEqual([100, 101]);
    me.tasks(1, [4, 103]);
    expect(me.submitted).toHaveLength(2);
    me.finish();
    me.finish();
    expect(results(me).map(([lease, , pixel]) => [lease, pixel])).toEqual([
      [8, 100],
      [7, 101],
    ]);
  });

  test("draining: the rest is handed back, no more is taken, and it is over with the last fit", async () => {
    const me = await client();
    me.hear(topics.control, control);
    await Promise.resolve();
    me.tasks(1, [1, 100], [2, 101]);
    me.work.drain();
    expect(holding(me)).toEqual([1]);
    me.tasks(1, [3, 102]);
    expect(me.submitted).toHaveLength(1);
    expect(me.over()).toBeUndefined();
    me.finish();
    expect(me.over()).toBe("drained");
    expect(results(me)).toHaveLength(1);
  });

  test("idle for too long: a time-out where there never was work, an end where there was", async () => {
    const nobody = await client();
    nobody.pass(61);
    nobody.work.endWhenIdle();
    expect(nobody.over()).toBeInstanceOf(TimedOut);

    const me = await client();
    me.hear(topics.control, control);
    await Promise.resolve();
    me.tasks(1, [1, 100]);
    me.pass(1000);
    me.work.endWhenIdle();
    me.finish();
    me.pass(59);
    me.work.endWhenIdle();
    expect(me.over()).toBeUndefined();
    me.pass(2);
    me.work.endWhenIdle();
    expect(me.over()).toBe("no work for 60 s");
  });

  test("refused, or another protocol: this client cannot do the fits", async () => {
    const me = await client();
    expect(() => me.hear(topics.control, { ...control, protocol: 99 })).toThrow(InputError);
    const refused = { session: 1, tasks: [], refused: "wrong light" };
    expect(() => me.hear(topics.task("me"), refused)).toThrow("refuses this client: wrong light");
  });
});
