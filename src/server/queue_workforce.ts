import { consola } from "consola";
import type { Clock } from "../config/clock.ts";
import { brokerPatience } from "../config/environment.ts";
import { InputError } from "../config/errors.ts";
import { findOf } from "../event/objects.ts";
import { packed, unpacked } from "../ewms/envelope.ts";
import { type FitAnswer, fitRequestDocument, readFitAnswer } from "../ewms/messages.ts";
import { pixelFrame } from "../ewms/pixel_frame.ts";
import { openQueue, type Queue, type QueueMessage } from "../ewms/queue.ts";
import type { QueuePair } from "../ewms/queue_profile.ts";
import type { OpenFit, QueuedTasks } from "../ewms/task_book.ts";
import { momentAt, toDetector } from "../native/sky.ts";
import { pixelSeed } from "../reco/seed.ts";
import type { FailedVariation, ReleasedTask, Task } from "../scan/task.ts";
import { pixelCentre } from "../sky/healpix.ts";
import type { StoredResult } from "../store/row.ts";
import type { Collection } from "./collection.ts";
import type { ScanPlan } from "./plan.ts";
import { guarded, type Workforce, type WorkforceEvents } from "./workforce.ts";

export interface QueueWorkforceOptions extends WorkforceEvents {
  readonly plan: ScanPlan;
  readonly queues: QueuePair;
  readonly collection: Collection<QueuedTasks>;
  /** Longest time one fit may take, s. */
  readonly recoTimeout: number;
  readonly clock: Clock;
  /** Resolves when tasks may go out. */
  readonly ready: () => Promise<void>;
  readonly stop?: AbortSignal;
}

/** Messages of results out at a time: the original's. */
const prefetch = 300;
/** Messages of tasks the broker has not confirmed yet. */
const mostUnconfirmed = 300;
/** A task is published again when it was out for so many times the longest fit. */
const expiryFactor = 3;
/** How often that is looked at, s. */
const expiryCheck = 10;
/** So many warnings about bad messages are enough. */
const mostWarnings = 20;

/** The original's clients in EWMS: each fit is a message in one queue, and its result one in another. */
export class QueueWorkforce implements Workforce {
  readonly #options: QueueWorkforceOptions;
  readonly #request: (task: ReleasedTask) => object;
  #toClient: Queue | undefined;
  #fromClient: Queue | undefined;
  #isLinked = false;
  #hasBegun = false;
  #unconfirmed = 0;
  #malformed = 0;
  #lastNews: number;
  #checkedAt: number;
  /** Results not stored yet: what arrives together is stored in one go. */
  #arrived: { readonly result: StoredResult; readonly message: QueueMessage }[] = [];

  constructor(options: QueueWorkforceOptions) {
    this.#options = options;
    this.#request = requestMaker(options.plan);
    this.#lastNews = this.#checkedAt = options.clock.now();
  }

