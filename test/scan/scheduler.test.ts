import { describe, expect, test } from "bun:test";
import FlatQueue from "flatqueue";
import { uniformNumbers } from "../../src/config/random.ts";
import type { Lease } from "../../src/scan/leases.ts";
import { Scheduler } from "../../src/scan/scheduler.ts";
import type { ReleasedTask, Task } from "../../src/scan/task.ts";

/** Any number will do that is a client's and a task's own. */
const leaseId = (client: string, { nside, pixel, posvar }: Task): number =>
  Number(Bun.hash(`${nside}/${pixel}/${posvar}/${client}`) & 0xffff_ffff_ffffn);
const options = { recoTimeout: 60, maxFailures: 3, silence: 60, leaseId };
const tasks = (count: number, nside = 8): ReleasedTask[] =>
  Array.from({ length: count }, (_, pixel) => ({ nside, pixel, posvar: 0 }));
const given = (assigned: ReadonlyMap<string, readonly Lease[]>, client: string) =>
  assigned.get(client) ?? [];

describe("leases", () => {
  test("a client never holds more than it asked for", () => {
    const scheduler = new Scheduler(options);
    scheduler.add(tasks(100));
    scheduler.welcome("a", { wanted: 5, workers: 1 }, 0);
    expect(given(scheduler.assign(0), "a")).toHaveLength(5);
    expect(scheduler.assign(0).size).toBe(0);
  });

  test("at the end of a stage the tasks are shared out by what clients want", () => {
    const scheduler = new Scheduler(options);
    scheduler.add(tasks(8));
    scheduler.welcome("a", { wanted: 100, workers: 1 }, 0);
    scheduler.welcome("b", { wanted: 100, workers: 1 }, 0);
    const assigned = scheduler.assign(0);
    expect(given(assigned, "a").length).toBeLessThan(5);
    expect(given(assigned, "b").length).toBeGreaterThan(0);
  });

  test("a dead client's tasks go to another", () => {
    const scheduler = new Scheduler(options);
    scheduler.add(tasks(3));
    scheduler.welcome("a", { wanted: 10, workers: 1 }, 0);
    for (let now = 0; scheduler.counts.leased < 3; now++) {
      scheduler.welcome("a", { wanted: 10, workers: 1 }, now);
      scheduler.assign(now);
    }
    scheduler.leave("a");
    scheduler.welcome("b", { wanted: 10, workers: 10 }, 5);
    const taken = new Set<number>();
    for (let round = 0; round < 5; round++) {
      scheduler.setWanted("b", 10);
      for (const lease of given(scheduler.assign(5), "b")) taken.add(lease.task.pixel);
    }
    expect([...taken].sort()).toEqual([0, 1, 2]);
    expect(scheduler.counts.lost).toBe(3);
  });

  test("a silent client's tasks go to another", () => {
    const scheduler = new Scheduler(options);
    scheduler.add(tasks(1));
    scheduler.welcome("a", { wanted: 1, workers: 1 }, 0);
    scheduler.assign(0);
    scheduler.welcome("b", { wanted: 1, workers: 1 }, 59);
    expect(scheduler.tick(61).get("b")).toHaveLength(1);
  });

  test("before the first result the deadline is the longest fit; later it is learned", () => {
    const scheduler = new Scheduler({ ...options, silence: 1e9 });
    scheduler.add(tasks(3));
    scheduler.welcome("a", { wanted: 1, workers: 1 }, 0);
    const [first] = given(scheduler.assign(0), "a");
    scheduler.welcome("b", { wanted: 0, workers: 1 }, 0);
    scheduler.tick(69);
    expect(scheduler.counts.expired).toBe(0);
    scheduler.result("a", first!.id, first!.task, 69);
    const [second] = given(scheduler.assign(69), "a");
    // Three times 69 s is more than the longest fit allows: 60 s and the shortest deadline.
    scheduler.tick(69 + 131);
    expect(scheduler.counts.expired).toBe(1);
    expect(scheduler.result("a", second!.id, second!.task, 201)).toBe("counted");
  });

  test("leases given before anything was known get a deadline as soon as something is", () => {
    const scheduler = new Scheduler({ ...options, recoTimeout: 3600, silence: 1e9 });
    scheduler.add(tasks(100));
    scheduler.welcome("a", { wanted: 10, workers: 1 }, 0);
    const [first] = given(scheduler.assign(0), "a");
    scheduler.result("a", first!.id, first!.task, 1);
    scheduler.tick(11);
    // All it was trusted with but the first.
    expect(scheduler.counts.expired).toBe(7);
  });

  test("near the end an idle client runs a straggler's task, and the first result counts", () => {
    const scheduler = new Scheduler(options);
    scheduler.add(tasks(2));
    scheduler.welcome("a", { wanted: 1, workers: 1 }, 0);
    scheduler.welcome("b", { wanted: 1, workers: 1 }, 0);
    const leases = scheduler.assign(0);
    const [slow] = given(leases, "a");
    const [quick] = given(leases, "b");
    scheduler.result("b", quick!.id, quick!.task, 1);
    expect(scheduler.tick(2).size).toBe(0);
    const [again] = given(scheduler.tick(4), "b");
    expect(again!.task).toEqual(slow!.task);
    expect(scheduler.result("b", again!.id, again!.task, 5)).toBe("counted");
    expect(scheduler.result("a", slow!.id, slow!.task, 6)).toBe("duplicate");
    expect(scheduler.counts).toMatchObject({ done: 2, duplicates: 1, speculative: 1, leased: 0 });
  });

  test("a result for a task of another scan is foreign", () => {
    const scheduler = new Scheduler(options);
    scheduler.add(tasks(2));
    expect(scheduler.result("a", 1, { nside: 8, pixel: 700, posvar: 0 }, 0)).toBe("foreign");
    expect(scheduler.result("a", 1, { nside: 8, pixel: 1, posvar: 3 }, 0)).toBe("foreign");
  });

  test("what a client does not hold after a reconnection is handed out again", () => {
    const scheduler = new Scheduler(options);
    scheduler.add(tasks(2));
    scheduler.welcome("a", { wanted: 2, workers: 2 }, 0);
    const leases = [...given(scheduler.assign(0), "a")];
    scheduler.setWanted("a", 2);
    leases.push(...given(scheduler.assign(0), "a"));
    scheduler.reconcile("a", new Set([leases[0]!.id]), 1);
    const [again] = given(scheduler.assign(1), "a");
    expect(again!.task).toEqual(leases[1]!.task);
  });
});

