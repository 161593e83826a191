import { join } from "node:path";
import { consola } from "consola";
import { type Clock, systemClock, wakingClock } from "../config/clock.ts";
import { heartbeatInterval, progressInterval, resultInterval } from "../config/environment.ts";
import { InputError, Interrupted, TimedOut } from "../config/errors.ts";
import { eventName } from "../event/event.ts";
import type { QueuePair } from "../ewms/queue_profile.ts";
import { QueuedTasks } from "../ewms/task_book.ts";
import type { BrokerAddress } from "../mq/address.ts";
import { type Connect, connect, lastWords } from "../mq/connection.ts";
import { examineBroker } from "../mq/examination.ts";
import type { StartupData } from "../mq/messages.ts";
import { newBasename, newClientId, topicsOf } from "../mq/topics.ts";
import type { AlertFacts } from "../publish/facts.ts";
import { resultStem } from "../result/filename.ts";
import { writeAtomically } from "../result/files.ts";
import type { SkyScanResult } from "../result/result.ts";
import { Scheduler } from "../scan/scheduler.ts";
import { freeRound, taskKey } from "../scan/task.ts";
import type { TaskBook } from "../scan/task_book.ts";
import type { SkyDriver } from "../skydriver/client.ts";
import { Reports } from "../skydriver/reports.ts";
import { waitForWorkers } from "../skydriver/workers.ts";
import { openStore, type Store } from "../store/store.ts";
import { brokerWorkforce, mending, until } from "./broker_workforce.ts";
import { type Collection, type OnCounted, openCollection } from "./collection.ts";
import { describeFirst, firstDirection, verdictOn } from "./first_direction.ts";
import { identityOf, storePath } from "./identity.ts";
import { leaseIds } from "./lease_ids.ts";
import type { Manifest } from "./manifest.ts";
import { createOutput } from "./output.ts";
import { type ScanPlan, startScan } from "./plan.ts";
import { showProgress } from "./progress.ts";
import { QueueWorkforce } from "./queue_workforce.ts";
import { beginSession, type Session } from "./session.ts";
import {
  forgetOtherScans,
  originalStartupData,
  type StartupPlaces,
  startupData,
  writeStartupFiles,
} from "./startup.ts";
import { saveUnfinished, shortfall } from "./unfinished.ts";
import { guarded, type Workforce } from "./workforce.ts";

export interface ServerOptions {
  /** Where the clients are met: at an MQTT broker of ours, or in the two queues of an EWMS workflow. */
  readonly broker: BrokerAddress | QueuePair;
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
  /** Who is told how the scan goes, and has the map at its end. */
  readonly skydriver?: { readonly client: SkyDriver; readonly scanId: string };
  /** One client comes, and no other. */
  readonly isAlone?: boolean;
  /** Aborted: save what there is and stop. */
  readonly stop?: AbortSignal;
  /** The scan's name on the broker, for its first start; default: one nobody guesses. */
  readonly basename?: string;
  /** Called when clients can come. */
  readonly onOpen?: (basename: string, startup: StartupData) => void;
  readonly observer?: ServerObserver;
  /** What the broker carries, where that is known already: its longest message, bytes. */
  readonly examined?: { readonly longestMessage?: number | undefined };
  /** A bar, or a line a minute, on stderr; default: yes. */
  readonly showsProgress?: boolean;
}

/** What whoever shows a scan may look at. */
export interface ObservedParts {
  readonly collection: Collection<TaskBook>;
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
  readonly connect: Connect;
  /** Finds out which messages a broker carries. */
  readonly examine: typeof examineBroker;
  readonly openStore: typeof openStore;
  readonly write: typeof writeAtomically;
  /** A word nobody guesses. */
  readonly newSecret: () => string;
}

export const serverSurroundings: ServerSurroundings = {
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
  surroundings: ServerSurroundings = serverSurroundings,
): Promise<ServerOutcome> {
  // Fit by fit, or pixel by pixel: what one has begun the other cannot go on with.
  const identity = `${identityOf(plan)}${isQueues(options.broker) ? " fit by fit" : ""}`;
  const store = surroundings.openStore(storePath(plan, identity, options.cacheDir), identity);
  try {
    return await serve(plan, options, store, surroundings);
  } finally {
    store.close();
  }
}

/** Lets go of what is needed no more: else pictures and files come on top of it, 20 MB at the peak. */
const makeRoom = () => Bun.gc(true);

/**
 * Draws the finished map and writes what others take of it, beside its files: the one while a thread of its own works at
 * the other. @returns the outcome with all these files among its own
 */
export async function withPicturesAndPublished(
  plan: ScanPlan,
  outputDir: string,
  outcome: ServerOutcome,
  choice: PublishChoice,
): Promise<ServerOutcome> {
  makeRoom();
  const drawing = picturesOf(plan, outputDir, outcome);
  // Of two failures the first is told.
  drawing.catch(() => {});
  const published = await publishedOf(outputDir, outcome, choice);
  return { ...outcome, files: [...outcome.files, ...(await drawing), ...published] };
}

