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
  failuresInRow = 0;
  pauses = 0;
  /** Set aside until then, s; -Infinity: not. */
  pausedUntil = Number.NEGATIVE_INFINITY;
  /** After a pause one task at a time, until one succeeds. */
  onProbation = false;

  constructor(id: string, now: number) {
    this.id = id;
    this.lastHeard = now;
  }

  /** How many more tasks it may be given. */
  get room(): number {
    if (this.pausedUntil > Number.NEGATIVE_INFINITY) return 0;
    return (this.onProbation ? 1 : this.wanted) - this.held.size;
  }

  /** One of its fits succeeded: whatever it failed before is forgiven. */
  succeeded(): void {
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
  #totalWanted = 0;
  #lastSilenceCheck = Number.NEGATIVE_INFINITY;

  /** @param silence a client not heard of for this long is gone, s */
  constructor(silence: number) {
    this.#silence = silence;
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
    this.#totalWanted += wanted - client.wanted;
    client.wanted = wanted;
    this.update(client);
  }

  /** To be called when a client's leases or standing have changed. */
  update(client: Client): void {
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
    this.#totalWanted -= client.wanted;
  }

  /** Whether there is a client besides these. (They are few: at most a few times maxFailures.) */
  hasOtherThan(ids: ReadonlySet<string>): boolean {
    let known = 0;
    for (const id of ids) if (this.#known.has(id)) known++;
    return this.#known.size > known;
  }

  /** A fit failed on this client: one that only fails is set aside for a while. */
  failed(client: Client, now: number): void {
    client.failuresInRow++;
    // Alone it is rather the fits that are at fault, and there is nobody to give them to.
    if (client.failuresInRow < blackHoleFailures || this.#known.size === 1) return;
    client.pausedUntil = now + Math.min(longestPause, firstPause * 2 ** client.pauses);
    client.pauses++;
    client.failuresInRow = 0;
    this.#setAside.push(client, client.pausedUntil);
    this.#withRoom.delete(client);
  }

  /** Takes back those whose pause is over, on probation. */
  endPauses(now: number): void {
    while ((this.#setAside.peekValue() ?? Number.POSITIVE_INFINITY) <= now) {
      const client = this.#setAside.pop()!;
      if (client.pausedUntil > now || this.#known.get(client.id) !== client) continue;
      client.pausedUntil = Number.NEGATIVE_INFINITY;
      client.onProbation = true;
      client.failuresInRow = blackHoleFailures - 1;
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
   * clients want, so that batches are big first, and single tasks at the end of a stage.
   */
  batchSize(client: Client, waiting: number): number {
    const share = Math.ceil((waiting * client.wanted) / (2 * Math.max(1, this.#totalWanted)));
    return Math.min(client.room, Math.max(1, share));
  }
}