describe("failures", () => {
  const failOn = (scheduler: Scheduler, client: string, now: number) => {
    scheduler.welcome(client, { wanted: 1, workers: 1 }, now);
    const [lease] = given(scheduler.assign(now), client);
    const answer = scheduler.failure(client, lease!.id, lease!.task, `broken on ${client}`, now);
    scheduler.setWanted(client, 0);
    return answer;
  };
  /** Clients that have done a fit of this scan. */
  const prove = (scheduler: Scheduler, ...clients: string[]) => {
    for (const [n, client] of clients.entries()) {
      scheduler.add([{ nside: 16, pixel: n, posvar: 0 }]);
      scheduler.welcome(client, { wanted: 1, workers: 1 }, 0);
      const [lease] = given(scheduler.assign(0), client);
      scheduler.result(client, lease!.id, lease!.task, 0);
      scheduler.setWanted(client, 0);
    }
  };

  test("a task that failed on three clients that do others is given up, with the reasons", () => {
    const scheduler = new Scheduler(options);
    prove(scheduler, "a", "b", "c");
    scheduler.add(tasks(1));
    expect(failOn(scheduler, "a", 0).kind).toBe("retry");
    expect(failOn(scheduler, "b", 1).kind).toBe("retry");
    expect(failOn(scheduler, "c", 2)).toEqual({
      kind: "givenUp",
      task: { nside: 8, pixel: 0, posvar: 0 },
      reasons: ["broken on a", "broken on b", "broken on c"],
    });
    expect(scheduler.counts).toMatchObject({ givenUp: 1, done: 4, leased: 0, pending: 0 });
  });

  test("a failed task waits for a client that has not failed it", () => {
    const scheduler = new Scheduler(options);
    scheduler.add(tasks(2));
    scheduler.welcome("b", { wanted: 1, workers: 1 }, 0);
    const [busy] = given(scheduler.assign(0), "b");
    expect(failOn(scheduler, "a", 0).kind).toBe("retry");
    scheduler.setWanted("a", 1);
    expect(scheduler.assign(1).size).toBe(0);
    scheduler.result("b", busy!.id, busy!.task, 1);
    expect(given(scheduler.assign(1), "b")).toHaveLength(1);
  });

  test("strangers that only fail make no NaN, however many and whoever else is away", () => {
    const scheduler = new Scheduler({ ...options, silence: 1e9 });
    scheduler.add(tasks(20));
    for (let now = 0; now < 9; now++) {
      for (const stranger of ["a", "b", "c", "d", "e", "f"])
        scheduler.welcome(stranger, { wanted: 1, workers: 1 }, now);
      for (const [stranger, leases] of scheduler.tick(now))
        for (const { id, task } of leases)
          expect(scheduler.failure(stranger, id, task, "broken", now).kind).toBe("retry");
    }
    expect(scheduler.counts).toMatchObject({ givenUp: 0, clientsSetAside: 6 });
  });

  test("a retry is for those that succeed: a broken client is not given it, a sound one is", () => {
    const scheduler = new Scheduler(options);
    prove(scheduler, "sound");
    scheduler.add(tasks(1));
    expect(failOn(scheduler, "broken", 1).kind).toBe("retry");
    scheduler.setWanted("sound", 1);
    scheduler.welcome("stranger", { wanted: 1, workers: 1 }, 100);
    const assigned = scheduler.assign(100);
    expect([...assigned.keys()]).toEqual(["sound"]);
  });

  test("nobody answers for what was leased to others", () => {
    const scheduler = new Scheduler(options);
    scheduler.add(tasks(2));
    scheduler.welcome("a", { wanted: 1, workers: 1 }, 0);
    scheduler.welcome("liar", { wanted: 0, workers: 1 }, 0);
    const [lease] = given(scheduler.assign(0), "a");
    expect(scheduler.result("liar", lease!.id, lease!.task, 1)).toBe("foreign");
    expect(scheduler.result("a", lease!.id, { ...lease!.task, pixel: 1 }, 1)).toBe("foreign");
    expect(scheduler.failure("liar", lease!.id, lease!.task, "lie", 1).kind).toBe("foreign");
    expect(scheduler.result("a", lease!.id, lease!.task, 2)).toBe("counted");
  });

  test("a hoarder keeps little and not for long; what a client may hold grows with what it delivers", () => {
    const scheduler = new Scheduler({ ...options, recoTimeout: 1, silence: 1e9 });
    scheduler.add(tasks(768));
    scheduler.welcome("hoarder", { wanted: 100_000, workers: 100_000 }, 0);
    expect(given(scheduler.assign(0), "hoarder").length).toBeLessThanOrEqual(256);
    scheduler.welcome("honest", { wanted: 100, workers: 1 }, 0);
    const batches: number[] = [];
    for (let now = 1; now < 40; now++) {
      scheduler.welcome("hoarder", { wanted: 100_000, workers: 100_000 }, now);
      const batch = [...given(scheduler.tick(now), "honest")];
      for (const lease of batch) scheduler.result("honest", lease.id, lease.task, now);
      batches.push(batch.length);
      scheduler.setWanted("honest", 100);
    }
    expect(batches[0]).toBe(8);
    expect(batches[1]).toBeGreaterThan(batches[0]!);
    expect(batches[2]).toBeGreaterThan(batches[1]!);
    expect(scheduler.counts.done).toBe(768);
  });

  test("a client that has the scan to itself tries three times", () => {
    const scheduler = new Scheduler({ ...options, isAlone: true });
    scheduler.add(tasks(1));
    expect(failOn(scheduler, "a", 0).kind).toBe("retry");
    expect(failOn(scheduler, "a", 1).kind).toBe("retry");
    expect(failOn(scheduler, "a", 2).kind).toBe("givenUp");
  });

  test("a client that fails everything is set aside, comes back on probation, and recovers", () => {
    const scheduler = new Scheduler({ ...options, maxFailures: 1000, silence: 1e9 });
    scheduler.add(tasks(100));
    scheduler.welcome("hole", { wanted: 5, workers: 5 }, 0);
    scheduler.welcome("other", { wanted: 0, workers: 1 }, 0);
    let failed = 0;
    let leases: Lease[] = [];
    for (let round = 0; round < 50; round++) {
      leases = [...given(scheduler.assign(0), "hole")];
      for (const lease of leases) {
        scheduler.failure("hole", lease.id, lease.task, "no such library", 0);
        failed++;
      }
      if (leases.length === 0) break;
    }
    expect(failed).toBeLessThan(20);
    expect(scheduler.counts.clientsSetAside).toBe(1);
    expect(scheduler.tick(9).size).toBe(0);
    const [probe, ...more] = given(scheduler.tick(10), "hole");
    expect(more).toEqual([]);
    scheduler.failure("hole", probe!.id, probe!.task, "still none", 11);
    expect(scheduler.tick(25).size).toBe(0);
    const [second] = given(scheduler.tick(31), "hole");
    expect(scheduler.result("hole", second!.id, second!.task, 32)).toBe("counted");
    expect(given(scheduler.assign(32), "hole").length).toBe(5);
  });
});