async function picturesOf(
  plan: ScanPlan,
  outputDir: string,
  { result }: ServerOutcome,
): Promise<string[]> {
  // Not at the top: nobody's first pixel waits for what draws the last.
  const [{ landmarksOf }, { plotFiles }] = await Promise.all([
    import("../plot/landmarks.ts"),
    import("../plot/files.ts"),
  ]);
  const landmarks = landmarksOf(plan.event);
  const { png, svg } = await plotFiles(outputDir, result, { landmarks });
  return [png, svg];
}

/** How a finished map is published. */
export interface PublishChoice extends Pick<AlertFacts, "name" | "stream"> {
  readonly isFits: boolean;
}

/** Writes what others take of the finished map. @returns the outcome with these files among its own */
export async function withPublished(
  outputDir: string,
  outcome: ServerOutcome,
  choice: PublishChoice,
): Promise<ServerOutcome> {
  makeRoom();
  return {
    ...outcome,
    files: [...outcome.files, ...(await publishedOf(outputDir, outcome, choice))],
  };
}

/** That the map itself does not allow it (no fit, no 90 % level) loses no scan. */
async function publishedOf(
  outputDir: string,
  { result, manifest }: ServerOutcome,
  { isFits, ...alert }: PublishChoice,
): Promise<string[]> {
  const { writePublished } = await import("../publish/scan_files.ts");
  const facts = { ...alert, made: new Date(manifest.scan.updated), runtime: manifest.scan.seconds };
  try {
    const stem = join(outputDir, resultStem(result));
    return await writePublished(stem, result, { facts, isFits }, (reason) =>
      consola.warn(`no notice: ${reason}`),
    );
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    consola.warn(`not published: ${error.message}`);
    return [];
  }
}

/** Where a server's messages go: told when, or why, it ends. */
type Over = Pick<PromiseWithResolvers<void>, "resolve" | "reject">;

/** Wires the parts of a server together. */
function assemble(
  plan: ScanPlan,
  options: ServerOptions,
  store: Store,
  surroundings: ServerSurroundings,
  over: Over,
  longestMessage: number | undefined,
) {
  const { write, newSecret } = surroundings;
  const clock = wakingClock(surroundings.clock, longestGap);
  const session = beginSession(
    store,
    clock.date(),
    () => options.basename ?? newSecret(),
    newSecret,
  );
  let onFree = () => {};
  const onCounted: OnCounted = (result, scan) => {
    options.observer?.onCounted(result, scan);
    if (result.round === freeRound) onFree();
  };
  const limit = longestMessage && { longestMessage };
  const { collection, workforce, startup } = workforceOf(
    { plan, options, store, session, clock, over, onCounted, ...limit },
    surroundings.connect,
  );
  const { recosDone } = collection.scan.progress();
  if (recosDone > 0) consola.info(`resumed: ${recosDone} fits are done already`);
  const output = createOutput({
    ...{ directory: options.outputDir, plan, session, collection, now: clock.date, write },
    heard: () => workforce.heard,
    onManifest: (manifest) => workforce.progress(manifest),
  });
  onFree = () => {
    sayFirst(collection);
    // Whoever watches is told at once, not when the next report is due.
    workforce.progress(output.manifest());
  };
  sayFirst(collection);
  options.observer?.onAssembled({ collection, manifest: output.manifest, store });
  const { metadata: event } = plan.event;
  const { progression, threshold, reco } = plan;
  const { scan, statistics } = collection;
  const { skydriver } = options;
  const reports =
    skydriver &&
    new Reports({
      ...{ skydriver: skydriver.client, scanId: skydriver.scanId, clock, write },
      view: {
        ...{ event, progression, threshold, startedAt: session.startedAt, scan, statistics },
        variations: reco.seeds.variations.length,
      },
      result: output.result,
      progressInterval: progressInterval(),
      resultInterval: resultInterval(),
      keepAt: join(options.outputDir, `${eventName(event)}.skydriver-${skydriver.scanId}.json`),
    });
  return { clock, session, collection, workforce, output, startup, reports };
}
type Parts = ReturnType<typeof assemble>;

/** The first direction's line in the log, where there is one. */
function sayFirst({ scan }: Pick<Collection<TaskBook>, "scan">): void {
  const first = firstDirection(scan);
  if (first !== null) consola.info(`first direction: ${describeFirst(first)}`);
}

/** What the finished map says of it. */
function judgeFirst({ scan }: Pick<Collection<TaskBook>, "scan">): void {
  const first = firstDirection(scan);
  if (first === null) return;
  const { text, isContradicted } = verdictOn(first);
  if (isContradicted) consola.warn(`first direction: ${text}: the map's best fit counts`);
  else consola.info(`first direction: ${text}`);
}

interface Meeting {
  readonly plan: ScanPlan;
  readonly options: ServerOptions;
  readonly store: Store;
  readonly session: Session;
  readonly clock: Clock;
  readonly over: Over;
  readonly onCounted: OnCounted;
  /** What the broker takes, bytes. */
  readonly longestMessage?: number;
}

