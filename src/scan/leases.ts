import Denque from "denque";
import FlatQueue from "flatqueue";
import { RoundTrips } from "./round_trips.ts";
import { fitsOf, type ReleasedTask, type Task } from "./task.ts";

/** A task handed to one client, until its result, its death or its deadline. */
export interface Lease {
  readonly id: number;
  readonly client: string;
  readonly task: ReleasedTask;
}

/** A task that is not done, and what has become of it so far. */
export interface OpenTask {
  readonly key: number;
  readonly task: ReleasedTask;
  /** Its open leases: more than one when a straggler's task runs a second time. */
  readonly leases: Set<OpenLease>;
  /** Waits to be handed out. */
  isQueued: boolean;
  /** Deadlines missed. */
  expiries: number;
  /** Absent as long as no attempt failed. */
  failures?: Failures;
}

export interface Failures {
  /** Attempts that failed on clients that have done other fits: these speak against the task. */
  count: number;
  /** Those clients. */
  readonly credible: Set<string>;
  /** All clients it failed on. */
  readonly clients: Set<string>;
  readonly reasons: string[];
  /** Until then it waits for a client that has not failed it; s. */
  retryAt: number;
}

/** What leases need to know of the client that holds them. */
export interface Holder {
  readonly id: string;
  readonly workers: number;
  readonly held: Set<OpenLease>;
}

export interface OpenLease extends Lease {
  readonly of: OpenTask;
  readonly holder: Holder;
  /** When it was given, s. */
  readonly since: number;
  isOpen: boolean;
}

/** No deadline is shorter, s: pauses of this length are the network's, not the client's. */
const shortestDeadline = 10;
/** Deadline in slowest round trips of late. */
const deadlineFactor = 4;
/** A lease is a straggler when it is older than this many usual round trips, and than the least age (s). */
const stragglerFactor = 3;
const stragglerAge = 1;
/** So many closed leases may always wait among the deadlines. */
const fewLeases = 1000;

/**
 * All leases: who holds which task, until when. Giving, closing and expiring one costs O(log n). Deadlines
 * that are equal, to the last bit, come out in any order.
 */
export class Leases {
  readonly #recoTimeout: number;
  readonly #roundTrips = new RoundTrips();
  readonly #open = new Map<number, OpenLease>();
  /** A lease may stand here twice, and after it was closed. */
  #deadlines = new FlatQueue<OpenLease>();
  /** Oldest first; closed ones are skipped when they come up. */
  readonly #byAge = new Denque<OpenLease>();
  readonly #idOf: (client: string, task: Task) => number;

  /**
   * @param recoTimeout longest time one fit may take, s
   * @param idOf a number for a client's lease on a task
   */
  constructor(recoTimeout: number, idOf: (client: string, task: Task) => number) {
    this.#recoTimeout = recoTimeout;
    this.#idOf = idOf;
  }

  /** How many are open. */
  get size(): number {
    return this.#open.size;
  }

  /** Mean time from lease to result of late, s; NaN before the first. */
  get expectedRoundTrip(): number {
    return this.#roundTrips.mean;
  }

  grant(of: OpenTask, holder: Holder, now: number): OpenLease {
    const lease: OpenLease = {
      id: this.#idOf(holder.id, of.task),
      client: holder.id,
      task: of.task,
      of,
      holder,
      since: now,
      isOpen: true,
    };
    of.leases.add(lease);
    holder.held.add(lease);
    this.#open.set(lease.id, lease);
    this.#byAge.push(lease);
    this.#deadlines.push(lease, now + this.#timeAllowed(lease));
    return lease;
  }

  close(lease: OpenLease): void {
    lease.isOpen = false;
    this.#open.delete(lease.id);
    lease.of.leases.delete(lease);
    lease.holder.held.delete(lease);
  }

  /** The open lease a client has on a task. */
  find(client: string, of: OpenTask): OpenLease | undefined {
    for (const lease of of.leases) if (lease.client === client) return lease;
    return undefined;
  }

  /** Whether this number names the client's lease on the task, open or not: nobody else was told it. */
  isGranted(id: number, client: string, task: Task): boolean {
    return id === this.#idOf(client, task);
  }

  /** The result of an open lease has come. */
  answered(lease: OpenLease, now: number): void {
    const isFirst = Number.isNaN(this.#roundTrips.mean);
    this.#roundTrips.add(Math.max(0, now - lease.since));
    if (!isFirst) return;
    // Leases given in ignorance may be meant to last for hours.
    for (const open of this.#open.values())
      this.#deadlines.push(open, open.since + this.#timeAllowed(open));
  }

  /** An open lease whose deadline has passed; to be closed before the next is asked for. */
  nextExpired(now: number): OpenLease | undefined {
    while ((this.#deadlines.peekValue() ?? Number.POSITIVE_INFINITY) <= now) {
      const lease = this.#deadlines.pop()!;
      if (lease.isOpen) return lease;
    }
    return undefined;
  }

  /** Keeps closed leases from piling up where they wait for their turn. */
  forgetClosed(): void {
    while (this.#byAge.peekFront()?.isOpen === false) this.#byAge.shift();
    if (this.#deadlines.length <= 2 * this.#open.size + fewLeases) return;
    const { ids, values, length } = this.#deadlines;
    this.#deadlines = new FlatQueue();
    for (let n = 0; n < length; n++) if (ids[n]!.isOpen) this.#deadlines.push(ids[n]!, values[n]!);
  }

  /** Whether any lease is old enough to run its task a second time. */
  hasStragglers(now: number): boolean {
    const oldest = this.#byAge.peekFront();
    return oldest !== undefined && oldest.since <= this.#stragglersBefore(now);
  }

  /**
   * The oldest straggler that holds its task alone, and is another client's; `suits` decides whether this
   * client is one to run it. Each lease is given out once.
   */
  takeStraggler(suits: (lease: OpenLease) => boolean, now: number): OpenLease | undefined {
    const unsuited: OpenLease[] = [];
    let found: OpenLease | undefined;
    while (found === undefined && this.hasStragglers(now)) {
      const lease = this.#byAge.shift()!;
      if (!lease.isOpen || lease.of.leases.size > 1) continue;
      if (suits(lease)) found = lease;
      else unsuited.push(lease);
    }
    for (const lease of unsuited.reverse()) this.#byAge.unshift(lease);
    return found;
  }

  #stragglersBefore(now: number): number {
    return now - Math.max(stragglerAge, stragglerFactor * (this.#roundTrips.mean || 0));
  }

  /** How long a lease may stay open, s: learned from round trips, longer with every deadline its task missed. */
  #timeAllowed({ of, holder }: OpenLease): number {
    // A task waits for those before it in the client's hands.
    const turns = 1 + Math.ceil(holder.held.size / Math.max(1, holder.workers));
    const longest = this.#recoTimeout * fitsOf(of.task) * turns + shortestDeadline;
    if (Number.isNaN(this.#roundTrips.slowest)) return longest;
    const learned = Math.max(shortestDeadline, deadlineFactor * this.#roundTrips.slowest);
    return Math.min(longest, learned * 2 ** of.expiries);
  }
}
