import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { consola } from "consola";
import {
  brokerPatience,
  heartbeatInterval,
  progressInterval,
  resultInterval,
} from "../config/environment.ts";
import { InputError, Interrupted, TimedOut } from "../config/errors.ts";
import { version } from "../config/version.ts";
import type { Detector } from "../detector/detector.ts";
import { type Event, eventName } from "../event/event.ts";
import type { BrokerAddress } from "../mq/address.ts";
import { type Connection, connect } from "../mq/connection.ts";
import {
  ClientStatus,
  type Control,
  MalformedMessage,
  parseMessage,
  protocolVersion,
  ResultMessage,
  type TaskMessage,
} from "../mq/messages.ts";
import { splitStartup } from "../mq/startup.ts";
import { clientOfStatus, newBasename, newClientId, topicsOf } from "../mq/topics.ts";
import { toEquatorial } from "../native/astro.ts";
import { plotFiles } from "../plot/files.ts";
import type { EnergyEstimate, Reco } from "../reco/reco.ts";
import { writeAtomically, writeResult } from "../result/files.ts";
import { resultFromScan, type SkyScanResult } from "../result/result.ts";
import { createStatistics } from "../scan/progress.ts";
import { createScan, type Scan } from "../scan/scan.ts";
import { createScheduler, type Lease } from "../scan/scheduler.ts";
import type { ReleasedTask } from "../scan/task.ts";
import { formatProgression, type Progression } from "../sky/progression.ts";
import { openStore, type Store, type StoredResult } from "../store/store.ts";
import { type FailedFit, type Manifest, manifest } from "./manifest.ts";
import { showProgress } from "./progress.ts";
import { startupData, writeStartupFiles } from "./startup.ts";

/** A scan to be run, all of its input read and found good. */
export interface ScanPlan {
  readonly event: Event;
  readonly detector: Detector;
  /** File name of the baseline GCD; undefined: the built-in geometry serves. */
  readonly baselineGcd?: string;
  readonly reco: Reco;
  readonly miniTest: boolean;
  readonly progression: Progression;
  readonly threshold: number;
  readonly seed?: number;
  /** Clients must have photon tables; false: whatever the first of them has. */
  readonly needsTables: boolean;
  /** Where a pointed scan points, detector coordinates (rad). */
  readonly pointing?: { readonly zenith: number; readonly azimuth: number };
  /** The recorded energy; undefined: not needed, or fitted by the clients with their light. */
  readonly energy?: EnergyEstimate;
}

export interface ServerOptions {
  readonly broker: BrokerAddress;
  readonly outputDir: string;
  /** undefined: nothing is remembered. */
  readonly cacheDir?: string;
  /** undefined: no files, clients are given the basename otherwise. */
  readonly startupDir?: string;
  /** s. */
  readonly timeoutToClients: number;
  readonly timeoutFromClients: number;
  readonly recoTimeout: number;
  /** Different clients a fit may fail on before it is given up. */
  readonly maxFailures: number;
  /** Aborted: save what there is and stop. */
  readonly stop?: AbortSignal;
  /** Called when clients can come. */
  readonly onOpen?: (basename: string) => void;
}

export interface ServerOutcome {
  readonly result: SkyScanResult;
  readonly manifest: Manifest;
  readonly files: readonly string[];
}

/** How long the clients get to say goodbye, s. */
const farewell = 2;
/** How often deadlines and silent clients are looked at, ms. */
const tickPeriod = 500;
/** How often the status topic is renewed, s. */
const statusInterval = 5;
/** A client is gone when it missed this many heartbeats. */
const missedHeartbeats = 3;
/** Leases younger than this may still be on their way when a client says what it holds, s. */
const inTransit = 2;
/** So many warnings about bad messages are enough. */
const mostWarnings = 20;

/**
 * Runs a scan to its end: hands tasks to clients, keeps their results, writes the result files.
 * Throws TimedOut when results stay away, Interrupted when stopped (both after saving what there is),
 * BrokerError, InputError.
 */
