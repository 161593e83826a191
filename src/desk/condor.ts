// Clients on an HTCondor pool: submitted when there is work, removed when there was none for a while.
import { join } from "node:path";
import { consola } from "consola";
import submitFile from "../../scripts/condor/clients.submit" with { type: "text" };
import type { Clock } from "../config/clock.ts";
import { InputError } from "../config/errors.ts";
import { secret, writeAtomically } from "../result/files.ts";

export interface CondorOptions {
  /** Jobs at a time. */
  readonly jobs: number;
  /** The executable the jobs are given. */
  readonly executable: string;
  /** --broker as the jobs get it: without its password. */
  readonly broker: string;
  readonly password: string | undefined;
  /** Certificate of the broker's private authority. */
  readonly caFile?: string;
  /** The desk's name on the broker. */
  readonly desk: string;
  /** Jobs are removed when there was nothing to do for so long, s. */
  readonly idleWait: number;
  /** Where submit file, token and logs are. */
  readonly folder: string;
  readonly clock: Clock;
  /** Whether there is anything to be done. */
  readonly hasWork: () => boolean;
  /** Runs a command. @returns its standard output. Throws where it fails */
  readonly run: (command: readonly string[]) => Promise<string>;
}

/** Work must be there for so long before jobs are asked for, s: a short scan is over before they start. */
const firstWait = 10;
/** Jobs end by themselves or are lost: so often it is looked whether the cluster is still there, s. */
const lookInterval = 120;
/** A scheduler that refuses is asked again after so long, s. */
const pause = 60;
/** How often this is thought over, s. */
const interval = 5;

/** What the pool was asked for. */
export class CondorClients {
  readonly #options: CondorOptions;
  readonly #end: () => void;
  #cluster: string | undefined;
  #workSince: number | undefined;
  #idleSince: number | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #notBefore = Number.NEGATIVE_INFINITY;
  #busy: Promise<void> | undefined;

  /** Throws InputError without a password: what the pool's users can read must not be enough. */
  constructor(options: CondorOptions) {
    if (!options.password)
      throw new InputError("--condor needs a --broker with a password (--broker-token)");
    this.#options = options;
    this.#end = options.clock.every(interval, () => this.consider());
  }

  /** Jobs asked for and not removed. */
  get cluster(): string | undefined {
    return this.#cluster;
  }

  /** Fulfilled when what is being asked for is answered; undefined: nothing is. */
  get busy(): Promise<void> | undefined {
    return this.#busy;
  }

  /** Submits or removes, where it is time to. */
  consider(): void {
    if (this.#busy !== undefined) return;
    const work = this.#due();
    if (work === undefined) return;
    this.#busy = work()
      .catch((error) => {
        this.#notBefore = this.#options.clock.now() + pause;
        consola.warn(`--condor: ${error instanceof Error ? error.message : error}`);
      })
      .finally(() => {
        this.#busy = undefined;
      });
  }

  async close(): Promise<void> {
    this.#end();
    await this.#busy;
    if (this.#cluster !== undefined) await this.#remove().catch(() => {});
  }

  #due(): (() => Promise<void>) | undefined {
    const { clock, hasWork, idleWait } = this.#options;
    const now = clock.now();
    if (hasWork()) {
      this.#workSince ??= now;
      this.#idleSince = undefined;
    } else {
      this.#idleSince ??= now;
      this.#workSince = undefined;
    }
    if (now < this.#notBefore) return undefined;
    const hasWaited = (since: number | undefined, seconds: number) =>
      since !== undefined && now - since >= seconds;
    if (this.#cluster === undefined)
      return hasWaited(this.#workSince, firstWait) ? () => this.#submit() : undefined;
    if (hasWaited(this.#idleSince, idleWait)) return () => this.#remove();
    return now - this.#lookedAt >= lookInterval ? () => this.#look() : undefined;
  }

  async #submit(): Promise<void> {
    const { folder, jobs, clock, run, password } = this.#options;
    const token = join(folder, "token");
    await writeAtomically(token, `${password}\n`, secret);
    const file = join(folder, "clients.submit");
    await writeAtomically(file, submitText(this.#options));
    // "12.0 - 12.9"
    const answer = await run(["condor_submit", "-terse", file]);
    const cluster = /^(\d+)\./.exec(answer.trim())?.[1];
    if (cluster === undefined) throw new Error(`condor_submit answered "${answer.slice(0, 80)}"`);
    this.#cluster = cluster;
    this.#lookedAt = clock.now();
    consola.info(`--condor: ${jobs} clients submitted (cluster ${cluster})`);
  }

  async #remove(): Promise<void> {
    const cluster = this.#cluster!;
    await this.#options.run(["condor_rm", cluster]);
    this.#cluster = undefined;
    consola.info(`--condor: cluster ${cluster} removed`);
  }

  /** Forgets a cluster none of whose jobs are left. */
  async #look(): Promise<void> {
    const { run, clock } = this.#options;
    this.#lookedAt = clock.now();
    const left = await run(["condor_q", this.#cluster!, "-af", "ProcId"]);
    if (left.trim() === "") this.#cluster = undefined;
  }
}

/** The submit file of scripts/condor, with this desk's settings before it. */
export function submitText({
  executable,
  broker,
  desk,
  folder,
  jobs,
  caFile,
}: Pick<CondorOptions, "executable" | "broker" | "desk" | "folder" | "jobs" | "caFile">): string {
  const settings = {
    skyscan: executable,
    ...{ broker, desk, jobs, workdir: folder },
    token: join(folder, "token"),
    ...(caFile !== undefined && { ca_file: caFile }),
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  return `${lines.join("\n")}\n\n${submitFile}`;
}
