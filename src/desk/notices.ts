// Who is to be told when a scan is done, failed or stuck: web addresses and a command. What cannot be delivered is tried
// again, also after the desk was killed; no scan waits for it.
import { consola } from "consola";
import type { Clock } from "../config/clock.ts";
import { degreesPerRadian } from "../geometry/constants.ts";
import type { Archive, Notice, ScanRecord } from "./archive.ts";

export interface NoticesOptions {
  readonly archive: Archive;
  readonly clock: Clock;
  /** undefined: nobody. */
  readonly webhook?: string;
  /** Run by a shell. */
  readonly hook?: string;
  /** Address of the page, for links; undefined: not known. */
  readonly address?: string;
  readonly folderOf: (record: ScanRecord) => string;
  readonly post: (address: string, body: object) => Promise<void>;
  /** Throws where the command fails. */
  readonly run: (command: string, environment: Record<string, string>) => Promise<void>;
}

export type Occasion = "done" | "failed" | "stuck";

/** First pause after a failure, s; doubled each time, up to the longest; and how often it is tried. */
const firstPause = 10;
const longestPause = 3600;
const mostAttempts = 24;
/** How often it is looked for what is due, s. */
const interval = 1;

/** Before the next attempt, s. */
export const pauseAfter = (attempts: number): number =>
  Math.min(longestPause, firstPause * 2 ** (attempts - 1));

export class Notices {
  readonly #options: NoticesOptions;
  /** Being delivered. */
  readonly #busy = new Set<number>();
  readonly #end: () => void;

  constructor(options: NoticesOptions) {
    this.#options = options;
    this.#end = options.clock.every(interval, () => this.deliver());
  }

  /** Something happened to a scan. */
  add(scan: string, what: Occasion, reason: string | null): void {
    const { archive, clock, webhook, hook } = this.#options;
    const notice = { scan, what, reason, due: clock.date() };
    if (webhook !== undefined) archive.addNotice({ ...notice, target: "webhook" });
    if (hook !== undefined) archive.addNotice({ ...notice, target: "hook" });
  }

  /** Delivers what is due, each by itself. */
  deliver(): void {
    const { archive, clock } = this.#options;
    for (const notice of archive.notices()) {
      if (notice.due > clock.date() || this.#busy.has(notice.number)) continue;
      this.#busy.add(notice.number);
      void this.#deliver(notice).finally(() => this.#busy.delete(notice.number));
    }
  }

  close(): void {
    this.#end();
  }

  async #deliver(notice: Notice): Promise<void> {
    const { archive, clock } = this.#options;
    const { number, target, scan } = notice;
    try {
      const record = archive.get(scan);
      if (record !== undefined) await this.#send(record, notice);
      archive.dropNotice(number);
    } catch (error) {
      const attempts = notice.attempts + 1;
      const reason = error instanceof Error ? error.message : String(error);
      if (attempts >= mostAttempts) {
        archive.dropNotice(number);
        consola.error(`--${target} for scan ${scan} given up: ${reason}`);
        return;
      }
      archive.delayNotice(number, attempts, clock.date() + pauseAfter(attempts));
      consola.warn(`--${target} for scan ${scan} failed, tried again later: ${reason}`);
    }
  }

  async #send(found: ScanRecord, { target, what, reason }: Notice): Promise<void> {
    // As it was when it happened.
    const record = { ...found, reason };
    const { webhook, hook, address, folderOf, post, run } = this.#options;
    const occasion = what as Occasion;
    if (target === "webhook" && webhook !== undefined)
      await post(webhook, messageOf(record, occasion, address));
    if (target === "hook" && hook !== undefined)
      await run(hook, environmentOf(record, occasion, folderOf(record), address));
  }
}

const linkTo = ({ event }: ScanRecord, address: string): string =>
  `${address}e/${event.run}.${event.id}`;

/** What Slack and Mattermost show, and fields for whoever reads it by a program. */
export function messageOf(record: ScanRecord, what: Occasion, address: string | undefined) {
  const { id, event, settings, facts, reason } = record;
  const best = facts.best && {
    ra_deg: facts.best.ra * degreesPerRadian,
    dec_deg: facts.best.dec * degreesPerRadian,
  };
  const area = facts.areas.find(({ percent }) => percent === 90);
  const words = [
    `${event.name}, ${settings.reco}: ${what}`,
    ...(reason === null ? [] : [reason]),
    ...(best ? [`RA ${best.ra_deg.toFixed(2)}°, Dec ${best.dec_deg.toFixed(2)}°`] : []),
    ...(area ? [`90 % in ${area.area_sqdeg.toPrecision(3)} sq deg (2Δllh ${area.level})`] : []),
    ...(address === undefined ? [] : [linkTo(record, address)]),
  ];
  return {
    // Names in an alert are its sender's: they must not become mentions or links.
    text: words.join("\n").replace(/[<>&@]/g, (sign) => escapes[sign]!),
    ...{ scan_id: id, state: what, event: event.name, reco_algo: settings.reco, reason },
    best_fit: best,
    areas: facts.areas,
  };
}

const escapes: Readonly<Record<string, string>> = {
  ...{ "<": "&lt;", ">": "&gt;", "&": "&amp;", "@": "@\u200b" },
};

function environmentOf(
  record: ScanRecord,
  what: Occasion,
  folder: string,
  address: string | undefined,
): Record<string, string> {
  const { id, event, settings, facts, reason } = record;
  const stem = facts.stem === null ? "" : `${folder}/out/${facts.stem}`;
  return {
    SKYSCAN_SCAN_ID: id,
    SKYSCAN_STATE: what,
    SKYSCAN_REASON: reason ?? "",
    SKYSCAN_EVENT: event.name,
    SKYSCAN_RECO: settings.reco,
    SKYSCAN_FILES: what === "done" ? `${stem}.npz ${stem}.json` : "",
    SKYSCAN_PAGE: address === undefined ? "" : linkTo(record, address),
  };
}