export async function runServer(plan: ScanPlan, options: ServerOptions): Promise<ServerOutcome> {
  const { event, reco } = plan;
  const name = eventName(event.metadata);
  const variations = reco.seeds.variations.length;
  const scan = createScan({
    progression: plan.progression,
    variations,
    seed: plan.seed ?? 0,
    threshold: plan.threshold,
    ...pointingOf(plan),
  });
  const identity = identityOf(plan);
  // Whoever waits for this start's file must not find an earlier one's.
  if (options.startupDir !== undefined)
    await rm(join(options.startupDir, "startup.json"), { force: true });
  const store = openStore(storePath(options.cacheDir, name, identity), identity);
  let outcome: ServerOutcome;
  try {
    outcome = await serve(plan, options, scan, store);
  } finally {
    store.close();
  }
  // The clients have gone home by now.
  const { light } = outcome.manifest.scan;
  const caption = [reco.name, ...(light === null ? [] : [light])].join(", ");
  const { png, svg } = await plotFiles(options.outputDir, outcome.result, caption);
  return { ...outcome, files: [...outcome.files, png, svg] };
}

async function serve(
  plan: ScanPlan,
  options: ServerOptions,
  scan: Scan,
  store: Store,
): Promise<ServerOutcome> {
  const { event, reco } = plan;
  const name = eventName(event.metadata);
  const scheduler = createScheduler({
    recoTimeout: options.recoTimeout,
    maxFailures: options.maxFailures,
    silence: missedHeartbeats * heartbeatInterval(),
  });
  const session = Number(store.get("session") ?? 0) + 1;
  const basename = store.get("basename") ?? newBasename();
  const startedAt = Number(store.get("started") ?? now());
  store.set("session", String(session));
  store.set("basename", basename);
  store.set("started", String(startedAt));
  const known = store.get("light");
  let light: { kind: string; description: string } | undefined = known && JSON.parse(known);
  const topics = topicsOf(basename);
  const retain = { retain: true };
  const statistics = createStatistics(startedAt);
  const failed: FailedFit[] = [];
  const outcome = Promise.withResolvers<"done">();
  outcome.promise.catch(() => {});
  /** Clients whose results we believe, also after they have gone. */
  const trusted = new Set<string>();
  const refused = new Set<string>();
  let connection: Connection | undefined;
  let arrived: StoredResult[] = [];
  let isFlushPending = false;
  let malformed = 0;
  let lastResultAt = performance.now();
  let files: readonly string[] = [];
  /** Leases given, for round-trip times: lease → when (s, monotonic). */
  const leasedAt = new Map<number, number>();

  const warn = (text: string) => {
    malformed++;
    if (malformed <= mostWarnings) consola.warn(text);
    if (malformed === mostWarnings) consola.warn("further bad messages are counted only");
  };

  // What is already known.
  scheduler.add(scan.start());
  for (const result of store.results()) {
    count(result);
    statistics.mark(scan.progress(), scan.isComplete, result.at);
  }
  statistics.resume(now());
  if (store.count > 0) consola.info(`resumed: ${store.count} fits are done already`);

  function count(result: StoredResult): void {
    scheduler.markDone(result);
    scheduler.add(scan.add(result));
    statistics.add(result.nside, result.seconds, result.roundTrip, result.evaluations, result.at);
    if (result.reason !== undefined) {
      const { nside, pixel, posvar, reason } = result;
      failed.push({ nside, pixel, posvar, reasons: reason.split("\n") });
    }
  }

  /** Stores, then counts, what has arrived since; hands out new tasks. */
  const flush = () => {
    isFlushPending = false;
    const batch = arrived;
    arrived = [];
    if (batch.length > 0) {
      store.append(batch);
      for (const result of batch) count(result);
      lastResultAt = performance.now();
    }
    if (scan.isComplete) outcome.resolve("done");
    else handOut(scheduler.assign(clock()));
  };
  const flushSoon = () => {
    if (isFlushPending) return;
    isFlushPending = true;
    setImmediate(() => guarded(flush));
  };
  const guarded = (work: () => void) => {
    try {
      work();
    } catch (error) {
      outcome.reject(error);
    }
  };
  const handOut = (leases: ReadonlyMap<string, readonly Lease[]>) => {
    for (const [client, list] of leases) {
      const message: TaskMessage = { session, tasks: list.map(taskEntry) };
      const at = clock();
      for (const lease of list) leasedAt.set(lease.id, at);
      connection?.publish(topics.task(client), message);
    }
  };

  const onStatus = (client: string, status: ClientStatus) => {
    if (status.state === "gone") {
      scheduler.leave(client);
      // The last will of the dead stays with the broker, if nobody takes it away.
      connection?.publish(topics.status(client), "", retain);
      flushSoon();
      return;
    }
    const objection = objectionTo(status);
    if (objection !== undefined) {
      if (!refused.has(client)) consola.warn(`client ${client} on ${status.host}: ${objection}`);
      refused.add(client);
      scheduler.leave(client);
      connection?.publish(topics.task(client), { session, tasks: [], refused: objection });
      return;
    }
    if (!trusted.has(client)) {
      consola.debug(`client ${client} on ${status.host}, ${status.workers} workers`);
      trusted.add(client);
    }
    if (status.light !== null && light === undefined) {
      light = status.light;
      store.set("light", JSON.stringify(light));
      consola.info(`light: ${light.description}`);
    }
    const isDraining = status.state === "draining";
    scheduler.welcome(
      client,
      { want: isDraining ? 0 : status.want, workers: status.workers },
      clock(),
    );
    if (status.holding !== undefined)
      scheduler.reconcile(
        client,
        new Set(status.session === session ? status.holding : []),
        isDraining ? Number.POSITIVE_INFINITY : clock() - inTransit,
      );
    flushSoon();
  };
  const objectionTo = (status: ClientStatus): string | undefined => {
    if (status.protocol !== protocolVersion)
      return `speaks protocol ${status.protocol} (version ${status.version}), expected ${protocolVersion} (version ${version})`;
    const expected = light?.kind ?? (plan.needsTables ? "tables" : undefined);
    if (reco.light !== undefined && expected !== undefined && status.light?.kind !== expected)
      return `its light model is "${status.light?.kind ?? "none"}", this scan's is "${expected}" (see --photon-tables)`;
    return undefined;
  };

  const onResults = (message: ResultMessage) => {
    const { client } = message;
    if (!trusted.has(client) || refused.has(client)) {
      warn(`results of an unannounced client ignored (${client})`);
      return;
    }
    const isCurrent = message.session === session;
    const at = clock();
    for (const entry of message.results) {
      const [named, nside, pixel, posvar, llh, x, y, z, time, energy, E_in, E_tot] = entry;
      const [seconds, evaluations, reason] = entry.slice(12) as [number, number, string | null];
      const task = { nside, pixel, posvar };
      const lease = isCurrent ? named : 0;
      const since = leasedAt.get(lease);
      if (since !== undefined) leasedAt.delete(lease);
      if (scheduler.result(client, lease, task, at) !== "counted") continue;
      arrived.push({
        ...task,
        ...{ llh, x, y, z, time, energy, E_in, E_tot, seconds, evaluations },
        roundTrip: since === undefined ? seconds : at - since,
        at: now(),
        ...(Number.isNaN(llh) && { reason: reason ?? "no reason given" }),
      });
    }
    for (const [named, nside, pixel, posvar, reason, seconds] of message.failures) {
      const lease = isCurrent ? named : 0;
      leasedAt.delete(lease);
      const task = { nside, pixel, posvar };
      const answer = scheduler.failure(client, lease, task, reason, at);
      consola.debug(`nside ${nside} pixel ${pixel} variation ${posvar} failed: ${reason}`);
      if (answer.kind !== "givenUp") continue;
      consola.warn(
        `nside ${nside} pixel ${pixel} variation ${posvar} given up: ${answer.reasons.join("; ")}`,
      );
      arrived.push({
        ...task,
        ...nothing,
        seconds,
        roundTrip: seconds,
        evaluations: 0,
        at: now(),
        reason: answer.reasons.join("\n"),
      });
    }
    scheduler.want(client, message.want);
    flushSoon();
  };

  const onMessage = (topic: string, payload: Uint8Array) => {
    if (payload.length === 0) return;
    try {
      const client = clientOfStatus(topic);
      if (topic === topics.result) onResults(parseMessage(ResultMessage, payload));
      else if (client !== undefined) onStatus(client, parseMessage(ClientStatus, payload));
    } catch (error) {
      if (error instanceof MalformedMessage) warn(`message ignored on ${topic}: ${error.message}`);
      else outcome.reject(error);
    }
  };

  const startup = startupData(event, basename, plan.baselineGcd);
  const { parts, summary } = splitStartup(startup);
  const control = (state: Control["state"], reason?: string): Control => ({
    protocol: protocolVersion,
    version,
    state,
    ...(reason !== undefined && { reason }),
    session,
    event: name,
    reco: reco.name,
    seed: plan.seed ?? null,
    isRealEvent: event.metadata.isRealEvent,
    miniTest: plan.miniTest,
    recoTimeout: options.recoTimeout,
    timeoutToClients: options.timeoutToClients,
    startup: summary,
  });
  const current = (state: Manifest["scan"]["state"] = "running", reason?: string): Manifest =>
    manifest({
      event: event.metadata,
      reco: reco.name,
      progression: plan.progression,
      variations: reco.seeds.variations.length,
      seed: plan.seed ?? null,
      threshold: plan.threshold,
      basename,
      detector: plan.detector.source,
      light: light?.description ?? null,
      energy: plan.energy ?? null,
      startedAt,
      now: now(),
      state,
      ...(reason !== undefined && { reason }),
      scan,
      statistics,
      scheduler: scheduler.counts,
      malformed,
      failed,
      missing: state === "running" ? [] : scheduler.unfinished(),
      results: files,
    });
  const result = () =>
    resultFromScan(scan.pixels({ unfinished: !scan.isComplete }), event.metadata, scan.isComplete);
  // The same names for partial and final results, whichever nsides they hold.
  const stem = `${name}_${plan.progression.map(({ nside }) => nside).join("_")}`;
  const resultFiles = [`${stem}.npz`, `${stem}.json`].map((file) => join(options.outputDir, file));
  const save = async (state: Manifest["scan"]["state"], reason?: string) => {
    statistics.mark(scan.progress(), scan.isComplete, now());
    const map = result();
    if (map.nsides.size > 0) {
      for (const file of resultFiles) await writeResult(file, map);
      files = resultFiles;
    }
    return await saveManifest(state, reason);
  };
  const saveManifest = async (state: Manifest["scan"]["state"], reason?: string) => {
    statistics.mark(scan.progress(), scan.isComplete, now());
    const document = current(state, reason);
    await writeAtomically(
      join(options.outputDir, "scan-manifest.json"),
      `${JSON.stringify(document, null, 2)}\n`,
    );
    connection?.publish(topics.progress, withoutLists(document), retain);
    return document;
  };

  connection = await connect(
    options.broker,
    {
      clientId: newClientId(),
      subscriptions: [topics.status("+"), topics.result],
      patience: brokerPatience(),
    },
    {
      onMessage,
      onConnect: (isFirst) => {
        if (!isFirst) consola.info("connected to the broker again");
        for (const [n, part] of parts.entries())
          connection?.publish(topics.startup(n), part, retain);
        connection?.publish(topics.control, control("open"), retain);
        lastResultAt = performance.now();
      },
      onLost: () => consola.warn("connection to the broker lost, trying again"),
      onGivenUp: (error) => outcome.reject(error),
    },
  );
  // onConnect ran before the connection was in our hands.
  for (const [n, part] of parts.entries()) connection.publish(topics.startup(n), part, retain);
  connection.publish(topics.control, control("open"), retain);

  const timers: ReturnType<typeof setInterval>[] = [];
  const every = (seconds: number, work: () => void) =>
    timers.push(setInterval(() => guarded(work), seconds * 1000));
  const onStop = () => outcome.reject(new Interrupted());
  let endProgress = () => {};
  let state: Control["state"] | undefined;
  let reason: string | undefined;
  try {
    if (options.startupDir !== undefined) {
      await writeStartupFiles(options.startupDir, startup);
      consola.info(`${name}: ${reco.name}, clients may come: --mq-basename ${basename}`);
    }
    options.onOpen?.(basename);
    options.stop?.addEventListener("abort", onStop);
    if (options.stop?.aborted) onStop();
    endProgress = showProgress(() => {
      const progress = scan.progress();
      return {
        progress,
        rates: statistics.rates(progress, now()),
        clients: scheduler.counts.clients,
      };
    });
    let saving: Promise<unknown> = Promise.resolve();
    const inTurn = (work: () => Promise<unknown>) => {
      saving = saving.then(work).catch((error) => outcome.reject(error));
    };
    every(tickPeriod / 1000, () => {
      handOut(scheduler.tick(clock()));
      statistics.mark(scan.progress(), scan.isComplete, now());
      const quiet = (performance.now() - lastResultAt) / 1000;
      if (quiet > options.timeoutFromClients)
        outcome.reject(new TimedOut(`no results for ${options.timeoutFromClients} s`));
    });
    every(Math.min(statusInterval, progressInterval()), () =>
      connection?.publish(topics.progress, withoutLists(current()), retain),
    );
    every(progressInterval(), () => inTurn(() => saveManifest("running")));
    every(resultInterval(), () => inTurn(() => save("running")));
    await saveManifest("running");
    flushSoon();

    await outcome.promise;
    await saving;
    endProgress();
    state = "done";
    const final = await save("done");
    return { result: result(), manifest: final, files };
  } catch (error) {
    endProgress();
    if (error instanceof TimedOut || error instanceof Interrupted) {
      const counts = scheduler.counts;
      const missing = counts.released - counts.done;
      reason = `${error.message}; ${missing} of ${counts.released} fits sent are missing`;
      // Interrupted: clients may wait for the server's return.
      if (error instanceof TimedOut) state = "failed";
      await save(error instanceof TimedOut ? "failed" : "interrupted", reason);
      const saved = files.length > 0 ? `; saved so far: ${files.join(", ")}` : "";
      const Kind = error instanceof TimedOut ? TimedOut : Interrupted;
      throw new Kind(`${reason}, the list is in scan-manifest.json${saved}`);
    }
    throw error;
  } finally {
    for (const timer of timers) clearInterval(timer);
    options.stop?.removeEventListener("abort", onStop);
    if (state !== undefined && connection.isConnected) {
      connection.publish(topics.control, control(state, reason), retain);
      await clientsGone();
      for (const n of parts.keys()) connection.publish(topics.startup(n), "", retain);
    }
    await connection.close();
  }

  /** Waits until every client has said goodbye, but not for long. */
  async function clientsGone(): Promise<void> {
    const until = performance.now() + farewell * 1000;
    while (scheduler.counts.clients > 0 && performance.now() < until) await Bun.sleep(10);
  }
}

