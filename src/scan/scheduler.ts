import { type Client, Clients, type ClientWants } from "./clients.ts";
import { type Failures, type Lease, Leases, type OpenLease, type OpenTask } from "./leases.ts";
import { TaskQueue } from "./queue.ts";
import { type ReleasedTask, type Task, taskKey } from "./task.ts";

export interface SchedulerOptions {
  /** Longest time one fit may take, s. */
  readonly recoTimeout: number;
  /** A task that failed on this many clients that do others is given up: its llh becomes NaN. */
  readonly maxFailures: number;
  /** A client not heard of for this long is gone, s. */
  readonly silence: number;
  /** There will be one client and no other: what fails there is given up, whoever is at fault. */
  readonly isAlone?: boolean;
  /** The number of a client's lease on a task; one that others cannot guess keeps them from answering for it. */
  readonly leaseId: (client: string, task: Task) => number;
}

/** What became of a result. counted: the first for its task; foreign: not leased to this client, or no task of this scan. */
export type ResultOutcome = "counted" | "duplicate" | "foreign";

/** What became of a failed attempt. givenUp: to be recorded as NaN, with the reasons. */
export type FailureOutcome =
  | { readonly kind: "retry" | "duplicate" | "foreign" }
  | { readonly kind: "givenUp"; readonly task: ReleasedTask; readonly reasons: readonly string[] };

/** Leases to be sent, by client. */
export type Assigned = ReadonlyMap<string, readonly Lease[]>;

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

/** A failed task waits this long for a client that has not failed it, s. */
const patienceForAnother = 5;

/**
 * Who does which task. Knows no network and no clock: every call says what time it is (s, any origin).
 * Each call costs O(log n), or O(1) per task and client it touches.
 */
