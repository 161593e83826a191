import { describe, expect, test } from "bun:test";
import { systemClock } from "../../src/config/clock.ts";
import type { ClientStatus, TaskEntry, TaskMessage } from "../../src/mq/messages.ts";
import { protocolVersion } from "../../src/mq/messages.ts";
import { topicsOf } from "../../src/mq/topics.ts";
import { Scan } from "../../src/scan/scan.ts";
import { Scheduler } from "../../src/scan/scheduler.ts";
import { createAdmission } from "../../src/server/admission.ts";
import { openCollection } from "../../src/server/collection.ts";
import { Dispatch } from "../../src/server/dispatch.ts";
import { leaseIds } from "../../src/server/lease_ids.ts";
import { beginSession } from "../../src/server/session.ts";
import { openStore, type Store } from "../../src/store/store.ts";

const topics = topicsOf("s");
const nan = null;

/** A server without network and clock: time stands still, what is due soon is done when the test says. */
function server(store: Store = openStore(":memory:", "test")) {
  const session = beginSession(
    store,
    1000,
    () => "s",
    () => "secret",
  );
  const scheduler = new Scheduler({
    ...{ recoTimeout: 60, maxFailures: 2, silence: 60 },
    leaseId: leaseIds(session.secret),
  });
  const progression = [{ nside: 1, extension: 0 }];
  const scan = new Scan({ progression, variations: 1, seed: 0, threshold: 1 });
  const collection = openCollection(scan, scheduler, store, 1000, 1000);
  const said: [topic: string, message: unknown][] = [];
  const due: (() => void)[] = [];
  let isComplete = false;
  const dispatch = new Dispatch({
    collection,
    admission: createAdmission({
      ...{ needsLight: false, needsTables: false, light: undefined },
      ...{ onLight() {}, onChange() {} },
    }),
    ...{
      session: session.number,
      topics,
      clock: { ...systemClock, now: () => 0, date: () => 1000 },
    },
    publish: (topic, message) => void said.push([topic, message]),
    soon: (work) => void due.push(work),
    onComplete: () => {
      isComplete = true;
    },
  });
  const hear = (topic: string, message: object) =>
    dispatch.receive(topic, new TextEncoder().encode(JSON.stringify(message)));
  return {
    ...{ store, session, collection, dispatch, hear },
    isComplete: () => isComplete,
    /** Does what is due. */
    turn() {
      for (const work of due.splice(0)) work();
    },
    /** What has been said since. */
    said: () => said.splice(0),
    announce(client: string, want: number, more: Partial<ClientStatus> = {}) {
      hear(topics.status(client), {
        ...{ protocol: protocolVersion, state: "ready", version: "test", host: "here" },
        ...{ workers: 1, want, light: null, session: session.number, ...more },
      });
    },
    tasksOf(client: string): TaskEntry[] {
      return said
        .splice(0)
        .filter(([topic]) => topic === topics.task(client))
        .flatMap(([, message]) => (message as TaskMessage).tasks);
    },
    answer(client: string, tasks: readonly TaskEntry[], more: object = {}) {
      const results = tasks.map((task) => [
        ...task.slice(0, 6),
        ...[100 + task[2], 1, 2, 3, 4, nan, nan, nan, 0.1, 7, null, null, null],
      ]);
      const about = { client, session: session.number, want: 12 };
      hear(topics.result, { ...about, results, failures: [], ...more });
    },
  };
}

