import { consola } from "consola";
import { type Clock, systemClock, wakingClock } from "../config/clock.ts";
import { heartbeatInterval, progressInterval, resultInterval } from "../config/environment.ts";
import { Interrupted, TimedOut } from "../config/errors.ts";
import { eventName } from "../event/event.ts";
import type { BrokerAddress } from "../mq/address.ts";
import { connect, lastWords } from "../mq/connection.ts";
import { examineBroker } from "../mq/examination.ts";
import { newBasename, newClientId, topicsOf } from "../mq/topics.ts";
import { plotFiles } from "../plot/files.ts";
import { writeAtomically } from "../result/files.ts";
import type { SkyScanResult } from "../result/result.ts";
import { Scheduler } from "../scan/scheduler.ts";
import { openStore, type Store } from "../store/store.ts";
import { brokerWorkforce, mending, until } from "./broker_workforce.ts";
import { type Collection, type OnCounted, openCollection } from "./collection.ts";
import { identityOf, storePath } from "./identity.ts";
import { leaseIds } from "./lease_ids.ts";
import type { Manifest } from "./manifest.ts";
import { createOutput } from "./output.ts";
import { type ScanPlan, startScan } from "./plan.ts";
import { showProgress } from "./progress.ts";
import { beginSession } from "./session.ts";
import { forgetOtherScans, type StartupPlaces, startupData, writeStartupFiles } from "./startup.ts";
import { saveUnfinished, shortfall } from "./unfinished.ts";
import { guarded } from "./workforce.ts";

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
  /** The scan's name on the broker, for its first start; default: one nobody guesses. */
  readonly basename?: string;
  /** Called when clients can come. */
  readonly onOpen?: (basename: string) => void;
  readonly observer?: ServerObserver;
  /** What the broker carries, where that is known already: its longest message, bytes. */
  readonly examined?: { readonly longestMessage?: number | undefined };
  /** A bar, or a line a minute, on stderr; default: yes. */
  readonly showsProgress?: boolean;
}

/** What whoever shows a scan may look at. */
export interface ObservedParts {
  readonly collection: Collection;
  readonly manifest: () => Manifest;
  readonly store: Pick<Store, "resultsOf">;
}

/** Who shows a scan while it runs. */
export interface ServerObserver {
  readonly onCounted: OnCounted;
  /** The scan's parts are there, results of an earlier start are counted. */
  readonly onAssembled: (parts: ObservedParts) => void;
}

/** The reason of a stop that is final: nobody is to wait for the server's return. */
export const cancelled = "cancelled";

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
 * @param over told when, or why, it ends
 * @param longestMessage what the broker takes, bytes
 */
function assemble(
  plan: ScanPlan,
  options: ServerOptions,
  store: Store,
  { clock: asleepToo, write, newSecret, connect }: ServerSurroundings,
  over: Pick<PromiseWithResolvers<void>, "resolve" | "reject">,
  longestMessage: number | undefined,
) {
  const clock = wakingClock(asleepToo, longestGap);
  const session = beginSession(
    store,
    clock.date(),
    () => options.basename ?? newSecret(),
    newSecret,
  );
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
    options.observer?.onCounted,
  );
  if (store.count > 0) consola.info(`resumed: ${store.count} fits are done already`);
  const { broker, recoTimeout, timeoutToClients, stop } = options;
  const startup = startupData(plan.event, session.basename, plan.baselineGcd);
  const workforce = brokerWorkforce({
    ...{ plan, broker, connect, session, collection, store, startup, clock },
    ...{ recoTimeout, timeoutToClients, onComplete: over.resolve, onError: over.reject },
    ...(longestMessage !== undefined && { longestMessage }),
    ...(stop && { stop }),
  });
  const output = createOutput({
    ...{ directory: options.outputDir, plan, session, collection, now: clock.date, write },
    heard: () => workforce.heard,
    onManifest: (manifest) => workforce.progress(manifest),
  });
  options.observer?.onAssembled({ collection, manifest: output.manifest, store });
  return { clock, session, collection, workforce, output, startup };
}
type Parts = ReturnType<typeof assemble>;

/** A server's life, from meeting the broker to the last goodbye. */
async function serve(
  plan: ScanPlan,
  options: ServerOptions,
  store: Store,
  surroundings: ServerSurroundings,
): Promise<ServerOutcome> {
  const over = Promise.withResolvers<void>();
  over.promise.catch(() => {});
  let ending: { readonly state: "done" | "failed"; readonly reason?: string } | undefined;
  // Our own client knows our own broker. A name nobody knows, since the scan's is not made yet.
  const somewhere = topicsOf(newBasename()).status(newClientId());
  const { longestMessage } =
    options.examined ??
    (options.isAlone
      ? {}
      : { longestMessage: await surroundings.examine(options.broker, somewhere, options.stop) });
  const parts = assemble(plan, options, store, surroundings, over, longestMessage);
  const { session, collection, workforce, output } = parts;
  const { startup: places } = options;
  // Not before the store is ours: a second server is refused there, and these files are the first one's.
  if (places !== undefined) await forgetOtherScans(places, session.basename);
  await workforce.open();

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
    workforce.begin();
    rest = keepBusy(parts, options, over.reject);
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
    if (error instanceof TimedOut || options.stop?.reason === cancelled)
      ending = { state: "failed", reason };
    throw await saveUnfinished(error, reason, output);
  } finally {
    options.stop?.removeEventListener("abort", stop);
    if (ending !== undefined) await workforce.over(ending.state, ending.reason);
    await workforce.close(options.stop?.aborted ? lastWords : mending);
  }
}

/** Does what is due from time to time. @returns the function that ends it */
function keepBusy(
  { clock, collection, workforce, output }: Parts,
  { timeoutFromClients, showsProgress = true }: ServerOptions,
  fail: (error: unknown) => void,
): () => void {
  const { scan, scheduler, statistics } = collection;
  const every = (seconds: number, work: () => void) => clock.every(seconds, guarded(work, fail));
  const timers = [
    every(tickPeriod, () => {
      workforce.tick();
      collection.mark(clock.date());
      if (workforce.secondsWithoutResults > timeoutFromClients)
        fail(new TimedOut(`no results for ${timeoutFromClients} s`));
    }),
    every(Math.min(statusInterval, progressInterval()), () =>
      workforce.progress(output.manifest()),
    ),
    // Hours of work are not thrown away for a disk that is full for a moment: only the last save must succeed.
    every(progressInterval(), () => void output.saveManifest().catch(warnUnsaved)),
    every(resultInterval(), () => void output.save().catch(warnUnsaved)),
  ];
  const view = () => {
    const progress = scan.progress();
    const rates = statistics.rates(progress, clock.date());
    return { progress, rates, clients: scheduler.counts.clients };
  };
  const endProgress = showsProgress ? showProgress(view) : () => {};
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
