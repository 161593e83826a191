// Energy losses along a pixel's track: the fit done again as the scan did it, by a process of its own, when somebody
// looks at the pixel.
import { existsSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import type { Clock } from "../config/clock.ts";
import type { StoredResult } from "../store/row.ts";
import type { ScanRecord } from "./archive.ts";
import type { Desk } from "./desk.ts";
import type { PixelAnswer } from "./messages.ts";
import { outputOf } from "./run.ts";

const number = v.number();
const Answer = v.object({
  losses: v.array(v.object({ x: number, y: number, z: number, time: number, energy: number })),
});

export interface LossesOptions {
  readonly clock: Clock;
  readonly desk: Desk;
  /** Runs this program with these arguments. @returns its standard output; undefined where it fails */
  readonly ask: (args: readonly string[]) => Promise<string | undefined>;
  readonly photonTables?: string;
  readonly gcdDir?: string;
}

/** Whoever looks at a pixel waits no longer, s: on a busy machine its fits are shown first, its losses the next time. */
const patience = 3;
/** Answers kept, the newest. */
const mostKept = 200;

export class Losses {
  readonly #options: LossesOptions;
  readonly #known = new Map<string, Promise<PixelAnswer["losses"]>>();
  /** One at a time: the scans' own fits go first. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: LossesOptions) {
    this.#options = options;
  }

  /** null for algorithms without losses, and where there is no fit. */
  of(record: ScanRecord, fits: readonly StoredResult[]): Promise<PixelAnswer["losses"]> {
    const best = fits
      .filter(({ llh }) => Number.isFinite(llh))
      .toSorted((a, b) => a.llh - b.llh)[0];
    if (best === undefined || !record.settings.reco.startsWith("millipede"))
      return Promise.resolve(null);
    const key = `${record.id} ${best.nside} ${best.pixel} ${best.posvar}`;
    let asked = this.#known.get(key);
    if (asked === undefined) {
      asked = this.#turn.then(() => this.#ask(record, best));
      this.#turn = asked;
      this.#known.set(key, asked);
      if (this.#known.size > mostKept) this.#known.delete(this.#known.keys().next().value!);
    }
    const late = new Promise<null>((resolve) => {
      this.#options.clock.after(patience, () => resolve(null));
    });
    return Promise.race([asked, late]);
  }

  async #ask(record: ScanRecord, best: StoredResult): Promise<PixelAnswer["losses"]> {
    const { desk, ask, photonTables, gcdDir } = this.#options;
    const { nside, pixel, posvar } = best;
    const result = join(outputOf(desk.folder(record)), `${record.facts.stem}.npz`);
    const answer = await ask([
      ...["reco", desk.alertFile(record), "--reco-algo", record.settings.reco, "--json"],
      ...["--nside", `${nside}`, "--pixel", `${pixel}`, "--posvar", `${posvar}`],
      ...(existsSync(result) ? ["--from", result] : []),
      ...(photonTables === undefined ? [] : ["--photon-tables", photonTables]),
      ...(gcdDir === undefined ? [] : ["--gcd-dir", gcdDir]),
    ]).catch(() => undefined);
    try {
      return v.parse(Answer, JSON.parse(answer ?? "")).losses;
    } catch {
      return null;
    }
  }
}