describe("dispatch", () => {
  test("nothing is handed out, stored or counted before all that has arrived is heard", () => {
    const { announce, answer, turn, said, tasksOf, store } = server();
    announce("a", 4);
    announce("b", 4);
    expect(said()).toEqual([]);
    turn();
    const tasks = tasksOf("a");
    expect(tasks.length).toBeGreaterThan(0);
    answer("a", tasks);
    expect(store.count).toBe(0);
    turn();
    expect(store.count).toBe(tasks.length);
  });

  test("a result that cannot be stored is not counted either", () => {
    const store = openStore(":memory:", "test");
    const full: Store = {
      ...{ ...store, results: store.results, get: store.get, set: store.set, close: store.close },
      append() {
        throw new Error("the disk is full");
      },
    };
    const { announce, answer, turn, tasksOf, collection } = server(full);
    announce("a", 12);
    turn();
    answer("a", tasksOf("a"));
    expect(turn).toThrow("the disk is full");
    expect(collection.scan.progress().recosDone).toBe(0);
  });

  test("a scan goes on in the next session: no fit is asked for twice, and the name stays", () => {
    const first = server();
    first.announce("a", 12);
    first.turn();
    const done = first.tasksOf("a");
    first.answer("a", done);
    first.turn();
    const second = server(first.store);
    expect(second.session).toMatchObject({ number: 2, basename: "s", startedAt: 1000 });
    expect(second.collection.scan.progress().recosDone).toBe(done.length);
    while (!second.isComplete()) {
      second.announce("b", 12);
      second.turn();
      const tasks = second.tasksOf("b");
      for (const [, , pixel] of tasks) expect(done.map((task) => task[2])).not.toContain(pixel);
      second.answer("b", tasks);
      second.turn();
    }
    expect(second.store.count).toBe(12);
  });

  test("a complete scan that is started again is over at once", () => {
    const first = server();
    first.announce("a", 12);
    first.turn();
    for (let tasks = first.tasksOf("a"); tasks.length > 0; tasks = first.tasksOf("a")) {
      first.answer("a", tasks);
      first.turn();
    }
    const second = server(first.store);
    second.turn();
    expect(second.isComplete()).toBe(true);
  });

  test("a lease is good for its client and its task, in this session and the next, and for nothing else", () => {
    const first = server();
    first.announce("a", 1);
    first.announce("b", 1);
    first.turn();
    const [task] = first.tasksOf("a") as [TaskEntry];
    first.answer("b", [task]);
    first.answer("a", [task.with(2, (task[2] + 1) % 12) as TaskEntry]);
    first.turn();
    expect(first.collection.scheduler.counts).toMatchObject({ done: 0, foreign: 2 });
    const second = server(first.store);
    second.announce("a", 0);
    second.answer("a", [task], { session: 1, want: 1 });
    second.turn();
    expect(second.collection.scheduler.counts.done).toBe(1);
  });

  test("a fit given up is NaN with every reason, and so it is after a restart", () => {
    const { announce, answer, hear, turn, tasksOf, store } = server();
    // Only what clients fail that do other fits speaks against a fit.
    for (const client of ["a", "b"]) {
      announce(client, 1);
      turn();
      answer(client, tasksOf(client), { want: 0 });
    }
    for (const client of ["a", "b"]) {
      announce(client, 1);
      turn();
      const [task] = tasksOf(client);
      const failures = [[...task!.slice(0, 6), `${client} crashed`, 0.5]];
      hear(topics.result, { client, session: 1, want: 0, results: [], failures });
      hear(topics.status(client), gone);
      turn();
    }
    const lost = [...store.results()].filter(({ llh }) => Number.isNaN(llh));
    expect(lost).toHaveLength(1);
    const again = server(store).collection.failed;
    expect(again.map(({ reasons }) => reasons)).toEqual([["a crashed", "b crashed"]]);
  });

  test("a client's farewell frees its tasks at once, and clears what the broker keeps of it", () => {
    const { announce, hear, turn, tasksOf, said, collection } = server();
    announce("a", 12);
    turn();
    const tasks = tasksOf("a");
    hear(topics.status("a"), gone);
    expect(said()).toContainEqual([topics.status("a"), ""]);
    const { leased, pending, lost } = collection.scheduler.counts;
    expect({ leased, pending, lost }).toEqual({ leased: 0, pending: 12, lost: tasks.length });
  });
});

const gone = {
  ...{ protocol: protocolVersion, state: "gone", version: "test", host: "here" },
  ...{ workers: 1, want: 0, light: null, session: 1 },
};
