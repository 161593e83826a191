import { createHeap } from "./heap.ts";
import type { ReleasedTask, Task } from "./task.ts";

/** A task handed to one client, until its result, its death or its deadline. */
export interface Lease {
  readonly id: number;
  readonly client: string;
  readonly task: ReleasedTask;
}

export interface SchedulerOptions {
  /** Longest time one fit may take, s. */
  readonly recoTimeout: number;
  /** A task that failed on this many clients is given up: its llh becomes NaN. */
  readonly maxFailures: number;
  /** A client not heard of for this long is gone, s. */
  readonly silence: number;
}

export interface ClientWants {
  /** Tasks it wants in hand. */
  readonly want: number;
  /** Fits it runs at a time. */
  readonly workers: number;
}

/** What became of a result. counted: the first for its task; foreign: no task of this scan. */
export type ResultOutcome = "counted" | "duplicate" | "foreign";

/** What became of a failed attempt. givenUp: to be recorded as NaN, with the reasons. */
export type FailureOutcome =
  | { readonly kind: "retry" | "duplicate" | "foreign" }
  | { readonly kind: "givenUp"; readonly task: ReleasedTask; readonly reasons: readonly string[] };

/** Totals since the start. */
export interface SchedulerCounts {
  readonly released: number;
  readonly done: number;
  readonly pending: number;
  readonly leased: number;
  readonly clients: number;
  readonly clientsSetAside: number;
  readonly duplicates: number;
  readonly foreign: number;
  readonly failures: number;
  readonly givenUp: number;
  /** Leases handed on: because the client died or fell silent, missed the deadline, or was a straggler. */
  readonly lost: number;
  readonly expired: number;
  readonly speculative: number;
}

/**
 * Who does which task. Knows no network and no clock: every call says what time it is (s, any origin).
 * Each call costs O(log n), or O(1) per task and client it touches.
 */
export interface Scheduler {
  /** New tasks, to be handed out in this order. */
  add(tasks: readonly ReleasedTask[]): void;
  /** A task whose outcome is already known (a resumed scan). */
  markDone(task: Task): void;
  /** A client says what it wants; unknown ones are welcome. */
  welcome(client: string, wants: ClientWants, now: number): void;
  /** A known client wants another number of tasks in hand. */
  want(client: string, tasks: number): void;
  /** A sign of life. */
  heard(client: string, now: number): void;
  /** What the client really holds; anything else leased to it before `since` got lost on the way. */
  reconcile(client: string, holding: ReadonlySet<number>, since: number): void;
  /** The client is gone: its tasks go to others. */
  leave(client: string): void;
  result(client: string, lease: number, task: Task, now: number): ResultOutcome;
  failure(client: string, lease: number, task: Task, reason: string, now: number): FailureOutcome;
  /** Leases for the clients that want tasks; each gets its share. */
  assign(now: number): ReadonlyMap<string, readonly Lease[]>;
  /** To be called about once a second: deadlines, silent clients, clients set aside, stragglers. */
  tick(now: number): ReadonlyMap<string, readonly Lease[]>;
  /** Time from lease to result, s: what deadlines are made of. */
  readonly expectedRoundTrip: number;
  readonly counts: SchedulerCounts;
  /** Tasks not done. */
  unfinished(): Task[];
}

/** A client that fails this often in a row, without one success between, is set aside. */
const blackHoleFailures = 10;
/** First pause of such a client, s; doubled each time, up to the longest. */
const firstPause = 10;
const longestPause = 600;
/** A failed task waits this long for a client that has not failed it, s. */
const patienceForAnother = 5;
/** How many failed tasks are looked through for one that suits a client. */
const retryLook = 16;
/** No deadline is shorter, s: pauses of this length are the network's, not the client's. */
const shortestDeadline = 10;
/** Deadline in slowest round trips of late. */
const deadlineFactor = 4;
/** A lease is a straggler when it is older than this many usual round trips, and than the least age (s). */
const stragglerFactor = 3;
const stragglerAge = 1;
/** Weight of the newest round trip in the running mean. */
const newestWeight = 0.05;
/** Per result, how fast the slowest round trip is forgotten. */
const forgetSlowest = 0.999;
/** So many leases may always wait in the heap of deadlines. */
const fewLeases = 1000;
/** How often silent clients are looked for, s. */
const silenceCheck = 5;

