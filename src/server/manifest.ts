import { version } from "../config/version.ts";
import { eventName } from "../event/event.ts";
import { namedChoice } from "../light/choice.ts";
import { levelsOfAlgorithm } from "../result/levels.ts";
import type { Counts } from "../scan/scan.ts";
import { singleFits, type Task } from "../scan/task.ts";
import type { TaskBook } from "../scan/task_book.ts";
import { formatProgression } from "../sky/progression.ts";
import type { Collection } from "./collection.ts";
import { firstDirection } from "./first_direction.ts";
import type { ScanPlan } from "./plan.ts";
import type { Session } from "./session.ts";

export type ManifestState = "running" | "done" | "failed" | "interrupted";

export interface ManifestInput {
  readonly plan: ScanPlan;
  readonly session: Session;
  readonly collection: Collection<TaskBook>;
  /** Description of the light model, as soon as it is known. */
  readonly light: string | null;
  /** Messages that were not believed. */
  readonly malformed: number;
  readonly state: ManifestState;
  readonly reason?: string;
  /** The finished map's pixels are finer than its peak; null before it is finished. */
  readonly isMapResolved: boolean | null;
  /** Result files written. */
  readonly files: readonly string[];
  /** s since 1970. */
  readonly now: number;
}

/** Lists of fits in the manifest end here; their full length is always given. */
const longestList = 1000;

/** How a scan stands, for people and programs: scan-manifest.json, and the retained progress message. */
export function manifestOf(input: ManifestInput) {
  const { plan, session, now } = input;
  const { scan, statistics, scheduler, failed } = input.collection;
  const event = plan.event.metadata;
  const counted = scheduler.counts;
  const missing = input.state === "running" ? undefined : unfinishedFits(scheduler.unfinished());
  const progress = scan.progress();
  const { stages, duplicates: _d, foreign: _f, ...total } = progress;
  return {
    event: {
      name: eventName(event),
      run_id: event.runId,
      event_id: event.eventId,
      event_type: event.eventType,
      mjd: event.mjd,
      is_real_event: event.isRealEvent,
      sha256: plan.event.sha256 ?? null,
    },
    scan: {
      state: input.state,
      is_complete: scan.isComplete,
      ...(input.reason !== undefined && { reason: input.reason }),
      reco_algo: plan.reco.name,
      likelihood: plan.reco.likelihood ?? null,
      levels: levelsInManifest(plan.reco.name),
      nsides: formatProgression(plan.progression),
      refine_to_contour: plan.refineToContour,
      variations: plan.reco.seeds.variations.length,
      seed: plan.seed ?? null,
      predictive_scanning_threshold: plan.threshold,
      detector: plan.detector.source,
      light: input.light,
      choice: namedChoice(plan.choice),
      energy: plan.energy ?? null,
      mq_basename: session.basename,
      version,
      command_line: plan.commandLine ?? null,
      started: isoTime(session.startedAt),
      updated: isoTime(now),
      seconds: Math.max(0, now - session.startedAt),
    },
    progress: {
      ...counts(total),
      by_nside: Object.fromEntries(
        stages.map(({ nside, ...stage }) => [
          nside,
          {
            ...counts(stage),
            seconds_on_worker: statistics.worker(nside),
            seconds_round_trip: statistics.roundTrip(nside),
          },
        ]),
      ),
      ...rates(input),
      seconds_on_worker: statistics.worker(),
      seconds_round_trip: statistics.roundTrip(),
      worker_seconds: statistics.workerSeconds,
      evaluations: statistics.evaluations,
      reached: Object.fromEntries(
        Object.entries(statistics.timeline).map(([share, at]) => [share, isoTime(at)]),
      ),
    },
    first_direction: firstDirection(scan),
    best_fit: scan.best ? { ...scan.best } : null,
    resolved: input.isMapResolved,
    clients: { connected: counted.clients, set_aside: counted.clientsSetAside },
    messages: {
      duplicates: counted.duplicates,
      foreign: counted.foreign,
      malformed: input.malformed,
    },
    leases: {
      open: counted.leased,
      waiting: counted.pending,
      lost: counted.lost,
      expired: counted.expired,
      speculative: counted.speculative,
      failed_attempts: counted.failures,
    },
    failed: {
      count: total.recosFailed,
      given_up: counted.givenUp,
      fits: failed.slice(0, longestList),
    },
    ...(missing && {
      missing: { count: missing.length, fits: missing.slice(0, longestList) },
    }),
    results: input.files,
  };
}
export type Manifest = ReturnType<typeof manifestOf>;

/** Where the map's contours lie, and by which convention; null for an algorithm whose levels nobody knows. */
function levelsInManifest(recoAlgo: string) {
  const levels = levelsOfAlgorithm(recoAlgo);
  if (levels === undefined) return null;
  const { convention, contours, systematicIncluded } = levels;
  return { convention, contours, systematic_included: systematicIncluded };
}

/** The fits that were sent and are not done; further looks at a pixel are none. */
const unfinishedFits = (tasks: readonly Task[]) =>
  tasks
    .filter(({ round = 0 }) => round === 0)
    .flatMap(singleFits)
    .map(({ nside, pixel, posvar }) => ({ nside, pixel, posvar }));

/** The manifest without its long lists, for the broker. */
export const withoutLists = (document: Manifest): object => ({
  ...document,
  failed: { ...document.failed, fits: [] },
  ...(document.missing && { missing: { ...document.missing, fits: [] } }),
});

function rates({ collection: { scan, statistics }, now }: ManifestInput) {
  const { recosPerSecond, recosPerSecondLately, timeLeft } = statistics.rates(scan.progress(), now);
  return {
    recos_per_second: recosPerSecond,
    recos_per_second_lately: recosPerSecondLately,
    seconds_left: scan.isComplete ? 0 : timeLeft,
  };
}

const counts = (c: Counts) => ({
  recos: { done: c.recosDone, sent: c.recosSent, estimated: c.recosEstimated },
  pixels: { done: c.pixelsDone, sent: c.pixelsSent, estimated: c.pixelsEstimated },
});

const isoTime = (seconds: number): string => new Date(seconds * 1000).toISOString();