  async open(): Promise<void> {
    const { queues, stop, onError } = this.#options;
    const link = { patience: brokerPatience(), onGivenUp: onError, ...(stop && { stop }) };
    const lost = (which: string, why: string) =>
      consola.warn(`connection to the queue of ${which} lost, trying again: ${why}`);
    const back = (which: string) => {
      this.#lastNews = this.#options.clock.now();
      consola.info(`connected to the queue of ${which} again`);
    };
    this.#toClient = await openQueue(queues.toClient, {
      ...link,
      onLost: (why) => {
        this.#isLinked = false;
        lost("tasks", why);
      },
      onBack: () => {
        this.#isLinked = true;
        back("tasks");
        this.#handOut();
      },
    });
    this.#isLinked = true;
    this.#fromClient = await openQueue(queues.fromClient, {
      ...link,
      prefetch,
      onMessage: (message) => void this.#receive(message).catch(onError),
      onLost: (why) => lost("results", why),
      onBack: () => back("results"),
    });
  }

  async begin(): Promise<void> {
    const { collection, ready, clock } = this.#options;
    // A scan that is resumed may be complete already.
    if (!collection.scan.isComplete) await ready();
    this.#hasBegun = true;
    this.#lastNews = clock.now();
    this.#turn();
  }

  tick(): void {
    if (!this.#hasBegun || !this.#isLinked) return;
    this.#handOut();
    const now = this.#options.clock.now();
    if (now - this.#checkedAt < expiryCheck) return;
    this.#checkedAt = now;
    this.#expire().catch((error) => consola.debug(`queue not looked at: ${error.message}`));
  }

  get secondsWithoutResults(): number {
    return this.#hasBegun ? this.#options.clock.now() - this.#lastNews : 0;
  }

  get heard(): { light: null; malformed: number } {
    return { light: null, malformed: this.#malformed };
  }

  progress(): void {}

  async over(): Promise<void> {}

  async close(): Promise<void> {
    this.#isLinked = false;
    await Promise.all([this.#toClient?.close(), this.#fromClient?.close()]);
  }

  #handOut(): void {
    const { collection, onError } = this.#options;
    while (this.#hasBegun && this.#isLinked && this.#unconfirmed < mostUnconfirmed) {
      const fit = collection.scheduler.take();
      if (fit === undefined) return;
      this.#unconfirmed++;
      this.#publish(fit).catch(onError);
    }
  }

  async #publish(fit: OpenFit): Promise<void> {
    const { collection, clock } = this.#options;
    fit.publishedAt = clock.now();
    fit.times++;
    const message = packed(this.#request(fit.task));
    try {
      await this.#toClient!.publish(message);
    } catch (error) {
      // Nobody knows whether the broker has it: twice is better than never. The next tick, or the next connection.
      collection.scheduler.putBack(fit);
      consola.debug(`not published: ${(error as Error).message}`);
      return;
    } finally {
      this.#unconfirmed--;
    }
    this.#handOut();
  }

  async #receive(message: QueueMessage): Promise<void> {
    const { collection, clock, onError } = this.#options;
    this.#lastNews = clock.now();
    let answer: FitAnswer;
    try {
      answer = readFitAnswer(await unpacked(message.payload));
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      this.#malformed++;
      if (this.#malformed <= mostWarnings) consola.warn(`message ignored: ${error.message}`);
      message.acknowledge();
      return;
    }
    const { result, runtime } = answer;
    const fit = collection.scheduler.answered(result);
    // A second result of a fit; or one of another scan's, left in the queue.
    if (fit === undefined) {
      message.acknowledge();
      return;
    }
    const stored = {
      ...result,
      ...{ seconds: runtime, evaluations: 0, at: clock.date() },
      roundTrip: fit.publishedAt === undefined ? runtime : clock.now() - fit.publishedAt,
      ...(Number.isNaN(result.llh) && { failures: [noFit(result)] }),
    };
    this.#arrived.push({ result: stored, message });
    if (this.#arrived.length === 1) clock.soon(guarded(() => this.#turn(), onError));
  }

  /** Keeps what has arrived; only then it is the broker's no more. */
  #turn(): void {
    const { collection, onComplete } = this.#options;
    const batch = this.#arrived;
    this.#arrived = [];
    if (batch.length > 0) collection.keep(batch.map(({ result }) => result));
    for (const { message } of batch) message.acknowledge();
    if (collection.scan.isComplete) onComplete();
    else this.#handOut();
  }

  /** What was out for too long goes out again, unless something waits in the queue: it may be that. */
  async #expire(): Promise<void> {
    const { collection, clock, recoTimeout } = this.#options;
    if ((await this.#toClient!.waiting()) > 0) return;
    const count = collection.scheduler.expire(clock.now(), expiryFactor * recoTimeout);
    if (count > 0) consola.warn(`${count} fits are out for too long: published again`);
    this.#handOut();
  }
}

const noFit = ({ posvar }: Task): FailedVariation => [posvar, "its client found no fit"];

/** Makes the message of each task: its seed is the server's business. */
function requestMaker({ event, detector, reco }: ScanPlan): (task: ReleasedTask) => object {
  const prepared = reco.prepare(event, detector, undefined);
  const moment = momentAt(event.metadata.mjd);
  const physics = event.frames.filter(({ stream }) => stream === "P" || stream === "p");
  const header = findOf({ frames: physics }, "I3EventHeader", "I3EventHeader");
  if (!header) throw new InputError("the physics frame has no I3EventHeader");
  return (task) => {
    const { nside, pixel, posvar, parent } = task;
    const { ra, dec } = pixelCentre(nside, pixel);
    const direction = toDetector(ra, dec, moment);
    const seed = pixelSeed(prepared, reco.seeds, direction, posvar, parent);
    return fitRequestDocument(
      reco.name,
      event.formatVersion,
      pixelFrame({ nside, pixel, posvar, seed }, header),
    );
  };
}