interface Entry {
  readonly key: number;
  readonly task: ReleasedTask;
  /** Open leases. */
  readonly leases: Set<OpenLease>;
  isQueued: boolean;
  isDone: boolean;
  failures: number;
  expiries: number;
  failedOn?: Set<string>;
  reasons?: string[];
  retryAt?: number;
}

interface OpenLease extends Lease {
  readonly entry: Entry;
  readonly since: number;
  isOpen: boolean;
}

interface Client {
  readonly id: string;
  want: number;
  workers: number;
  readonly held: Set<OpenLease>;
  lastHeard: number;
  failuresInRow: number;
  pauses: number;
  /** Set aside until then; -Infinity: not. */
  pausedUntil: number;
  /** After a pause one task at a time, until one succeeds. */
  onProbation: boolean;
}

/** One number per task; exact below 2^53: nside ≤ 2^16 (pixel < 2^36), posvar < 64. */
const keyOf = (task: Task): number =>
  (Math.log2(task.nside) * 64 + task.posvar) * 2 ** 36 + task.pixel;

export function createScheduler(options: SchedulerOptions): Scheduler {
  const entries = new Map<number, Entry>();
  const done = new Set<number>();
  const clients = new Map<string, Client>();
  const leases = new Map<number, OpenLease>();
  const deadlines = createHeap<OpenLease>();
  /** Leases by age; closed ones are skipped when they come up. */
  const byAge = createQueue<OpenLease>();
  const pending = createQueue<Entry>();
  const retries: Entry[] = [];
  /** Clients with room for tasks, first come first served. */
  const hungry = new Set<Client>();
  const paused = createHeap<Client>();
  let nextLease = 1;
  let totalWant = 0;
  let meanRoundTrip = Number.NaN;
  let slowestRoundTrip = Number.NaN;
  let lastSilenceCheck = Number.NEGATIVE_INFINITY;
  let pendingCount = 0;
  let released = 0;
  let duplicates = 0;
  let foreign = 0;
  let failures = 0;
  let givenUp = 0;
  let lost = 0;
  let expired = 0;
  let speculative = 0;

  const capacity = (client: Client): number => {
    if (client.pausedUntil > Number.NEGATIVE_INFINITY) return 0;
    return (client.onProbation ? 1 : client.want) - client.held.size;
  };
  const feed = (client: Client) => {
    if (capacity(client) > 0) hungry.add(client);
    else hungry.delete(client);
  };
  const enqueue = (entry: Entry) => {
    if (entry.isQueued || entry.isDone || entry.leases.size > 0) return;
    entry.isQueued = true;
    pendingCount++;
    if (entry.failures > 0) retries.push(entry);
    else pending.push(entry);
  };
  const close = (lease: OpenLease) => {
    if (!lease.isOpen) return;
    lease.isOpen = false;
    leases.delete(lease.id);
    lease.entry.leases.delete(lease);
    const client = clients.get(lease.client);
    if (client?.held.delete(lease)) feed(client);
  };
  const finish = (entry: Entry) => {
    entry.isDone = true;
    if (entry.isQueued) {
      entry.isQueued = false;
      pendingCount--;
    }
    for (const lease of [...entry.leases]) close(lease);
    entries.delete(entry.key);
    done.add(entry.key);
  };
  const deadlineFor = (entry: Entry, client: Client): number => {
    const turns = 1 + Math.ceil(client.held.size / Math.max(1, client.workers));
    const longest = options.recoTimeout * turns + shortestDeadline;
    if (Number.isNaN(slowestRoundTrip)) return longest;
    const learned = Math.max(shortestDeadline, deadlineFactor * slowestRoundTrip);
    return Math.min(longest, learned * 2 ** entry.expiries);
  };
  const lend = (entry: Entry, client: Client, now: number): Lease => {
    const lease: OpenLease = {
      id: nextLease++,
      client: client.id,
      task: entry.task,
      entry,
      since: now,
      isOpen: true,
    };
    entry.leases.add(lease);
    client.held.add(lease);
    leases.set(lease.id, lease);
    byAge.push(lease);
    deadlines.push(now + deadlineFor(entry, client), lease);
    return lease;
  };
  const takePending = (): Entry | undefined => {
    for (;;) {
      const entry = pending.shift();
      if (entry === undefined) return undefined;
      // Finished meanwhile by a late result.
      if (!entry.isQueued) continue;
      entry.isQueued = false;
      pendingCount--;
      return entry;
    }
  };
  /** A failed task this client has not failed yet; or, nobody else being there or after some patience, any. */
  const takeRetry = (client: Client, now: number): Entry | undefined => {
    for (let at = 0; at < Math.min(retries.length, retryLook); at++) {
      const entry = retries[at]!;
      const remove = () => {
        // Order among failed tasks is of no importance.
        retries[at] = retries.at(-1)!;
        retries.pop();
      };
      if (!entry.isQueued) {
        remove();
        at--;
        continue;
      }
      const isElsewhereBetter = entry.failedOn?.has(client.id) && hasOther(entry);
      if (isElsewhereBetter && now < entry.retryAt!) continue;
      remove();
      entry.isQueued = false;
      pendingCount--;
      return entry;
    }
    return undefined;
  };
  /** Is there a client that has not failed this task? (failedOn stays small: at most a few times maxFailures.) */
  const hasOther = (entry: Entry): boolean => {
    let failed = 0;
    for (const id of entry.failedOn ?? []) if (clients.has(id)) failed++;
    return clients.size > failed;
  };
  const drop = (client: Client) => {
    clients.delete(client.id);
    hungry.delete(client);
    totalWant -= client.want;
    const held = [...client.held];
    client.held.clear();
    for (const lease of held) {
      close(lease);
      if (!lease.entry.isDone) lost++;
      enqueue(lease.entry);
    }
  };
  const setAside = (client: Client, now: number) => {
    client.pausedUntil = now + Math.min(longestPause, firstPause * 2 ** client.pauses);
    client.pauses++;
    client.failuresInRow = 0;
    paused.push(client.pausedUntil, client);
    hungry.delete(client);
  };
  const learn = (seconds: number) => {
    if (Number.isNaN(meanRoundTrip)) {
      meanRoundTrip = seconds;
      slowestRoundTrip = seconds;
      // Leases given in ignorance may be meant to last for hours.
      for (const lease of leases.values()) {
        const client = clients.get(lease.client);
        if (client) deadlines.push(lease.since + deadlineFor(lease.entry, client), lease);
      }
      return;
    }
    meanRoundTrip += newestWeight * (seconds - meanRoundTrip);
    slowestRoundTrip = Math.max(seconds, slowestRoundTrip * forgetSlowest, meanRoundTrip);
  };
  /** The lease a message speaks of, if it is that client's and that task's; else any the client has on the task. */
  const find = (client: string, id: number, entry: Entry): OpenLease | undefined => {
    const named = leases.get(id);
    if (named?.client === client && named.entry === entry) return named;
    for (const lease of entry.leases) if (lease.client === client) return lease;
    return undefined;
  };

  return {
    add(tasks) {
      for (const task of tasks) {
        const key = keyOf(task);
        if (done.has(key) || entries.has(key)) continue;
        const entry: Entry = {
          key,
          task,
          leases: new Set(),
          isQueued: false,
          isDone: false,
          failures: 0,
          expiries: 0,
        };
        entries.set(key, entry);
        released++;
        enqueue(entry);
      }
    },
    markDone(task) {
      const key = keyOf(task);
      const entry = entries.get(key);
      if (entry) finish(entry);
      else if (!done.has(key)) {
        done.add(key);
        released++;
      }
    },
    welcome(id, wants, now) {
      let client = clients.get(id);
      if (client === undefined) {
        client = {
          id,
          want: 0,
          workers: 1,
          held: new Set(),
          lastHeard: now,
          failuresInRow: 0,
          pauses: 0,
          pausedUntil: Number.NEGATIVE_INFINITY,
          onProbation: false,
        };
        clients.set(id, client);
      }
      totalWant += wants.want - client.want;
      client.want = wants.want;
      client.workers = wants.workers;
      client.lastHeard = now;
      feed(client);
    },
    want(id, tasks) {
      const client = clients.get(id);
      if (client === undefined) return;
      totalWant += tasks - client.want;
      client.want = tasks;
      feed(client);
    },
    heard(id, now) {
      const client = clients.get(id);
      if (client) client.lastHeard = now;
    },
    reconcile(id, holding, since) {
      const client = clients.get(id);
      if (client === undefined) return;
      for (const lease of [...client.held]) {
        if (holding.has(lease.id) || lease.since >= since) continue;
        lost++;
        close(lease);
        enqueue(lease.entry);
      }
    },
    leave(id) {
      const client = clients.get(id);
      if (client) drop(client);
    },
    result(id, leaseId, task, now) {
      const key = keyOf(task);
      const client = clients.get(id);
      if (client) {
        client.lastHeard = now;
        client.failuresInRow = 0;
        client.pauses = 0;
        client.onProbation = false;
      }
      const entry = entries.get(key);
      if (entry === undefined) {
        const isKnown = done.has(key);
        if (isKnown) duplicates++;
        else foreign++;
        return isKnown ? "duplicate" : "foreign";
      }
      const lease = find(id, leaseId, entry);
      if (lease) learn(Math.max(0, now - lease.since));
      finish(entry);
      if (client) feed(client);
      return "counted";
    },
    failure(id, leaseId, task, reason, now) {
      const key = keyOf(task);
      const client = clients.get(id);
      if (client) client.lastHeard = now;
      const entry = entries.get(key);
      if (entry === undefined) {
        const isKnown = done.has(key);
        if (isKnown) duplicates++;
        else foreign++;
        return { kind: isKnown ? "duplicate" : "foreign" };
      }
      const lease = find(id, leaseId, entry);
      // Handed on already: that attempt was counted as lost.
      if (lease === undefined) {
        duplicates++;
        return { kind: "duplicate" };
      }
      close(lease);
      failures++;
      entry.failures++;
      entry.failedOn ??= new Set();
      entry.failedOn.add(id);
      entry.reasons ??= [];
      if (entry.reasons.length < options.maxFailures) entry.reasons.push(reason);
      entry.retryAt = now + patienceForAnother;
      // Alone it is rather the fits that are at fault, and there is nobody to give them to.
      if (client && ++client.failuresInRow >= blackHoleFailures && clients.size > 1)
        setAside(client, now);
      const isHopeless =
        entry.failedOn.size >= options.maxFailures ||
        (entry.failures >= options.maxFailures && !hasOther(entry));
      if (isHopeless) {
        givenUp++;
        finish(entry);
        return { kind: "givenUp", task: entry.task, reasons: entry.reasons };
      }
      enqueue(entry);
      return { kind: "retry" };
    },
    assign(now) {
      const assigned = new Map<string, Lease[]>();
      for (const client of hungry) {
        if (pendingCount === 0) break;
        // Half of what is left, shared out by appetite: big helpings first, single tasks at the end of a stage.
        const share = Math.ceil((pendingCount * client.want) / (2 * Math.max(1, totalWant)));
        const helping = Math.min(capacity(client), Math.max(1, share));
        const given: Lease[] = [];
        while (given.length < helping) {
          const entry = (retries.length > 0 ? takeRetry(client, now) : undefined) ?? takePending();
          if (entry === undefined) break;
          given.push(lend(entry, client, now));
        }
        if (given.length > 0) assigned.set(client.id, given);
        // Who got its share has work, and asks again with its next result.
        if (client.held.size > 0) hungry.delete(client);
      }
      return assigned;
    },
    tick(now) {
      while (paused.smallest <= now) {
        const client = paused.pop()!;
        if (client.pausedUntil > now || clients.get(client.id) !== client) continue;
        client.pausedUntil = Number.NEGATIVE_INFINITY;
        client.onProbation = true;
        client.failuresInRow = blackHoleFailures - 1;
        feed(client);
      }
      while (deadlines.smallest <= now) {
        const lease = deadlines.pop()!;
        if (!lease.isOpen) continue;
        expired++;
        lease.entry.expiries++;
        close(lease);
        enqueue(lease.entry);
      }
      // Closed leases must not pile up where they wait for their turn.
      while (byAge.peek()?.isOpen === false) byAge.shift();
      if (deadlines.size > 2 * leases.size + fewLeases) deadlines.keep((lease) => lease.isOpen);
      if (now - lastSilenceCheck >= silenceCheck) {
        lastSilenceCheck = now;
        for (const client of [...clients.values()])
          if (now - client.lastHeard > options.silence) drop(client);
      }
      for (const client of clients.values())
        if (client.held.size < client.want && pendingCount > 0) feed(client);
      const assigned = this.assign(now) as Map<string, Lease[]>;
      if (pendingCount > 0) return assigned;
      // Nothing left to hand out: idle clients run the oldest open tasks a second time.
      const oldEnough = Math.max(stragglerAge, stragglerFactor * (meanRoundTrip || 0));
      for (const client of hungry) {
        for (let given = client.held.size; given < Math.min(client.workers, client.want); given++) {
          const lease = oldest(client, now - oldEnough);
          if (lease === undefined) break;
          speculative++;
          const list = assigned.get(client.id) ?? [];
          list.push(lend(lease.entry, client, now));
          assigned.set(client.id, list);
        }
        if (byAge.peek() === undefined || byAge.peek()!.since > now - oldEnough) break;
      }
      return assigned;
    },
    get expectedRoundTrip() {
      return meanRoundTrip;
    },
    get counts() {
      return {
        released,
        done: done.size,
        pending: pendingCount,
        leased: leases.size,
        clients: clients.size,
        clientsSetAside: paused.size,
        duplicates,
        foreign,
        failures,
        givenUp,
        lost,
        expired,
        speculative,
      };
    },
    unfinished: () => [...entries.values()].map((entry) => entry.task),
  };

  /** The oldest lease given before `before` that is the only one of its task, and another client's. */
  function oldest(client: Client, before: number): OpenLease | undefined {
    const own: OpenLease[] = [];
    let found: OpenLease | undefined;
    while (found === undefined) {
      const lease = byAge.peek();
      if (lease === undefined || lease.since > before) break;
      byAge.shift();
      if (!lease.isOpen || lease.entry.leases.size > 1) continue;
      if (lease.client === client.id || lease.entry.failedOn?.has(client.id)) own.push(lease);
      else found = lease;
    }
    for (const lease of own.reverse()) byAge.unshift(lease);
    return found;
  }
}

/** First in, first out; O(1). */
interface Queue<T> {
  push(item: T): void;
  unshift(item: T): void;
  shift(): T | undefined;
  peek(): T | undefined;
}

function createQueue<T>(): Queue<T> {
  let items: T[] = [];
  let first = 0;
  return {
    push: (item) => void items.push(item),
    unshift(item) {
      if (first === 0) {
        items = [item, ...items];
      } else {
        items[--first] = item;
      }
    },
    shift() {
      if (first === items.length) return undefined;
      const item = items[first]!;
      first++;
      if (first > 1024 && first * 2 > items.length) {
        items = items.slice(first);
        first = 0;
      }
      return item;
    },
    peek: () => items[first],
  };
}
