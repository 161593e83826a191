// The desk: takes alerts in, lets their scans run, tells who listens, remembers. What it does over HTTP is in routes/.
import { consola } from "consola";
import type { Clock } from "../config/clock.ts";
import { BrokerError, Interrupted } from "../config/errors.ts";
import type { BrokerAddress } from "../mq/address.ts";
import type { Connection } from "../mq/connection.ts";
import type { Topics } from "../mq/topics.ts";
import type { ScanPlan } from "../server/plan.ts";
import type { ServerOutcome } from "../server/server.ts";
import {
  type Archive,
  isUnfinished,
  type ScanChange,
  type ScanFacts,
  type ScanRecord,
} from "./archive.ts";
import { findingsOf } from "./findings.ts";
import {
  type Alert,
  alertFile,
  type IntakeOptions,
  type Planned,
  planAgain,
  scanFolder,
  takeIn,
} from "./intake.ts";
import type { ScanRequest, ScanRow } from "./messages.ts";
import { News } from "./news.ts";
import { Pool } from "./pool.ts";
import { notFound, ProblemError } from "./problem.ts";
import { rowOf, type Standing, scanStateOf, stateOf } from "./rows.ts";
import { Run } from "./run.ts";
import type { Claim } from "./sharing.ts";
import { reasonStuck } from "./stuck.ts";
import type { Subscribers } from "./subscribers.ts";

export interface DeskOptions {
  readonly archive: Archive;
  readonly intake: IntakeOptions;
  readonly subscribers: Subscribers;
  readonly broker: BrokerAddress;
  readonly topics: Topics;
  readonly publish: Connection["publish"];
  /** The longest message the broker takes, bytes. */
  readonly longestMessage?: number;
  /** Counts the desk's starts. */
  readonly session: number;
  readonly clock: Clock;
  /** A scan has ended, or is stuck. */
  readonly onNews: (scan: string, what: "done" | "failed" | "stuck", reason: string | null) => void;
}

/** How often new pixels are told, how often workers are shared anew, and how often the pool is told of, s. */
const newsInterval = 0.25;
const shareInterval = 1;
const poolInterval = 5;
/** A scan whose broker cannot be reached is tried again after so long, s. */
const brokerPause = 30;
/** Plans kept of scans that have not begun: each holds its event. */
const mostPlans = 32;

/** A scan that is running. */
interface Active {
  readonly run: Run;
  readonly news: News;
  /** Stages that are known to have begun; undefined: nothing is known of them yet. */
  begun: number | undefined;
}

export class Desk {
  readonly archive: Archive;
  readonly subscribers: Subscribers;
  readonly pool: Pool;
  readonly #options: DeskOptions;
  readonly #active = new Map<string, Active>();
  /** Scans that are not over, by id. */
  readonly #unfinished = new Map<string, ScanRecord>();
  readonly #plans = new Map<string, ScanPlan>();
  readonly #starting = new Set<string>();
  readonly #stuck = new Map<string, string>();
  readonly #served = new Map<string, number>();
  readonly #timers: (() => void)[] = [];
  readonly #ended = { done: 0, failed: 0, cancelled: 0 };
  #fits = 0;
  #sharedAt: number;
  #isClosing = false;

  constructor(options: DeskOptions) {
    const { archive, subscribers, topics, session, publish, clock } = options;
    this.#options = options;
    this.archive = archive;
    this.subscribers = subscribers;
    this.#sharedAt = clock.now();
    this.pool = new Pool({
      ...{ topics, session, publish, clock },
      claims: () => this.claims(),
      onSent: (scan) => void this.#begin(scan),
      onRefused: (_client, scan, reason) => this.#refused(scan, reason),
    });
    for (const record of archive.find("state IN ('waiting', 'running') AND NOT isDeleted")) {
      this.#unfinished.set(record.id, record);
      this.#served.set(record.id, record.served);
    }
  }

