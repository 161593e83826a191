import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createOutbox } from "../../src/client/outbox.ts";
import { tasksWanted } from "../../src/client/tasks_wanted.ts";
import { Work } from "../../src/client/work.ts";
import { systemClock } from "../../src/config/clock.ts";
import type { Minimum } from "../../src/geometry/minima.ts";
import {
  ClientStatus,
  Control,
  parseMessage,
  ResultMessage,
  TaskMessage,
} from "../../src/mq/messages.ts";
import { topicsOf } from "../../src/mq/topics.ts";
import type { Lease } from "../../src/scan/leases.ts";
import { passedOn } from "../../src/scan/minima.ts";
import { createAnnouncement } from "../../src/server/announcement.ts";
import { taskEntry } from "../../src/server/entries.ts";
import { leaseIds } from "../../src/server/lease_ids.ts";
import type { ScanPlan } from "../../src/server/plan.ts";

/** The smallest limit on packets a broker is known to have by default, bytes. */
const smallestPacket = 128 * 1024;

const wire = (message: object): Uint8Array => {
  const bytes = new TextEncoder().encode(JSON.stringify(message));
  expect(bytes.length).toBeLessThan(smallestPacket);
  return bytes;
};

/** Any number a computation may end with. */
const number = fc.double();
const seconds = fc.double({ min: 0, noNaN: true, max: 1e9 });
const text = fc.string({ unit: "binary", maxLength: 3000 });
const task = fc.integer({ min: 0, max: 16 }).chain((level) =>
  fc.record({
    nside: fc.constant(2 ** level),
    pixel: fc.integer({ min: 0, max: 12 * 4 ** level - 1 }),
    posvar: fc.integer({ min: 0, max: 63 }),
    count: fc.integer({ min: 1, max: 64 }),
    round: fc.integer({ min: 0, max: 63 }),
  }),
);
const metres = fc.double({ min: -1e5, max: 1e5, noNaN: true });
const minima = fc
  .array(fc.tuple(metres, metres, metres, number), { maxLength: 20 })
  .map((list): readonly Minimum[] => passedOn(list));
const angle = fc.double({ min: 0, max: 2 * Math.PI, noNaN: true });
const direction = fc.record({
  ...{ ra: angle, dec: angle.map((a) => a / 2 - Math.PI / 2), ee: number, en: number, nn: number },
});
const freeStarts = fc.option(
  fc.array(
    fc.record({
      ...{ nside: fc.constant(8), pixel: fc.integer({ min: 0, max: 767 }) },
      at: fc.tuple(metres, metres, metres, fc.double({ noNaN: true, noDefaultInfinity: true })),
    }),
    { minLength: 1, maxLength: 100 },
  ),
  { nil: undefined },
);
const values = fc.tuple(number, number, number, number, number, number, number, number);
const client = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);

