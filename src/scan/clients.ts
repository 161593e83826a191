import FlatQueue from "flatqueue";
import type { Holder, OpenLease } from "./leases.ts";

export interface ClientWants {
  /** Tasks it wants to hold. */
  readonly wanted: number;
  /** Fits it runs at a time. */
  readonly workers: number;
}

/** A client that fails this often in a row, without one success between, is set aside. */
const blackHoleFailures = 10;
/** The same for one that has never succeeded: what is broken from the start must not taste many tasks. */
const strangersFailures = 3;
/** Tasks per fit process a client is trusted with before it has delivered anything, and at most in all. */
const firstPerWorker = 8;
const firstInAll = 256;
/** For every result it has delivered a client may hold so many more. */
const trustPerResult = 2;
/** First pause of such a client, s; doubled each time, up to the longest. */
const firstPause = 10;
const longestPause = 600;
/** How often silent clients are looked for, s. */
const silenceCheck = 5;

/** One client as the scheduler sees it. */
export class Client implements Holder {
  readonly id: string;
  wanted = 0;
  workers = 1;
  readonly held = new Set<OpenLease>();
  /** s. */
  lastHeard: number;
  /** Fits that succeeded. */
  delivered = 0;
  /** Attempts since then that failed, or missed their deadline. */
  failuresInRow = 0;
  pauses = 0;
  /** Set aside until then, s; -Infinity: not. */
  pausedUntil = Number.NEGATIVE_INFINITY;
  /** After a pause one task at a time, until one succeeds. */
  onProbation = false;
  /** What it was allowed when it was last looked at: its part of the pool's total. */
  share = 0;

  constructor(id: string, now: number) {
    this.id = id;
    this.lastHeard = now;
  }

  /** How many tasks it may hold: what it wants, as far as it has shown that it can do them. */
  get allowed(): number {
    if (this.isSetAside) return 0;
    if (this.onProbation) return Math.min(1, this.wanted);
    const first = Math.min(firstPerWorker * this.workers, firstInAll);
    return Math.min(this.wanted, first + trustPerResult * this.delivered);
  }

  /** How many more tasks it may be given. */
  get room(): number {
    return this.allowed - this.held.size;
  }

  get isSetAside(): boolean {
    return this.pausedUntil > Number.NEGATIVE_INFINITY;
  }

  /** It has done fits for this scan. What it fails, others may fail too; what a stranger fails says little. */
  get isProven(): boolean {
    return this.delivered > 0;
  }

  /** It wants tasks, and nothing speaks against giving it some. */
  get isUnsuspected(): boolean {
    return this.failuresInRow === 0 && !this.isSetAside && this.wanted > 0;
  }

  /** The same, and the last it was given succeeded. */
  get isSound(): boolean {
    return this.isProven && this.isUnsuspected;
  }

  /** One of its fits succeeded: whatever it failed before is forgiven. */
  succeeded(): void {
    this.delivered++;
    this.failuresInRow = 0;
    this.pauses = 0;
    this.onProbation = false;
  }
}

/** The clients there are: what each wants, who has room for tasks, who is set aside. */
export class Clients {
  readonly #silence: number;
  readonly #known = new Map<string, Client>();
  /** First come, first served. */
  readonly #withRoom = new Set<Client>();
  readonly #setAside = new FlatQueue<Client>();
  /** Sum of all clients' shares. */
  #totalShares = 0;
  #lastSilenceCheck = Number.NEGATIVE_INFINITY;

  readonly #isOnlyOne: boolean;

  /**
   * @param silence a client not heard of for this long is gone, s
   * @param isOnlyOne no second client is to be expected
   */
  constructor(silence: number, isOnlyOne: boolean) {
    this.#silence = silence;
    this.#isOnlyOne = isOnlyOne;
  }

  get size(): number {
    return this.#known.size;
  }

  get setAside(): number {
    return this.#setAside.length;
  }

  /** Those that may be given tasks, in the order in which their room arose. */
  get withRoom(): Iterable<Client> {
    return this.#withRoom;
  }

  get(id: string): Client | undefined {
    return this.#known.get(id);
  }

  /** Makes a client known, or takes note of what it wants now. */
  welcome(id: string, { wanted, workers }: ClientWants, now: number): void {
    const client = this.#known.get(id) ?? new Client(id, now);
    this.#known.set(id, client);
    client.workers = workers;
    client.lastHeard = now;
    this.setWanted(client, wanted);
  }

  setWanted(client: Client, wanted: number): void {
    client.wanted = wanted;
    this.update(client);
  }

  /** To be called when a client's leases or standing have changed. */
  update(client: Client): void {
    this.#totalShares += client.allowed - client.share;
    client.share = client.allowed;
    if (client.room > 0) this.#withRoom.add(client);
    else this.#withRoom.delete(client);
  }

  /** Lets all that hold less than they want have their turn again. */
  updateUnderfed(): void {
    for (const client of this.#known.values())
      if (client.held.size < client.wanted) this.update(client);
  }

  /** It got its share, and asks again with its next result. */
  served(client: Client): void {
    this.#withRoom.delete(client);
  }

  remove(client: Client): void {
    this.#known.delete(client.id);
    this.#withRoom.delete(client);
    this.#totalShares -= client.share;
  }

  /** Whether there is such a client besides these. */
  hasOther(ids: ReadonlySet<string>, isMeant: (client: Client) => boolean): boolean {
    for (const client of this.#known.values())
      if (isMeant(client) && !ids.has(client.id)) return true;
    return false;
  }

  /** Whether a client's failures say something about the fits, not only about the client. */
  isCredible(client: Client): boolean {
    return this.#isOnlyOne || client.isProven;
  }

  /** An attempt failed on this client, or missed its deadline: one that only fails is set aside for a while. */
  failed(client: Client, now: number): void {
    client.failuresInRow++;
    // The only one there will ever be: it is rather the fits that are at fault, and nobody else does them.
    if (this.#isOnlyOne || client.isSetAside) return;
    if (client.failuresInRow < (client.isProven ? blackHoleFailures : strangersFailures)) return;
    client.pausedUntil = now + Math.min(longestPause, firstPause * 2 ** client.pauses);
    client.pauses++;
    this.#setAside.push(client, client.pausedUntil);
    this.update(client);
  }

  /** Takes back those whose pause is over, on probation. */
  endPauses(now: number): void {
    while ((this.#setAside.peekValue() ?? Number.POSITIVE_INFINITY) <= now) {
      const client = this.#setAside.pop()!;
      if (client.pausedUntil > now || this.#known.get(client.id) !== client) continue;
      client.pausedUntil = Number.NEGATIVE_INFINITY;
      client.onProbation = true;
      client.failuresInRow = (client.isProven ? blackHoleFailures : strangersFailures) - 1;
      this.update(client);
    }
  }

  /** Those not heard of for too long; looked for every few seconds only. */
  silent(now: number): Client[] {
    if (now - this.#lastSilenceCheck < silenceCheck) return [];
    this.#lastSilenceCheck = now;
    return [...this.#known.values()].filter((client) => now - client.lastHeard > this.#silence);
  }

  /**
   * How many of the waiting tasks a client gets: half of what is left is shared out in proportion to what
   * clients may hold, so that batches are big first, and single tasks at the end of a stage.
   */
  batchSize(client: Client, waiting: number): number {
    const share = Math.ceil((waiting * client.share) / (2 * Math.max(1, this.#totalShares)));
    return Math.min(client.room, Math.max(1, share));
  }
}