/** Those who do the fits, what they are started with, and the collection of what they send. */
function workforceOf(
  { plan, options, store, session, clock, over, onCounted, longestMessage }: Meeting,
  connectTo: Connect,
): {
  readonly collection: Collection<TaskBook>;
  readonly workforce: Workforce;
  readonly startup: StartupData;
} {
  const collectionWith = <Book extends TaskBook>(book: Book) =>
    openCollection(
      startScan(isQueues(options.broker) ? withoutFlood(plan) : plan),
      book,
      store,
      session.startedAt,
      clock.date(),
      onCounted,
    );
  const { broker, recoTimeout, timeoutToClients, stop, skydriver } = options;
  const events = { onComplete: over.resolve, onError: over.reject };
  if (isQueues(broker)) {
    const collection = collectionWith(new QueuedTasks());
    const workforce = new QueueWorkforce({
      ...{ plan, queues: broker, collection, recoTimeout, clock, ...events },
      ready: async () => {
        if (skydriver) await waitForWorkers(skydriver.client, skydriver.scanId);
      },
      ...(stop && { stop }),
    });
    return { collection, workforce, startup: originalStartupData(plan, session.basename) };
  }
  const collection = collectionWith(
    new Scheduler({
      recoTimeout,
      maxFailures: options.maxFailures,
      silence: missedHeartbeats * heartbeatInterval(),
      isAlone: options.isAlone ?? false,
      // Nobody else is there to guess them.
      leaseId: options.isAlone ? (_, task) => taskKey(task) : leaseIds(session.secret),
    }),
  );
  const startup = startupData(plan.event, session.basename, plan.baselineGcd, plan.choice);
  const workforce = brokerWorkforce({
    ...{ plan, broker, connect: connectTo, session, collection, store, startup, clock },
    ...{ recoTimeout, timeoutToClients, ...events },
    ...(longestMessage !== undefined && { longestMessage }),
    ...(stop && { stop }),
  });
  return { collection, workforce, startup };
}

/** The original's clients pass on no minima. */
function withoutFlood(plan: ScanPlan): ScanPlan {
  const { flood: _, freeStarts: __, ...reco } = plan.reco;
  return { ...plan, reco };
}

const isQueues = (broker: ServerOptions["broker"]): broker is QueuePair => "toClient" in broker;

/** Which messages the broker carries: our own client knows our own, and the original's queues carry the original's. */
async function examined(
  { broker, isAlone, examined: known, stop }: ServerOptions,
  { examine }: ServerSurroundings,
): Promise<number | undefined> {
  if (known !== undefined) return known.longestMessage;
  if (isAlone || isQueues(broker)) return undefined;
  // A name nobody knows, since the scan's is not made yet.
  return await examine(broker, topicsOf(newBasename()).status(newClientId()), stop);
}

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
  const longestMessage = await examined(options, surroundings);
  const parts = assemble(plan, options, store, surroundings, over, longestMessage);
  const { session, collection, workforce, output, reports } = parts;
  const { startup: places } = options;
  // Not before the store is ours: a second server is refused there, and these files are the first one's.
  if (places !== undefined) await forgetOtherScans(places, session.basename);
  await workforce.open();

  const stop = () => over.reject(new Interrupted());
  let rest = () => {};
  try {
    reports?.started();
    if (places !== undefined) {
      await writeStartupFiles(places, parts.startup);
      const name = eventName(plan.event.metadata);
      consola.info(
        `${name}: ${plan.reco.name}, clients may come: --mq-basename ${session.basename}`,
      );
    }
    options.onOpen?.(session.basename, parts.startup);
    options.stop?.addEventListener("abort", stop);
    if (options.stop?.aborted) stop();
    workforce.begin().then(() => reports?.handedOut(), over.reject);
    rest = keepBusy(parts, options, over.reject);
    await output.saveManifest().catch(warnUnsaved);

    await over.promise;
    rest();
    ending = { state: "done" };
    judgeFirst(collection);
    await saveAtLast(() => output.save("done"), parts.clock, options.stop);
  } catch (error) {
    rest();
    if (!(error instanceof TimedOut || error instanceof Interrupted)) throw error;
    const reason = shortfall(error, collection.scan.progress());
    // Interrupted: clients may wait for the server's return.
    if (error instanceof TimedOut || options.stop?.reason === cancelled)
      ending = { state: "failed", reason };
    const saved = await saveUnfinished(error, reason, output);
    await reports?.failed(reason);
    throw saved;
  } finally {
    options.stop?.removeEventListener("abort", stop);
    if (ending !== undefined) await workforce.over(ending.state, ending.reason);
    await workforce.close(options.stop?.aborted ? lastWords : mending);
  }
  await reports?.finished();
  return { result: output.result(), manifest: output.manifest("done"), files: output.files };
}

/** Does what is due from time to time. @returns the function that ends it */
function keepBusy(
  { clock, collection, workforce, output, reports }: Parts,
  { timeoutFromClients, showsProgress = true }: ServerOptions,
  fail: (error: unknown) => void,
): () => void {
  const { scan, scheduler, statistics } = collection;
  const every = (seconds: number, work: () => void) => clock.every(seconds, guarded(work, fail));
  const timers = [
    every(tickPeriod, () => {
      workforce.tick();
      reports?.tick();
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