interface World {
  readonly clients: number;
  readonly tasks: number;
  /** Chances per task. */
  readonly death: number;
  readonly failure: number;
  /** Share of tasks that fail everywhere. */
  readonly hopeless?: number;
  readonly duplicate: number;
  readonly lostMessage: number;
  readonly maxFailures: number;
  readonly seed: number;
}

/**
 * A pool under a virtual clock: messages take random times (so they overtake one another), get lost or come
 * twice; clients die with or without a will, and new ones come. @returns how often each task counted
 */
function simulate(world: World) {
  const rng = uniformNumbers(world.seed);
  const scheduler = new Scheduler({
    recoTimeout: 20,
    maxFailures: world.maxFailures,
    silence: 60,
    leaseId,
  });
  const counted = new Map<number, number>();
  const events = new FlatQueue<() => void>();
  const at = (time: number, what: () => void) => events.push(what, time);
  const alive = new Set<string>();
  let now = 0;
  let born = 0;
  let operations = 0;
  let released = 0;

  const release = (count: number) => {
    scheduler.add(tasks(count, 2 ** (3 + Math.floor(released / 5000))));
    released += count;
  };
  const deliver = (assigned: ReadonlyMap<string, readonly Lease[]>) => {
    for (const [client, leases] of assigned)
      for (const lease of leases) {
        operations++;
        if (rng() < world.lostMessage) continue;
        const start = now + rng() * 0.1;
        at(start, () => run(client, lease));
      }
  };
  const run = (client: string, lease: Lease) => {
    if (!alive.has(client)) return;
    if (rng() < world.death) {
      alive.delete(client);
      if (rng() < 0.7) at(now + rng() * 2, () => scheduler.leave(client));
      at(now + rng() * 5, join);
      return;
    }
    const isHopeless = lease.task.pixel % 10 < 10 * (world.hopeless ?? 0);
    const isFailed = isHopeless || rng() < world.failure;
    const end = now + 0.5 + rng() * (rng() < 0.02 ? 30 : 2);
    const copies = rng() < world.duplicate ? 2 : 1;
    for (let copy = 0; copy < copies; copy++)
      if (rng() >= world.lostMessage)
        at(end + rng(), () => {
          operations++;
          if (isFailed) {
            const answer = scheduler.failure(client, lease.id, lease.task, "unlucky", now);
            if (answer.kind === "givenUp") count(lease);
          } else if (scheduler.result(client, lease.id, lease.task, now) === "counted")
            count(lease);
          deliver(scheduler.assign(now));
        });
  };
  const count = ({ task }: Lease) => {
    const key = task.nside * 1e6 + task.pixel;
    counted.set(key, (counted.get(key) ?? 0) + 1);
  };
  const join = () => {
    const client = `c${born++}`;
    alive.add(client);
    const beat = () => {
      if (!alive.has(client)) return;
      scheduler.welcome(client, { wanted: 4, workers: 2 }, now);
      deliver(scheduler.assign(now));
      at(now + 20, beat);
    };
    beat();
  };

  const stages = Math.ceil(world.tasks / 5000);
  release(Math.min(5000, world.tasks));
  for (let n = 0; n < world.clients; n++) at(rng() * 10, join);
  for (let second = 0; ; second++) {
    at(second, () => deliver(scheduler.tick(now)));
    for (let time = events.peekValue(); time! <= second; time = events.peekValue()) {
      now = time!;
      events.pop()!();
    }
    if (scheduler.counts.done === released) {
      if (released >= world.tasks) break;
      release(Math.min(5000, world.tasks - released));
    }
    if (second > 100_000) throw new Error(`stuck: ${JSON.stringify(scheduler.counts)}`);
  }
  return { counted, counts: scheduler.counts, operations, stages };
}

