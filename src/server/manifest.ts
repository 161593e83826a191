import { version } from "../config/version.ts";
import { type EventMetadata, eventName } from "../event/event.ts";
import type { EnergyEstimate } from "../reco/reco.ts";
import type { Statistics } from "../scan/progress.ts";
import type { Scan } from "../scan/scan.ts";
import type { SchedulerCounts } from "../scan/scheduler.ts";
import type { Task } from "../scan/task.ts";
import { formatProgression, type Progression } from "../sky/progression.ts";

/** A fit without a result. */
export interface FailedFit extends Task {
  readonly reasons: readonly string[];
}

export interface ManifestInput {
  readonly event: EventMetadata;
  readonly reco: string;
  readonly progression: Progression;
  readonly variations: number;
  readonly seed: number | null;
  readonly threshold: number;
  readonly basename: string;
  readonly detector: string;
  readonly light: string | null;
  readonly energy: EnergyEstimate | null;
  /** s since 1970. */
  readonly startedAt: number;
  readonly now: number;
  readonly state: "running" | "done" | "failed" | "interrupted";
  readonly reason?: string;
  readonly scan: Scan;
  readonly statistics: Statistics;
  readonly scheduler: SchedulerCounts;
  readonly malformed: number;
  readonly failed: readonly FailedFit[];
  readonly missing: readonly Task[];
  readonly results: readonly string[];
}

/** Lists of fits in the manifest end here; their full length is always given. */
const longestList = 1000;

/** How a scan stands, for people and programs: scan-manifest.json, and the retained progress message. */
export function manifest(input: ManifestInput) {
  const { event, scan, statistics, scheduler } = input;
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
    },
    scan: {
      state: input.state,
      is_complete: scan.isComplete,
      ...(input.reason !== undefined && { reason: input.reason }),
      reco_algo: input.reco,
      nsides: formatProgression(input.progression),
      variations: input.variations,
      seed: input.seed,
      predictive_scanning_threshold: input.threshold,
      detector: input.detector,
      light: input.light,
      energy: input.energy,
      mq_basename: input.basename,
      version,
      started: isoTime(input.startedAt),
      updated: isoTime(input.now),
      seconds: input.now - input.startedAt,
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
    best_fit: scan.best ? { ...scan.best } : null,
    clients: { connected: scheduler.clients, set_aside: scheduler.clientsSetAside },
    messages: {
      duplicates: scheduler.duplicates,
      foreign: scheduler.foreign,
      malformed: input.malformed,
    },
    leases: {
      open: scheduler.leased,
      waiting: scheduler.pending,
      lost: scheduler.lost,
      expired: scheduler.expired,
      speculative: scheduler.speculative,
      failed_attempts: scheduler.failures,
    },
    failed: {
      count: total.recosFailed,
      given_up: scheduler.givenUp,
      fits: input.failed.slice(0, longestList),
    },
    ...(input.state !== "running" && {
      missing: { count: input.missing.length, fits: input.missing.slice(0, longestList) },
    }),
    results: input.results,
  };
}
export type Manifest = ReturnType<typeof manifest>;

function rates({ scan, statistics, now }: ManifestInput) {
  const { recosPerSecond, recosPerSecondLately, timeLeft } = statistics.rates(scan.progress(), now);
  return {
    recos_per_second: recosPerSecond,
    recos_per_second_lately: recosPerSecondLately,
    seconds_left: scan.isComplete ? 0 : timeLeft,
  };
}

const counts = (c: {
  readonly recosDone: number;
  readonly recosSent: number;
  readonly recosEstimated: number;
  readonly pixelsDone: number;
  readonly pixelsSent: number;
  readonly pixelsEstimated: number;
}) => ({
  recos: { done: c.recosDone, sent: c.recosSent, estimated: c.recosEstimated },
  pixels: { done: c.pixelsDone, sent: c.pixelsSent, estimated: c.pixelsEstimated },
});

const isoTime = (seconds: number): string => new Date(seconds * 1000).toISOString();