export class Scheduler {
  readonly #maxFailures: number;
  /** Tasks not done, by key. */
  readonly #open = new Map<number, OpenTask>();
  /** Keys of the tasks done. */
  readonly #done = new Set<number>();
  readonly #queue = new TaskQueue();
  readonly #leases: Leases;
  readonly #clients: Clients;
  readonly #counted = {
    ...{ released: 0, duplicates: 0, foreign: 0, failures: 0, givenUp: 0 },
    ...{ lost: 0, expired: 0, speculative: 0 },
  };

  constructor(options: SchedulerOptions) {
    this.#maxFailures = options.maxFailures;
    this.#leases = new Leases(options.recoTimeout, options.leaseId);
    this.#clients = new Clients(options.silence, options.isAlone ?? false);
  }

  /** New tasks, to be handed out in this order. */
  add(tasks: readonly ReleasedTask[]): void {
    for (const task of tasks) {
      const key = taskKey(task);
      if (this.#done.has(key) || this.#open.has(key)) continue;
      const open: OpenTask = { key, task, leases: new Set(), isQueued: false, expiries: 0 };
      this.#open.set(key, open);
      this.#counted.released++;
      this.#queue.add(open);
    }
  }

  /** A task whose outcome is already known (a resumed scan). */
  markDone(task: Task): void {
    const key = taskKey(task);
    const open = this.#open.get(key);
    if (open) this.#finish(open);
    else if (!this.#done.has(key)) {
      this.#done.add(key);
      this.#counted.released++;
    }
  }

  /** A client says what it wants; unknown ones are welcome. */
  welcome(client: string, wants: ClientWants, now: number): void {
    this.#clients.welcome(client, wants, now);
  }

  /** A known client wants to hold another number of tasks. */
  setWanted(client: string, wanted: number): void {
    const known = this.#clients.get(client);
    if (known) this.#clients.setWanted(known, wanted);
  }

  /** A sign of life. */
  heard(client: string, now: number): void {
    const known = this.#clients.get(client);
    if (known) known.lastHeard = now;
  }

  /** What the client really holds; anything else leased to it before `since` got lost on the way. */
  reconcile(client: string, holding: ReadonlySet<number>, since: number): void {
    const held = this.#clients.get(client)?.held ?? [];
    for (const lease of [...held])
      if (!holding.has(lease.id) && lease.since < since) this.#lose(lease);
  }

  /** The client is gone: its tasks go to others. */
  leave(client: string): void {
    const known = this.#clients.get(client);
    if (known) this.#remove(known);
  }

  result(client: string, lease: number, task: Task, now: number): ResultOutcome {
    this.heard(client, now);
    const open = this.#open.get(taskKey(task));
    if (!this.#leases.isGranted(lease, client, task)) return this.#countForeign();
    if (open === undefined) return this.#countUnwanted(task);
    const answered = this.#leases.find(client, open);
    if (answered) this.#leases.answered(answered, now);
    this.#finish(open);
    const sender = this.#clients.get(client);
    sender?.succeeded();
    // Who has delivered is trusted with more.
    if (sender) this.#clients.update(sender);
    return "counted";
  }

  failure(client: string, lease: number, task: Task, reason: string, now: number): FailureOutcome {
    this.heard(client, now);
    const open = this.#open.get(taskKey(task));
    if (!this.#leases.isGranted(lease, client, task)) return { kind: this.#countForeign() };
    if (open === undefined) return { kind: this.#countUnwanted(task) };
    const failed = this.#leases.find(client, open);
    // Handed on already: that attempt was counted as lost.
    if (failed === undefined) {
      this.#counted.duplicates++;
      return { kind: "duplicate" };
    }
    this.#close(failed);
    this.#counted.failures++;
    const sender = this.#clients.get(client);
    const failures = this.#noteFailure(open, client, reason, now);
    if (sender) this.#clients.failed(sender, now);
    if (!this.#isHopeless(failures)) {
      this.#queue.add(open);
      return { kind: "retry" };
    }
    this.#counted.givenUp++;
    this.#finish(open);
    return { kind: "givenUp", task: open.task, reasons: failures.reasons };
  }

  /** Leases for the clients that want tasks; each gets its share. */
  assign(now: number): Assigned {
    const assigned = this.#assign(now);
    if (this.#queue.size === 0) this.#speculate(assigned, now);
    return assigned;
  }

  /** To be called about once a second: deadlines, silent clients, clients set aside, stragglers. */
  tick(now: number): Assigned {
    this.#clients.endPauses(now);
    this.#expire(now);
    this.#leases.forgetClosed();
    for (const client of this.#clients.silent(now)) this.#remove(client);
    if (this.#queue.size > 0) this.#clients.updateUnderfed();
    return this.assign(now);
  }

  /** Time from lease to result, s: what deadlines are made of. */
  get expectedRoundTrip(): number {
    return this.#leases.expectedRoundTrip;
  }

  get counts(): SchedulerCounts {
    return {
      ...this.#counted,
      done: this.#done.size,
      pending: this.#queue.size,
      leased: this.#leases.size,
      clients: this.#clients.size,
      clientsSetAside: this.#clients.setAside,
    };
  }

  /** Tasks not done. */
  unfinished(): Task[] {
    return [...this.#open.values()].map(({ task }) => task);
  }

  #assign(now: number): Map<string, Lease[]> {
    const assigned = new Map<string, Lease[]>();
    for (const client of this.#clients.withRoom) {
      if (this.#queue.size === 0) break;
      const batchSize = this.#clients.batchSize(client, this.#queue.size);
      const batch: Lease[] = [];
      while (batch.length < batchSize) {
        const task = this.#queue.take((failed) => this.#mayRetry(failed, client, now));
        if (task === undefined) break;
        batch.push(this.#leases.grant(task, client, now));
      }
      if (batch.length > 0) assigned.set(client.id, batch);
      if (client.held.size > 0) this.#clients.served(client);
    }
    return assigned;
  }

  /**
   * Who may try a task that failed: a client that succeeds, if there is one that has not failed it; else one
   * that nothing speaks against; nobody of these being there, or not taking it for a while, anyone.
   */
  #mayRetry({ failures }: OpenTask, client: Client, now: number): boolean {
    if (failures === undefined) return true;
    const hasFailed = failures.clients.has(client.id);
    if (this.#clients.hasOther(failures.clients, (other) => other.isSound))
      return client.isSound && !hasFailed;
    if (now >= failures.retryAt) return true;
    if (this.#clients.hasOther(failures.clients, (other) => other.isUnsuspected))
      return client.isUnsuspected && !hasFailed;
    return true;
  }

  /** Enough clients that do other fits have failed this one, or those that there are, often enough. */
  #isHopeless({ count, credible, clients }: Failures): boolean {
    if (credible.size >= this.#maxFailures || count >= 2 * this.#maxFailures) return true;
    const hasHope = () => this.#clients.hasOther(clients, (other) => other.isUnsuspected);
    return count >= this.#maxFailures && !hasHope();
  }

  /** Nothing is left to hand out: idle clients run the oldest open tasks a second time. */
  #speculate(assigned: Map<string, Lease[]>, now: number): void {
    if (!this.#leases.hasStragglers(now)) return;
    for (const client of this.#clients.withRoom) {
      const suits = ({ client: holder, of }: OpenLease) =>
        holder !== client.id && !of.failures?.clients.has(client.id);
      const room = Math.min(client.workers - client.held.size, client.room);
      for (let n = 0; n < room; n++) {
        const straggler = this.#leases.takeStraggler(suits, now);
        if (straggler === undefined) break;
        this.#counted.speculative++;
        const batch = assigned.get(client.id) ?? [];
        batch.push(this.#leases.grant(straggler.of, client, now));
        assigned.set(client.id, batch);
      }
      if (!this.#leases.hasStragglers(now)) break;
    }
  }

  #expire(now: number): void {
    for (let lease = this.#leases.nextExpired(now); lease; lease = this.#leases.nextExpired(now)) {
      this.#counted.expired++;
      lease.of.expiries++;
      this.#close(lease);
      this.#queue.add(lease.of);
      const holder = this.#clients.get(lease.client);
      if (holder) this.#clients.failed(holder, now);
    }
  }

  #finish(open: OpenTask): void {
    this.#queue.withdraw(open);
    for (const lease of [...open.leases]) this.#close(lease);
    this.#open.delete(open.key);
    this.#done.add(open.key);
  }

  #close(lease: OpenLease): void {
    this.#leases.close(lease);
    const client = this.#clients.get(lease.client);
    if (client) this.#clients.update(client);
  }

  /** Somebody else gets the task. */
  #lose(lease: OpenLease): void {
    this.#counted.lost++;
    this.#close(lease);
    this.#queue.add(lease.of);
  }

  #remove(client: Client): void {
    this.#clients.remove(client);
    for (const lease of [...client.held]) this.#lose(lease);
  }

  #noteFailure(open: OpenTask, client: string, reason: string, now: number): Failures {
    open.failures ??= {
      ...{ count: 0, credible: new Set(), clients: new Set(), reasons: [], retryAt: 0 },
    };
    const { failures } = open;
    const sender = this.#clients.get(client);
    failures.clients.add(client);
    if (sender && this.#clients.isCredible(sender)) {
      failures.count++;
      failures.credible.add(client);
    }
    if (failures.reasons.length < this.#maxFailures) failures.reasons.push(reason);
    failures.retryAt = now + patienceForAnother;
    return failures;
  }

  #countForeign(): "foreign" {
    this.#counted.foreign++;
    return "foreign";
  }

  /** A message about a task that is done, or was never one. */
  #countUnwanted(task: Task): "duplicate" | "foreign" {
    const isKnown = this.#done.has(taskKey(task));
    if (isKnown) this.#counted.duplicates++;
    else this.#counted.foreign++;
    return isKnown ? "duplicate" : "foreign";
  }
}