/** A fit that was given up. */
const nothing = {
  llh: Number.NaN,
  x: Number.NaN,
  y: Number.NaN,
  z: Number.NaN,
  time: Number.NaN,
  energy: Number.NaN,
  E_in: Number.NaN,
  E_tot: Number.NaN,
};

/** s since 1970. */
const now = (): number => Date.now() / 1000;
/** Seconds of a clock nobody sets. */
const clock = (): number => performance.now() / 1000;

function taskEntry({ id, task }: Lease): TaskMessage["tasks"][number] {
  return [id, task.nside, task.pixel, task.posvar, parentEntry(task)];
}

function parentEntry({ parent }: ReleasedTask): TaskMessage["tasks"][number][4] {
  if (parent === undefined || Number.isNaN(parent.llh)) return null;
  return [parent.x, parent.y, parent.z, parent.time, parent.energy];
}

/** The progress message: the manifest without its long lists. */
function withoutLists(document: Manifest): object {
  return {
    ...document,
    failed: { ...document.failed, fits: [] },
    ...(document.missing && { missing: { ...document.missing, fits: [] } }),
  };
}

function pointingOf({ pointing, reco, event }: ScanPlan) {
  const radius = reco.seeds.pointedRadius;
  if (pointing === undefined || radius === undefined) return {};
  const centre = toEquatorial(pointing.zenith, pointing.azimuth, event.metadata.mjd);
  return { pointing: { centre, radius } };
}

/** Everything a scan's results depend on: the same again means that it goes on. */
function identityOf(plan: ScanPlan): string {
  const hash = createHash("sha256");
  for (const frame of plan.event.frames)
    for (const record of frame.records.values())
      hash.update(`${frame.stream} ${record.key} ${record.buffer.length}\n`).update(record.buffer);
  return JSON.stringify({
    event: hash.digest("hex"),
    isRealEvent: plan.event.metadata.isRealEvent,
    detector: plan.detector.source,
    reco: plan.reco.name,
    variations: plan.reco.seeds.variations,
    progression: formatProgression(plan.progression),
    threshold: plan.threshold,
    seed: plan.seed ?? null,
    needsTables: plan.needsTables,
    version,
    protocol: protocolVersion,
  });
}

function storePath(cacheDir: string | undefined, name: string, identity: string): string {
  if (cacheDir === undefined) return ":memory:";
  const key = createHash("sha256").update(identity).digest("hex").slice(0, 16);
  if (!/^[\w.-]+$/.test(name)) throw new InputError(`event name ${JSON.stringify(name)}`);
  return join(cacheDir, name, `scan-${key}.sqlite`);
}