describe("a pool of machines under a virtual clock", () => {
  const calm = { death: 0, failure: 0, duplicate: 0, lostMessage: 0, maxFailures: 3 };

  test("undisturbed: every task once, nothing twice", () => {
    const { counted, counts } = simulate({ ...calm, clients: 50, tasks: 2000, seed: 1 });
    expect(counted.size).toBe(2000);
    expect([...counted.values()].every((times) => times === 1)).toBe(true);
    expect(counts).toMatchObject({ done: 2000, pending: 0, failures: 0, givenUp: 0, lost: 0 });
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])("deaths, delays, duplicates, losses (%d)", (seed) => {
    const { counted, counts } = simulate({
      clients: 40,
      tasks: 1500,
      death: 0.02,
      failure: 0.2,
      duplicate: 0.1,
      lostMessage: 0.02,
      maxFailures: 1000,
      seed,
    });
    expect(counted.size).toBe(1500);
    expect([...counted.values()].every((times) => times === 1)).toBe(true);
    expect(counts).toMatchObject({ released: 1500, done: 1500, pending: 0, leased: 0, givenUp: 0 });
    expect(counts.lost).toBeGreaterThan(0);
  });

  test("thousands of clients", () => {
    const { counted, counts } = simulate({
      clients: 3000,
      tasks: 30_000,
      death: 0.01,
      failure: 0.05,
      duplicate: 0.05,
      lostMessage: 0.005,
      maxFailures: 1000,
      seed: 9,
    });
    expect(counted.size).toBe(30_000);
    expect([...counted.values()].every((times) => times === 1)).toBe(true);
    expect(counts.done).toBe(30_000);
  });

  test("hopeless tasks end as given up, the others do not, and the scan ends", () => {
    const { counted, counts } = simulate({
      ...calm,
      hopeless: 0.1,
      clients: 20,
      tasks: 300,
      seed: 4,
    });
    expect(counted.size).toBe(300);
    expect(counts.givenUp).toBe(30);
  });

  test("one surviving client is enough", () => {
    const { counted } = simulate({ ...calm, death: 0.3, clients: 1, tasks: 200, seed: 5 });
    expect(counted.size).toBe(200);
  });
});
