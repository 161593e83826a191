import { consola } from "consola";
import type { Clock } from "../config/clock.ts";
import { Interrupted } from "../config/errors.ts";
import { secret, type writeAtomically } from "../result/files.ts";
import { writeJson } from "../result/json.ts";
import type { SkyScanResult } from "../result/result.ts";
import { backoff, casual, isPassing, type SkyDriver, SkyDriverError, urgent } from "./client.ts";
import { constantParts, progressPart, type ScanView } from "./report.ts";

export interface ReportsOptions {
  readonly skydriver: SkyDriver;
  readonly scanId: string;
  readonly view: ScanView;
  /** The map as far as it is. */
  readonly result: () => SkyScanResult;
  readonly clock: Clock;
  /** How often progress and partial maps are sent, s. */
  readonly progressInterval: number;
  readonly resultInterval: number;
  /** Where the finished map lies until SkyDriver has it. */
  readonly keepAt: string;
  readonly write: typeof writeAtomically;
}

/** A finished map is sent again for so long, s. */
const lastSending = 3600;

/**
 * Reports a scan to SkyDriver. None of it is waited for but the finished map, and none that fails is more than a
 * warning but that.
 */
export class Reports {
  readonly #options: ReportsOptions;
  readonly #constant: string;
  /** s since 1970. */
  #handedOutAt: number | undefined;
  #firstResultAt: number | undefined;
  /** Fits done when progress was sent last, and when that was; by clock. */
  #reported = { recosDone: -1, at: Number.NEGATIVE_INFINITY };
  #sent = { recosDone: 0, at: Number.NEGATIVE_INFINITY };
  /** nsides of which results are in. */
  #begun = 0;
  /** What goes out, one after the other: the second while the first is on its way. */
  #turn: Promise<void> = Promise.resolve();
  #waiting = 0;
  #lastTrouble = "";

  constructor(options: ReportsOptions) {
    this.#options = options;
    this.#constant = constantParts(options.scanId, options.view);
  }

  /** The scanner is there; nothing is handed out yet. */
  started(): void {
    this.#report("The Skymap Scanner has started up.");
  }

  /** The first tasks are out. */
  handedOut(): void {
    this.#handedOutAt ??= this.#options.clock.date();
    this.#report("The Skymap Scanner has sent the first pixels.");
  }

  /** To be called about once a second. */
  tick(): void {
    const { view, clock, progressInterval, resultInterval } = this.#options;
    const { recosDone, stages } = view.scan.progress();
    if (recosDone === 0) return;
    this.#firstResultAt ??= clock.date();
    const begun = stages.filter((stage) => stage.recosDone > 0).length;
    const isNewNside = begun > this.#begun;
    this.#begun = begun;
    const at = clock.now();
    const isDue = (last: { recosDone: number; at: number }, interval: number) =>
      isNewNside || (last.recosDone !== recosDone && at - last.at >= interval);
    if (isDue(this.#reported, progressInterval))
      this.#report("The Skymap Scanner is fitting pixels.");
    if (isDue(this.#sent, resultInterval)) {
      this.#sent = { recosDone, at };
      this.#later(() => this.#put(false));
    }
  }

  /** The scan ends early. Says so once, and does not insist. */
  async failed(reason: string): Promise<void> {
    this.#report(`The Skymap Scanner has ended early: ${reason}`);
    this.#later(() => this.#put(false));
    await this.#turn;
  }

  /**
   * Delivers the finished map: until SkyDriver has it, it lies on the disk, and is sent again for an hour.
   * @throws SkyDriverError naming the file; Interrupted
   */
  async finished(): Promise<void> {
    const { keepAt, write } = this.#options;
    const body = this.#body(true);
    await write(keepAt, body, secret);
    await this.#turn;
    await this.#deliver(body).catch((error) => {
      if (!(error instanceof Interrupted)) throw error;
      throw new Interrupted(`${error.message} before SkyDriver had the map: it is kept, ${keepAt}`);
    });
    consola.info("SkyDriver has the finished map");
    await this.#patch("The Skymap Scanner has finished.", true, urgent).catch((error) =>
      consola.warn(`the end is not reported: ${error.message}`),
    );
  }

  async #deliver(body: string): Promise<void> {
    const { keepAt, clock, skydriver } = this.#options;
    const end = clock.now() + lastSending;
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#put(true, body);
        return;
      } catch (error) {
        if (!(error instanceof SkyDriverError)) throw error;
        this.#warnOnce(`the finished map is not delivered yet: ${error.message}`);
        // What is no trouble of now, and not of the token's, will be said again of the same map.
        const isHopeless = !isPassing(error) && ![401, 403, 404].includes(error.status!);
        if (isHopeless || clock.now() >= end)
          throw new SkyDriverError(
            `${error.message}; the map is kept: ${keepAt}; the same command sends it again`,
            error.status,
          );
      }
      await skydriver.pause(backoff(attempt + 1));
    }
  }

  #report(summary: string): void {
    const { view, clock } = this.#options;
    this.#reported = { recosDone: view.scan.progress().recosDone, at: clock.now() };
    this.#later(() => this.#patch(summary, false, casual));
  }

  /** One behind the other; what would wait behind more than a few is left out, as the next says more. */
  #later(work: () => Promise<void>): void {
    if (this.#waiting >= mostWaiting) return;
    this.#waiting++;
    this.#turn = this.#turn.then(work).then(
      () => {
        this.#waiting--;
        this.#lastTrouble = "";
      },
      (error) => {
        this.#waiting--;
        if (!(error instanceof Interrupted)) this.#warnOnce(`not reported: ${error.message}`);
      },
    );
  }

  /** Says a trouble when it comes, and not each time it is still there. */
  #warnOnce(trouble: string): void {
    if (trouble === this.#lastTrouble) consola.debug(trouble);
    else consola.warn(trouble);
    this.#lastTrouble = trouble;
  }

  async #patch(summary: string, isFinished: boolean, patience: typeof casual): Promise<void> {
    const { skydriver, scanId, view, clock } = this.#options;
    const progress = progressPart(view, {
      ...{ summary, now: clock.date(), isFinished },
      ...(this.#handedOutAt !== undefined && { handedOutAt: this.#handedOutAt }),
      ...(this.#firstResultAt !== undefined && { firstResultAt: this.#firstResultAt }),
    });
    const body = `{"progress": ${JSON.stringify(progress)}, ${this.#constant}}`;
    await skydriver.request("PATCH", `/scan/${scanId}/manifest`, patience, { body });
  }

  #body(isFinal: boolean): string {
    return `{"skyscan_result": ${writeJson(this.#options.result())}, "is_final": ${isFinal}}`;
  }

  /** The outer loop repeats a finished map, without rest-tools' own. */
  async #put(isFinal: boolean, body = this.#body(isFinal)): Promise<void> {
    const { skydriver, scanId } = this.#options;
    const patience = isFinal ? { timeout: urgent.timeout, retries: 0 } : casual;
    await skydriver.request("PUT", `/scan/${scanId}/result`, patience, { body });
  }
}

/** Reports on their way and behind them. */
const mostWaiting = 3;
