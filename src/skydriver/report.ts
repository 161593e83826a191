import { type EventMetadata, METADATA_VERSION } from "../event/event.ts";
import type { Statistics, TimeSummary } from "../scan/progress.ts";
import type { Counts, Scan } from "../scan/scan.ts";
import type { Progression } from "../sky/progression.ts";
import { datetime, timedelta } from "./python_time.ts";

/** What SkyDriver is told of a scan: the body of its manifest's PATCH. */

/** A scan as a report sees it. */
export interface ScanView {
  readonly event: EventMetadata;
  readonly progression: Progression;
  readonly variations: number;
  readonly threshold: number;
  /** s since 1970; of the first start. */
  readonly startedAt: number;
  readonly scan: Scan;
  readonly statistics: Statistics;
}

/** What changes from report to report besides the scan itself. */
export interface ReportMoment {
  readonly summary: string;
  /** s since 1970. */
  readonly now: number;
  /** When the first tasks went out; undefined: not yet. */
  readonly handedOutAt?: number;
  /** When the first result came. */
  readonly firstResultAt?: number;
  readonly isFinished: boolean;
}

/**
 * The parts SkyDriver takes once and compares from then on: the same bytes for the same scan, also after a restart.
 * @returns members of the body, JSON
 */
export function constantParts(scanId: string, view: ScanView): string {
  const { runId, eventId, eventType, mjd, isRealEvent } = view.event;
  const event = {
    run_id: runId,
    event_id: eventId,
    // null is refused there.
    event_type: eventType === "None" ? "" : eventType,
    mjd,
    is_real_event: isRealEvent,
    version: METADATA_VERSION,
  };
  const scan = {
    scan_id: scanId,
    nside_progression: Object.fromEntries(
      view.progression.map(({ nside, extension }) => [nside, extension]),
    ),
    position_variations: view.variations,
  };
  return `"event_metadata": ${JSON.stringify(event)}, "scan_metadata": ${JSON.stringify(scan)}`;
}

/** The part that says how far the scan is. Whole seconds where SkyDriver declares integers: it refuses others. */
export function progressPart(view: ScanView, moment: ReportMoment): object {
  const { startedAt, threshold } = view;
  const { summary, now, isFinished } = moment;
  return {
    summary,
    epilogue: isFinished
      ? "The map is complete."
      : "There may be more pixels than estimated: results decide which are refined.",
    tallies: tallies(view),
    processing_stats: processingStats(view, moment),
    predictive_scanning_threshold: threshold,
    last_updated: datetime(now),
    start: Math.trunc(startedAt),
    end: isFinished ? Math.trunc(now) : null,
  };
}

function tallies({ scan, statistics, startedAt }: ScanView): object {
  const progress = scan.progress();
  const tally = (done: number, sent: number, estimated: number) => ({
    done,
    "done est. percent": `${done}/${estimated} (${(done / Math.max(1, estimated)).toFixed(2)})`,
    generated: sent,
    "initial approximation total": estimated,
  });
  const both = (c: Counts) => ({
    recos: tally(c.recosDone, c.recosSent, c.recosEstimated),
    pixels: tally(c.pixelsDone, c.pixelsSent, c.pixelsEstimated),
  });
  // "99.9%" there is "0.999" here, and 1 has a decimal place.
  const share = (percent: string) => {
    const value = Number((Number.parseFloat(percent) / 100).toFixed(5));
    return Number.isInteger(value) ? value.toFixed(1) : String(value);
  };
  return {
    nsides: Object.fromEntries(progress.stages.map((stage) => [stage.nside, both(stage)])),
    overall: both(progress),
    "est. scan timeline": Object.fromEntries(
      Object.entries(statistics.timeline).map(([percent, at]) => [
        share(percent),
        timedelta(at - startedAt),
      ]),
    ),
  };
}

function processingStats(view: ScanView, moment: ReportMoment): object {
  const { startedAt, scan } = view;
  const { now, handedOutAt, firstResultAt, isFinished } = moment;
  // What tells SkyDriver that there are results: not before there are.
  const isBegun = scan.progress().recosDone > 0;
  return {
    start: {
      "scanner start": datetime(startedAt),
      ...(handedOutAt !== undefined && { "reco start (on server)": datetime(handedOutAt) }),
      ...(firstResultAt !== undefined && {
        "reco start (on first worker)": datetime(firstResultAt),
      }),
    },
    runtime: {
      elapsed: timedelta(now - startedAt),
      ...(handedOutAt !== undefined && {
        "startup runtime": timedelta(handedOutAt - startedAt),
        "reco runtime (on server)": timedelta(now - handedOutAt),
      }),
      ...(handedOutAt !== undefined &&
        firstResultAt !== undefined && {
          "reco start delay (on first worker)": timedelta(firstResultAt - handedOutAt),
        }),
    },
    ...(isBegun && { rate: rates(view, now) }),
    ...(isBegun && !isFinished && predictions(view, now)),
    ...(isFinished && { end: datetime(now) }),
    finished: isFinished,
  };
}

function rates({ scan, statistics, startedAt }: ScanView, now: number): object {
  const times = ({ mean, median, slowest, fastest }: TimeSummary) => {
    const text = (value: number | null) => (value === null ? null : timedelta(value));
    return {
      mean: text(mean),
      median: text(median),
      slowest: text(slowest),
      fastest: text(fastest),
    };
  };
  const progress = scan.progress();
  const { recosPerSecond } = statistics.rates(progress, now);
  const overall = {
    "worker time": times(statistics.worker()),
    "round-trip time": times(statistics.roundTrip()),
    "wall time": {
      start: datetime(startedAt),
      end: datetime(now),
      runtime: timedelta(now - startedAt),
      ...(recosPerSecond !== null && { "mean reco": timedelta(1 / recosPerSecond) }),
    },
  };
  const stages = progress.stages.filter(({ recosDone }) => recosDone > 0);
  return {
    "all recos": overall,
    ...Object.fromEntries(
      stages.map(({ nside }) => [
        `nside-${nside}`,
        {
          "worker time": times(statistics.worker(nside)),
          "round-trip time": times(statistics.roundTrip(nside)),
        },
      ]),
    ),
  };
}

function predictions({ scan, statistics, startedAt }: ScanView, now: number): object {
  const progress = scan.progress();
  const { timeLeft } = statistics.rates(progress, now);
  if (timeLeft === null) return {};
  return {
    predictions: {
      "time left": timedelta(timeLeft),
      "total runtime at finish": timedelta(now - startedAt + timeLeft),
      "total # of reconstructions": progress.recosEstimated,
      end: datetime(now + timeLeft),
      technique: "rate of the newest quarter of the fits",
    },
  };
}
