import { consola } from "consola";
import { type Clock, systemClock, wakingClock } from "../config/clock.ts";
import {
  brokerPatience,
  heartbeatInterval,
  progressInterval,
  resultInterval,
} from "../config/environment.ts";
import { Interrupted, TimedOut } from "../config/errors.ts";
import { eventName } from "../event/event.ts";
import type { BrokerAddress } from "../mq/address.ts";
import { type Connection, connect, lastWords } from "../mq/connection.ts";
import { examineBroker } from "../mq/examination.ts";
import { newBasename, newClientId, topicsOf } from "../mq/topics.ts";
import { plotFiles } from "../plot/files.ts";
import { writeAtomically } from "../result/files.ts";
import type { SkyScanResult } from "../result/result.ts";
import { Scheduler } from "../scan/scheduler.ts";
import { openStore, type Store } from "../store/store.ts";
import { createAdmission } from "./admission.ts";
import { createAnnouncement } from "./announcement.ts";
import { openCollection } from "./collection.ts";
import { Dispatch } from "./dispatch.ts";
import { identityOf, storePath } from "./identity.ts";
import { leaseIds } from "./lease_ids.ts";
import type { Manifest } from "./manifest.ts";
import { createOutput } from "./output.ts";
import { type ScanPlan, startScan } from "./plan.ts";
import { showProgress } from "./progress.ts";
import { beginSession, rememberLight } from "./session.ts";
import { forgetOtherScans, type StartupPlaces, startupData, writeStartupFiles } from "./startup.ts";
import { saveUnfinished, shortfall } from "./unfinished.ts";

export interface ServerOptions {
  readonly broker: BrokerAddress;
  readonly outputDir: string;
  /** undefined: nothing is remembered. */
  readonly cacheDir?: string;
  /** undefined: no files, clients are given the basename otherwise. */
  readonly startup?: StartupPlaces;
  /** s. */
  readonly timeoutToClients: number;
  readonly timeoutFromClients: number;
  readonly recoTimeout: number;
  /** Different clients a fit may fail on before it is given up. */
  readonly maxFailures: number;
  /** One client comes, and no other. */
  readonly isAlone?: boolean;
  /** Aborted: save what there is and stop. */
  readonly stop?: AbortSignal;
  /** Called when clients can come. */
  readonly onOpen?: (basename: string) => void;
}

/** What a server needs of the world around it. */
export interface ServerSurroundings {
  readonly clock: Clock;
  readonly connect: typeof connect;
  /** Finds out which messages a broker carries. */
  readonly examine: typeof examineBroker;
  readonly openStore: typeof openStore;
  readonly write: typeof writeAtomically;
  /** A word nobody guesses. */
  readonly newSecret: () => string;
}

const realSurroundings: ServerSurroundings = {
  clock: systemClock,
  connect,
  examine: examineBroker,
  openStore,
  write: writeAtomically,
  newSecret: newBasename,
};

export interface ServerOutcome {
  readonly result: SkyScanResult;
  readonly manifest: Manifest;
  readonly files: readonly string[];
}

/** How long the clients get to say goodbye, s. */
const farewell = 2;
/** How long a connection that is broken when the scan ends gets to come back, s. */
const mending = 30;
/** How often deadlines and silent clients are looked at, s. */
const tickPeriod = 0.5;
/** How often the status topic is renewed, s. */
const statusInterval = 5;
/** A finished map that cannot be written is tried to be for so long, s, and so often. */
const lastSaving = 600;
const betweenSaves = 5;
/** The machine slept when the clock jumps by more than this between two looks, s. */
const longestGap = 5;
/** A client is gone when it missed this many heartbeats. */
const missedHeartbeats = 3;

/**
 * Runs a scan to its end: hands tasks to clients, keeps their results, writes the result files.
 * Throws TimedOut when results stay away, Interrupted when stopped (both after saving what there is),
 * BrokerError, InputError.
 */
export async function runServer(
  plan: ScanPlan,
  options: ServerOptions,
  surroundings: ServerSurroundings = realSurroundings,
): Promise<ServerOutcome> {
  const identity = identityOf(plan);
  const store = surroundings.openStore(storePath(plan, identity, options.cacheDir), identity);
  try {
    return await serve(plan, options, store, surroundings);
  } finally {
    store.close();
  }
}

