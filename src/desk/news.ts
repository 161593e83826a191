// What a running scan has to tell since it was told last: new pixels, how far it is, a better fit.
import type { PixelResult } from "../scan/task.ts";
import { mapBody } from "./map_body.ts";
import type { Best, ServerEvent } from "./messages.ts";
import { bestOf, type Run } from "./run.ts";
import type { Subscribers } from "./subscribers.ts";

/** More new pixels than these are not sent: who wants them fetches the map. */
export const mostPixels = 4000;
/** How often progress is told at most, s; pixels are told with every call. */
const progressInterval = 0.5;

/** What numbers a scan's map: the same for all of the scan's life. */
export const epochOf = (scan: string): string => scan.slice(-8);

/** Tells of one scan. */
export class News {
  readonly #scan: string;
  readonly #run: Run;
  readonly #subscribers: Subscribers;
  #told = 0;
  #best: PixelResult | undefined;
  #isFirstTold = false;
  #progress = "";
  #progressAt = Number.NEGATIVE_INFINITY;

  constructor(scan: string, run: Run, subscribers: Subscribers) {
    this.#scan = scan;
    this.#run = run;
    this.#subscribers = subscribers;
  }

  /** What was resumed was told by an earlier start. */
  skip(): void {
    this.#told = this.#run.map.seq;
    this.#best = this.#run.collection?.scan.best;
  }

  /** To be called a few times a second. @param now any clock, s; @param date s since 1970 */
  tell(now: number, date: number): void {
    this.#tellPixels();
    this.#tellBest();
    this.#tellFirst();
    if (now - this.#progressAt >= progressInterval) this.#tellProgress(now, date);
  }

  #tellPixels(): void {
    const { map } = this.#run;
    if (map.seq === this.#told) return;
    const since = this.#told;
    this.#told = map.seq;
    if (!this.#subscribers.hasListeners(this.#scan)) return;
    const pixels = map.since(since);
    if (pixels.length === 0) return;
    const scan = this.#scan;
    if (pixels.length > mostPixels) {
      this.#subscribers.tell("behind", { scan, epoch: epochOf(scan), seq: map.seq }, { scan });
      return;
    }
    this.#subscribers.tell("pixels", pixelsEvent(scan, pixels, map.seq), {
      ...{ scan, id: `${epochOf(scan)}.${map.seq}` },
    });
  }

  #tellBest(): void {
    const best = this.#run.collection?.scan.best;
    if (best === undefined || best === this.#best) return;
    this.#best = best;
    const scan = this.#scan;
    this.#subscribers.tell("best", { scan, ...bestOf(best, this.#run.plan) } as BestEvent, {
      scan,
    });
  }

  #tellFirst(): void {
    const { first } = this.#run;
    if (first === undefined || this.#isFirstTold) return;
    this.#isFirstTold = true;
    const scan = this.#scan;
    this.#subscribers.tell("first", { scan, ...first }, { scan });
  }

  #tellProgress(now: number, date: number): void {
    const event = progressEvent(this.#scan, this.#run, date);
    if (event === undefined) return;
    // What only time changes is told with what fits change.
    const text = `${event.done} ${event.sent} ${event.clients} ${event.failed}`;
    if (text === this.#progress) return;
    this.#progress = text;
    this.#progressAt = now;
    this.#subscribers.tell("progress", event, { scan: this.#scan });
  }
}

type BestEvent = { scan: string } & Best;

export const pixelsEvent = (
  scan: string,
  pixels: readonly PixelResult[],
  seq: number,
): ServerEvent<"pixels"> => ({
  scan,
  n: pixels.length,
  block: Buffer.from(mapBody(pixels, { epoch: epochOf(scan), seq })).toString("base64"),
});

/** undefined: the scan has not begun. @param date s since 1970 */
export function progressEvent(
  scan: string,
  run: Run,
  date: number,
): ServerEvent<"progress"> | undefined {
  const { collection } = run;
  if (collection === undefined) return undefined;
  const progress = collection.scan.progress();
  const { recosPerSecondLately, timeLeft } = collection.statistics.rates(progress, date);
  return {
    scan,
    ...{ done: progress.recosDone, estimated: progress.recosEstimated, sent: progress.recosSent },
    stages: run.stages(),
    rate: recosPerSecondLately,
    seconds_left: collection.scan.isComplete ? 0 : timeLeft,
    clients: collection.scheduler.counts.clients,
    failed: progress.recosFailed,
  };
}