  /** Goes on with what was not finished when the desk was last ended. */
  start(): void {
    const { clock } = this.#options;
    if (this.#unfinished.size > 0)
      consola.info(`${this.#unfinished.size} scans are not finished, and go on`);
    this.#timers.push(
      clock.every(newsInterval, () => this.#tellNews()),
      clock.every(shareInterval, () => this.#shareAnew()),
      clock.every(poolInterval, () => this.#tellPool()),
    );
    // Those that had begun have their maps shown at once, whoever is served first.
    for (const { id, state } of this.#unfinished.values())
      if (state === "running") void this.#begin(id);
  }

  /**
   * Takes an alert in. Throws ProblemError.
   * @param isOnce not where the same alert was scanned with the same settings before
   * @returns the scans it leads to
   */
  async submit(alert: Alert, request: ScanRequest, { isOnce = false } = {}): Promise<ScanRecord[]> {
    const { archive, intake, clock } = this.#options;
    const planned = await takeIn(alert, request, intake, clock.date());
    if (isOnce) this.#requireNew(planned);
    archive.add(planned.map(({ record }) => record));
    for (const { record, plan } of planned) this.#await(record, plan);
    this.pool.shareSoon();
    return planned.map(({ record }) => record);
  }

  /** Shows a scan that somebody else runs. @returns what to tell when it is over: its result, or why it ended early */
  adopt(record: ScanRecord, run: Run): (ended: ServerOutcome | Error) => void {
    this.archive.add([record]);
    this.#unfinished.set(record.id, record);
    this.#show(record.id, run);
    return (ended) => {
      if (ended instanceof Error) this.#over(record.id, "failed", ended.message);
      else this.#done(record.id, ended);
    };
  }

  /** The same alert again, with the same settings or others. Throws ProblemError. */
  async rescan(
    id: string,
    request: Pick<ScanRequest, "reco_algo" | "nsides" | "refine_to_contour" | "priority">,
  ): Promise<ScanRecord> {
    const { archive, intake, clock } = this.#options;
    const old = this.record(id);
    const { settings } = old;
    const bytes = await Bun.file(alertFile(intake.data, old.alert)).bytes();
    const planned = await takeIn(
      { bytes, name: old.event.name },
      {
        ...old.request,
        reco_algo: request.reco_algo ?? settings.reco,
        nsides: request.nsides ?? nsidesRecord(settings.nsides),
        refine_to_contour: request.refine_to_contour ?? settings.refineToContour ?? false,
        priority: request.priority ?? old.priority,
        max_pixel_reco_time: settings.recoTimeout,
        predictive_scanning_threshold: settings.threshold,
        ...(settings.isRealEvent !== null && {
          real_or_simulated_event: settings.isRealEvent ? "real" : "sim",
        }),
      },
      { ...intake, seed: settings.seed },
      clock.date(),
    );
    const { record: fresh, plan } = planned[0]!;
    const record: ScanRecord = {
      ...fresh,
      event: { ...fresh.event, stream: old.event.stream },
      rescanOf: id,
      classifiers: { ...old.classifiers, rescan: true, origin_scan_id: id },
    };
    archive.add([record]);
    this.#await(record, plan);
    this.pool.shareSoon();
    return record;
  }

  /** Ends a scan that is not over. */
  async cancel(id: string, reason = "cancelled"): Promise<ScanRecord> {
    const record = this.record(id);
    if (!isUnfinished(record.state)) return record;
    const active = this.#active.get(id);
    this.#over(id, "cancelled", reason);
    if (active) {
      active.run.cancel();
      await active.run.settled();
    }
    return this.record(id);
  }

  /** Takes a scan from the list; its files stay. */
  async remove(id: string): Promise<ScanRecord> {
    await this.cancel(id);
    this.change(id, { isDeleted: true });
    this.subscribers.tell("gone", { scan: id });
    return this.record(id);
  }

  /** Remembers a change of a scan, and tells of it. */
  change(id: string, change: ScanChange): void {
    this.archive.change(id, change, this.#options.clock.date());
    const record = this.archive.get(id);
    if (record !== undefined && this.#unfinished.has(id)) this.#unfinished.set(id, record);
    this.#tellRow(id);
  }

  /** A scan that is over has other levels: whoever shows it asks anew. */
  calibrated(id: string, facts: ScanFacts): void {
    const what = facts.calibration === undefined ? "calibration taken away" : "calibrated";
    this.archive.note(id, this.#options.clock.date(), what, null);
    this.change(id, { facts });
    this.#tellState(id);
  }

  /** Throws ProblemError where there is no such scan. */
  record(id: string): ScanRecord {
    const record = this.#unfinished.get(id) ?? this.archive.get(id);
    if (record === undefined) throw notFound("such scan");
    return record;
  }

  /** The alert a scan is about, as it was sent. */
  alertFile({ alert }: ScanRecord): string {
    return alertFile(this.#options.intake.data, alert);
  }

  /** Where everything of a scan lies. */
  folder({ id }: ScanRecord): string {
    return scanFolder(this.#options.intake.data, id);
  }

  /** Baseline GCD files; undefined: the built-in geometry serves. */
  get gcdDir(): string | undefined {
    return this.#options.intake.gcdDir;
  }

  run(id: string): Run | undefined {
    return this.#active.get(id)?.run;
  }

  standing(record: ScanRecord): Standing {
    const run = this.#active.get(record.id)?.run;
    const now = this.#options.clock.date();
    const rates = run?.collection?.statistics.rates(run.collection.scan.progress(), now);
    return {
      ...{ record, run, now, stuck: this.#stuck.get(record.id) },
      rate: rates?.recosPerSecondLately ?? null,
      secondsLeft: isUnfinished(record.state) ? (rates?.timeLeft ?? null) : null,
    };
  }

  row(record: ScanRecord): ScanRow {
    return rowOf(this.standing(record));
  }

  scanState(record: ScanRecord): string {
    return scanStateOf(this.standing(record));
  }

  /** The scans that want workers. */
  claims(): Claim[] {
    return [...this.#unfinished.values()].map(({ id, priority, created }) => ({
      ...{ scan: id, priority, created, served: this.#served.get(id) ?? 0 },
      open: this.#active.get(id)?.run.open,
    }));
  }

  /** Fits a second, lately, of all scans. */
  get rate(): number {
    let rate = 0;
    for (const id of this.#active.keys()) rate += this.standing(this.record(id)).rate ?? 0;
    return rate;
  }

  /** How many scans run, and how many wait. */
  get counts() {
    const all = [...this.#unfinished.values()];
    const running = all.filter(({ state }) => state === "running").length;
    return { running, waiting: all.length - running, stuck: this.#stuck.size };
  }

  /** Results of scans that are running, and of those that ended, since the desk's start. */
  get fits(): number {
    let fits = this.#fits;
    for (const { run } of this.#active.values()) fits += run.map.seq - run.resumed;
    return fits;
  }

  /** Scans that ended since the desk's start, by how. */
  get ended(): Readonly<Record<"done" | "failed" | "cancelled", number>> {
    return this.#ended;
  }

  /** Ends all that runs; it goes on when the desk is started again. */
  async close(): Promise<void> {
    this.#isClosing = true;
    for (const end of this.#timers) end();
    this.pool.close();
    const runs = [...this.#active.values()].map(({ run }) => run);
    for (const run of runs) run.interrupt();
    await Promise.all(runs.map((run) => run.settled()));
    for (const [id, served] of this.#served)
      if (this.#unfinished.has(id)) this.archive.change(id, { served }, this.#options.clock.date());
    this.subscribers.close();
  }

  #await(record: ScanRecord, plan: ScanPlan): void {
    this.#unfinished.set(record.id, record);
    if (this.#plans.size < mostPlans) this.#plans.set(record.id, plan);
    consola.info(`scan ${record.id}: ${record.event.name}, ${record.settings.reco}`);
    this.#tellRow(record.id);
  }

  /** Throws ProblemError where one of these scans was done before. */
  #requireNew(planned: readonly Planned[]): void {
    for (const { record } of planned) {
      const { event, settings } = record;
      const [before] = this.archive
        .find("NOT isDeleted AND state NOT IN ('failed', 'cancelled') AND alert = ?", [
          record.alert,
        ])
        .filter(
          (other) =>
            other.settings.reco === settings.reco &&
            other.settings.nsides === settings.nsides &&
            other.settings.refineToContour === settings.refineToContour,
        );
      if (before === undefined) continue;
      const time = new Date(before.created * 1000).toISOString().slice(11, 16);
      const state = stateOf(this.standing(before));
      throw new ProblemError(
        409,
        `This event (${event.name}) was scanned at ${time} UTC (${state}). Open it, or Rescan.`,
        { scan_id: before.id },
      );
    }
  }

  /** Starts a scan's server, where it has none yet. */
  async #begin(id: string): Promise<void> {
    const record = this.#unfinished.get(id);
    if (!record || this.#active.has(id) || this.#starting.has(id) || this.#isClosing) return;
    this.#starting.add(id);
    const { intake, broker, clock, longestMessage } = this.#options;
    try {
      const plan = this.#plans.get(id) ?? (await planAgain(record, intake));
      this.#plans.delete(id);
      if (!this.#unfinished.has(id) || this.#isClosing) return;
      const run = new Run(plan, clock);
      this.#show(id, run);
      run
        .begin({
          ...{ broker, basename: id, recoTimeout: record.settings.recoTimeout },
          folder: scanFolder(intake.data, id),
          ...(longestMessage !== undefined && { longestMessage }),
        })
        .then(
          (outcome) => this.#done(id, outcome),
          (error) => this.#failed(id, error),
        );
    } catch (error) {
      this.#failed(id, error);
    } finally {
      this.#starting.delete(id);
    }
  }

  /** A scan has begun, or goes on. */
  #show(id: string, run: Run): void {
    const record = this.record(id);
    const now = this.#options.clock.date();
    const news = new News(id, run, this.subscribers);
    this.#active.set(id, { run, news, begun: undefined });
    // Somebody looks at an empty map: its first pixel does not wait for company.
    const { clock } = this.#options;
    run.onFirstPixel = () =>
      clock.after(0, () => {
        news.tell(clock.now(), clock.date());
        if (run.resumed > 0) return;
        this.archive.note(id, clock.date(), "first pixel", null);
        this.#tellState(id);
      });
    if (record.state === "waiting") this.archive.note(id, now, "started", null);
    this.change(id, { state: "running", started: record.started ?? now, reason: null });
    this.#tellState(id);
  }

  #done(id: string, { result }: ServerOutcome): void {
    const active = this.#active.get(id);
    if (!active) return;
    active.news.tell(this.#options.clock.now(), this.#options.clock.date());
    this.#over(id, "done", null, {
      ...active.run.facts([]),
      ...findingsOf(result),
    });
  }

  #failed(id: string, error: unknown): void {
    // Told to end: it is cancelled already, or goes on with the desk's next start.
    if (error instanceof Interrupted || this.#isClosing) {
      this.#active.delete(id);
      return;
    }
    const reason = error instanceof Error ? error.message : String(error);
    // A broker that was away for too long comes back some day, and the scan is where it was.
    if (error instanceof BrokerError) {
      consola.warn(`scan ${id}: ${reason}; tried again`);
      this.#active.delete(id);
      this.#options.clock.after(brokerPause, () => void this.#begin(id));
      return;
    }
    consola.error(`scan ${id}: ${reason}`);
    this.#over(id, "failed", reason);
  }

  #refused(id: string, reason: string): void {
    if (!this.#unfinished.has(id)) return;
    this.archive.note(id, this.#options.clock.date(), "refused by a client", reason);
    if (!this.pool.isRefusedByAll(id)) return;
    const active = this.#active.get(id);
    this.#over(id, "failed", reason);
    active?.run.cancel();
  }

  /** A scan is over. */
  #over(
    id: string,
    state: "done" | "failed" | "cancelled",
    reason: string | null,
    facts = this.#active.get(id)?.run.facts([]) ?? this.record(id).facts,
  ): void {
    const now = this.#options.clock.date();
    const run = this.#active.get(id)?.run;
    if (run) this.#fits += run.map.seq - run.resumed;
    this.#ended[state]++;
    this.archive.note(id, now, state, reason);
    this.#unfinished.delete(id);
    this.#plans.delete(id);
    this.#stuck.delete(id);
    const served = this.#served.get(id) ?? 0;
    this.#served.delete(id);
    this.archive.change(id, { state, reason, ended: now, facts, served }, now);
    this.#active.delete(id);
    this.#tellState(id);
    this.#tellRow(id);
    if (state !== "cancelled") this.#options.onNews(id, state, reason);
    this.pool.shareSoon();
  }

  #tellNews(): void {
    const { clock } = this.#options;
    for (const [id, active] of this.#active) {
      active.news.tell(clock.now(), clock.date());
      this.#noteStages(id, active);
    }
  }

  /** Remembers when a scan began each stage but its first. Those of an earlier start are remembered. */
  #noteStages(id: string, active: Active): void {
    const { run } = active;
    if (run.collection === undefined) return;
    const nsides = run.stages().flatMap(({ nside, pixels }) => (pixels.sent > 0 ? [nside] : []));
    const known = active.begun ?? (run.resumed > 0 ? nsides.length : 1);
    active.begun = Math.max(known, nsides.length);
    if (nsides.length <= known) return;
    for (const nside of nsides.slice(known))
      this.archive.note(id, this.#options.clock.date(), `nside ${nside}`, null);
    this.#tellState(id);
  }

  #shareAnew(): void {
    const now = this.#options.clock.now();
    const passed = now - this.#sharedAt;
    this.#sharedAt = now;
    for (const id of this.#unfinished.keys()) {
      const workers = this.pool.workersOf(id);
      this.#served.set(id, (this.#served.get(id) ?? 0) + workers * passed);
      this.#lookIfStuck(id, workers);
    }
    this.pool.tick();
  }

  #lookIfStuck(id: string, workers: number): void {
    const run = this.#active.get(id)?.run;
    if (run === undefined) return;
    // Others go first: nothing is wrong with it.
    if (workers === 0 && this.pool.workers > 0) run.expectResults();
    const reason = reasonStuck(run, this.pool, this.#options.clock.date());
    const before = this.#stuck.get(id);
    if ((reason === undefined) === (before === undefined)) return;
    if (reason === undefined) this.#stuck.delete(id);
    else {
      this.#stuck.set(id, reason);
      this.archive.note(id, this.#options.clock.date(), "stuck", reason);
      this.#options.onNews(id, "stuck", reason);
    }
    this.#tellState(id);
    this.#tellRow(id);
  }

  #tellRow(id: string): void {
    this.subscribers.tell("scan", { row: this.row(this.record(id)) }, { scan: id });
  }

  #tellState(id: string): void {
    const standing = this.standing(this.record(id));
    const { reason } = standing.record;
    this.subscribers.tell(
      "state",
      {
        scan: id,
        state: stateOf(standing),
        reason: standing.stuck ?? reason,
        at: standing.now,
      },
      { scan: id },
    );
  }

  #tellPool(): void {
    const { size, workers, busy } = this.pool;
    const { running, waiting } = this.counts;
    this.subscribers.tell("clients", {
      ...{ clients: size, workers, busy, rate: this.rate, running, waiting },
    });
  }
}

/** "8:0 64:12" as SkyDriver writes it. */
export const nsidesRecord = (nsides: string): Record<string, number> =>
  Object.fromEntries(
    nsides.split(" ").map((stage) => {
      const [nside, extension] = stage.split(":");
      return [nside!, Number(extension)];
    }),
  );