describe("what one side makes, the other accepts", () => {
  test("tasks, with any fit of the coarser pixel", () => {
    const ids = leaseIds("secret");
    const parent = values.map(([llh, x, y, z, time, energy, E_in, E_tot]) => ({
      ...{ nside: 1, pixel: 0, llh, x, y, z, time, energy, E_in, E_tot },
    }));
    fc.assert(
      fc.property(
        ...([fc.array(task, { maxLength: 50 }), parent, minima, freeStarts, client] as const),
        (tasks, parent, starts, free, client) => {
          const leases = tasks.map(
            (task): Lease => ({
              ...{ id: ids(client, task), client },
              task: { ...task, parent, starts, ...(free && { free }) },
            }),
          );
          const message = { session: 1, tasks: leases.map(taskEntry) };
          expect(parseMessage(TaskMessage, wire(message)).tasks).toHaveLength(tasks.length);
        },
      ),
    );
  });

  test("results and failures, with any values, reasons and numbers of them", () => {
    const outcome = fc.record(
      {
        ...{ id: fc.constant(1), values, evaluations: fc.nat(), seconds, reason: text, minima },
        direction,
        failures: fc.array(fc.tuple(fc.integer({ min: 0, max: 63 }), text), { maxLength: 7 }),
      },
      { requiredKeys: ["id", "evaluations", "seconds"] },
    );
    const leased = task.map((of) => ({ ...of, lease: 2 ** 48 - 1, session: 1 }));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(leased, outcome), { maxLength: 20 }),
        fc.integer({ min: 1, max: 30 }),
        (outcomes, times) => {
          let received = 0;
          const outbox = createOutbox(
            { ...systemClock, after: () => () => {} },
            (results, failures) => {
              const message = { client: "c", session: 1, want: 1, results, failures };
              const parsed = parseMessage(ResultMessage, wire(message));
              received += parsed.results.length + parsed.failures.length;
            },
          );
          for (let n = 0; n < times; n++)
            for (const [task, outcome] of outcomes) outbox.add(task, outcome, 1);
          outbox.flush();
          expect(received).toBe(times * outcomes.length);
        },
      ),
      { numRuns: 50 },
    );
  });

  test("what a client says of itself, however many workers it has and however fast they are", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), fc.double({ min: 0 }), (workers, usual) => {
        const wanted = tasksWanted(workers, usual);
        const work = new Work({
          ...{ id: "c", topics: topicsOf("b"), workers, clock: systemClock },
          openPool: () => {
            throw new Error("not needed");
          },
          publish() {},
          ...{ subscribe: () => true, onOver() {}, onError() {} },
        });
        const holding = Array.from({ length: wanted }, (_, n) => 2 ** 47 + n);
        const status = { ...work.status("ready", holding), want: wanted };
        const bytes = new TextEncoder().encode(JSON.stringify(status));
        expect(bytes.length).toBeLessThan(2 * smallestPacket);
        expect(parseMessage(ClientStatus, bytes).holding).toEqual(holding);
      }),
      { numRuns: 30 },
    );
  });

  test("why a scan is over, however long the reason", () => {
    fc.assert(
      fc.property(text, seconds, (reason, recoTimeout) => {
        const said: object[] = [];
        const metadata = { runId: 1, eventId: 2, eventType: "x", mjd: 6e4, isRealEvent: false };
        const plan = { event: { metadata }, reco: { name: "dummy" }, miniTest: false, choice: {} };
        createAnnouncement({
          plan: plan as unknown as ScanPlan,
          session: { number: 1 },
          startup: { mq_basename: "b", baseline_GCD_file: "", GCDQp_packet: {} },
          ...{ recoTimeout, timeoutToClients: 60, topics: topicsOf("b") },
          publish: (_, message) => void said.push(message as object),
        }).over("failed", reason);
        expect(parseMessage(Control, wire(said[0]!)).state).toBe("failed");
      }),
    );
  });
});

describe("what is no number of a fit, or of no fit, is refused", () => {
  const entry = [1, 8, 767, 0, 7, 0, 1, 1, 2, 3, 4, null, null, 5, 0.1, 7, null, null, null];
  const message = (at: number, value: string) => {
    const text = entry.map((number, n) => (n === at ? value : JSON.stringify(number))).join();
    return new TextEncoder().encode(
      `{"client":"c","session":1,"want":0,"results":[[${text}]],"failures":[]}`,
    );
  };
  test("the entry as it is passes", () => {
    expect(parseMessage(ResultMessage, message(0, "1")).results).toHaveLength(1);
  });
  for (const [at, name] of [
    ...["lease", "nside", "pixel", "posvar", "fits", "round", "llh", "x", "y", "z"],
  ].entries())
    for (const value of ["1e999", "-1e999", '"1"', "[]", "{}", "true"])
      test(`${name} ${value}`, () => {
        expect(() => parseMessage(ResultMessage, message(at, value))).toThrow();
      });
  for (const [at, value] of [
    ...([
      [0, "-1"],
      [0, "0.5"],
      [0, "9007199254740993.5"],
    ] as const),
    ...([
      [1, "3"],
      [1, "0"],
      [1, "131072"],
      [2, "768"],
      [2, "-1"],
      [2, "68719476739"],
    ] as const),
    ...([
      [3, "64"],
      [3, "-1"],
      [4, "0"],
      [4, "65"],
      [5, "64"],
      [14, "-1"],
      [14, "1e999"],
      [15, "1e999"],
      [15, "0.5"],
      [16, '[[64,"no"]]'],
      [17, "[[1,2,3]]"],
      [17, "[[1e9,2,3,4]]"],
      [17, "[[1,2,3,null]]"],
      [18, "[1,2,3,4]"],
      [18, "[7,0,1,0,1]"],
      [18, "[1,2,1,0,1]"],
      [18, "[1,null,1,0,1]"],
    ] as const),
  ] as const)
    test(`number ${at} of an entry: ${value}`, () => {
      expect(() => parseMessage(ResultMessage, message(at, value))).toThrow();
    });
});