/** Draws the finished map beside its files. @returns the outcome with the pictures among its files */
export async function withPictures(
  plan: ScanPlan,
  outputDir: string,
  outcome: ServerOutcome,
): Promise<ServerOutcome> {
  const { light } = outcome.manifest.scan;
  const caption = [plan.reco.name, ...(light === null ? [] : [light])].join(", ");
  const { png, svg } = await plotFiles(outputDir, outcome.result, caption);
  return { ...outcome, files: [...outcome.files, png, svg] };
}

/**
 * Wires the parts of a server together.
 * @param publish where their messages go
 * @param over told when, or why, it ends
 * @param longestMessage what the broker takes, bytes
 */
function assemble(
  plan: ScanPlan,
  options: ServerOptions,
  store: Store,
  { clock: asleepToo, write, newSecret }: ServerSurroundings,
  publish: Connection["publish"],
  over: Pick<PromiseWithResolvers<void>, "resolve" | "reject">,
  longestMessage: number | undefined,
) {
  const clock = wakingClock(asleepToo, longestGap);
  const session = beginSession(store, clock.date(), newSecret, newSecret);
  const topics = topicsOf(session.basename);
  const scheduler = new Scheduler({
    recoTimeout: options.recoTimeout,
    maxFailures: options.maxFailures,
    silence: missedHeartbeats * heartbeatInterval(),
    isAlone: options.isAlone ?? false,
    leaseId: leaseIds(session.secret),
  });
  const collection = openCollection(
    startScan(plan),
    scheduler,
    store,
    session.startedAt,
    clock.date(),
  );
  if (store.count > 0) consola.info(`resumed: ${store.count} fits are done already`);
  const admission = createAdmission({
    needsLight: plan.reco.light !== undefined,
    needsTables: plan.needsTables,
    light: session.light,
    onLight(light) {
      rememberLight(store, light);
      consola.info(`light: ${light.description}`);
    },
    onChange(client, { host, workers }, objection) {
      if (objection === undefined) consola.debug(`client ${client} on ${host}, ${workers} workers`);
      else consola.warn(`client ${client} on ${host}: ${objection}`);
    },
  });
  const dispatch = new Dispatch({
    ...{ collection, admission, session: session.number, topics, publish, clock },
    ...(longestMessage !== undefined && { longestMessage }),
    soon: (work) => clock.soon(guarded(work, over.reject)),
    onComplete: over.resolve,
  });
  const output = createOutput({
    ...{ directory: options.outputDir, plan, session, collection, now: clock.date, write },
    heard: () => ({
      light: admission.light?.description ?? null,
      malformed: dispatch.malformed,
    }),
    onManifest: (manifest) => announcement.progress(manifest),
  });
  const startup = startupData(plan.event, session.basename, plan.baselineGcd);
  const { recoTimeout, timeoutToClients } = options;
  const announcement = createAnnouncement({
    ...{ plan, session, startup, recoTimeout, timeoutToClients, topics, publish },
    ...(longestMessage !== undefined && { longestMessage }),
  });
  return { clock, session, topics, collection, dispatch, output, startup, announcement };
}
type Parts = ReturnType<typeof assemble>;

/** A server's life, from meeting the broker to the last goodbye. */
async function serve(
  plan: ScanPlan,
  options: ServerOptions,
  store: Store,
  surroundings: ServerSurroundings,
): Promise<ServerOutcome> {
  let connection: Connection | undefined;
  const publish: Connection["publish"] = (...message) => connection?.publish(...message);
  const over = Promise.withResolvers<void>();
  over.promise.catch(() => {});
  let ending: { readonly state: "done" | "failed"; readonly reason?: string } | undefined;
  // Our own client knows our own broker. A name nobody knows, since the scan's is not made yet.
  const somewhere = topicsOf(newBasename()).status(newClientId());
  const longestMessage = options.isAlone
    ? undefined
    : await surroundings.examine(options.broker, somewhere, options.stop);
  const parts = assemble(plan, options, store, surroundings, publish, over, longestMessage);
  const { session, topics, collection, dispatch, output, announcement } = parts;
  const { startup: places } = options;
  // Not before the store is ours: a second server is refused there, and these files are the first one's.
  if (places !== undefined) await forgetOtherScans(places, session.basename);

  connection = await surroundings.connect(
    options.broker,
    {
      clientId: newClientId(),
      subscriptions: [topics.status("+"), topics.result],
      patience: brokerPatience(),
      ...(options.stop && { stop: options.stop }),
    },
    {
      onMessage: (topic, payload) => guarded(() => dispatch.receive(topic, payload), over.reject)(),
      onConnect: (isFirst) => {
        if (!isFirst) consola.info("connected to the broker again");
        // What was said last, that it is over, is on its way.
        if (ending !== undefined) return;
        announcement.open();
        dispatch.expectResults();
      },
      onLost: () => consola.warn("connection to the broker lost, trying again"),
      onGivenUp: over.reject,
    },
  );
  // onConnect ran before the connection was in our hands.
  announcement.open();

  const stop = () => over.reject(new Interrupted());
  let rest = () => {};
  try {
    if (places !== undefined) {
      await writeStartupFiles(places, parts.startup);
      const name = eventName(plan.event.metadata);
      consola.info(
        `${name}: ${plan.reco.name}, clients may come: --mq-basename ${session.basename}`,
      );
    }
    options.onOpen?.(session.basename);
    options.stop?.addEventListener("abort", stop);
    if (options.stop?.aborted) stop();
    rest = keepBusy(parts, options.timeoutFromClients, over.reject);
    await output.saveManifest().catch(warnUnsaved);

    await over.promise;
    rest();
    ending = { state: "done" };
    const manifest = await saveAtLast(() => output.save("done"), parts.clock, options.stop);
    return { result: output.result(), manifest, files: output.files };
  } catch (error) {
    rest();
    if (!(error instanceof TimedOut || error instanceof Interrupted)) throw error;
    const reason = shortfall(error, collection.scheduler.counts);
    // Interrupted: clients may wait for the server's return.
    if (error instanceof TimedOut) ending = { state: "failed", reason };
    throw await saveUnfinished(error, reason, output);
  } finally {
    options.stop?.removeEventListener("abort", stop);
    if (ending !== undefined) {
      const { clock } = parts;
      announcement.over(ending.state, ending.reason);
      // Clients that are not told wait for work in vain: a broken connection is given time to mend.
      await until(() => connection!.isConnected || options.stop?.aborted === true, mending, clock);
      await until(() => collection.scheduler.counts.clients === 0, farewell, clock);
      announcement.withdraw();
    }
    await connection.close(options.stop?.aborted ? lastWords : mending);
  }
}

/** Does what is due from time to time. @returns the function that ends it */
function keepBusy(
  { clock, collection, dispatch, output, announcement }: Parts,
  timeoutFromClients: number,
  fail: (error: unknown) => void,
): () => void {
  const { scan, scheduler, statistics } = collection;
  const every = (seconds: number, work: () => void) => clock.every(seconds, guarded(work, fail));
  const timers = [
    every(tickPeriod, () => {
      dispatch.tick();
      collection.mark(clock.date());
      if (dispatch.secondsWithoutResults > timeoutFromClients)
        fail(new TimedOut(`no results for ${timeoutFromClients} s`));
    }),
    every(Math.min(statusInterval, progressInterval()), () =>
      announcement.progress(output.manifest()),
    ),
    // Hours of work are not thrown away for a disk that is full for a moment: only the last save must succeed.
    every(progressInterval(), () => void output.saveManifest().catch(warnUnsaved)),
    every(resultInterval(), () => void output.save().catch(warnUnsaved)),
  ];
  const endProgress = showProgress(() => {
    const progress = scan.progress();
    const rates = statistics.rates(progress, clock.date());
    return { progress, rates, clients: scheduler.counts.clients };
  });
  return () => {
    for (const end of timers) end();
    endProgress();
  };
}

const warnUnsaved = (error: unknown): void =>
  consola.warn(`not saved, tried again later: ${error instanceof Error ? error.message : error}`);

/** Saves what a scan has led to: where that fails it is tried again, for a while, or until told to stop. */
async function saveAtLast<T>(
  save: () => Promise<T>,
  clock: Clock,
  stop: AbortSignal | undefined,
): Promise<T> {
  const end = clock.now() + lastSaving;
  for (;;) {
    try {
      return await save();
    } catch (error) {
      if (clock.now() >= end || stop?.aborted) throw error;
      warnUnsaved(error);
    }
    await until(() => stop?.aborted === true, betweenSaves, clock);
  }
}

/** Waits until something is so, but at most so many seconds. */
async function until(isSo: () => boolean, seconds: number, clock: Clock): Promise<void> {
  const end = clock.now() + seconds;
  while (!isSo() && clock.now() < end)
    await new Promise<void>((resolve) => void clock.after(0.01, resolve));
}

/** Work whose errors go to `fail` instead of into the event loop. */
const guarded = (work: () => void, fail: (error: unknown) => void) => () => {
  try {
    work();
  } catch (error) {
    fail(error);
  }
};
