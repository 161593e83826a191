// A scan as the page and SkyDriver's scripts see it: from what is remembered of it, and what its run says now.
import type { ScanRecord } from "./archive.ts";
import type { ScanRow, ScanState } from "./messages.ts";
import type { Run } from "./run.ts";

/** A scan as far as it is known: remembered, running, stuck. */
export interface Standing {
  readonly record: ScanRecord;
  readonly run: Run | undefined;
  /** Why it is stuck; undefined: it is not. */
  readonly stuck: string | undefined;
  /** Fits a second, lately, and time left, s. */
  readonly rate: number | null;
  readonly secondsLeft: number | null;
  /** s since 1970. */
  readonly now: number;
}

export function stateOf({ record, stuck }: Standing): ScanState {
  if (record.state === "running" && stuck !== undefined) return "stuck";
  return record.state;
}

/** SkyDriver's names of what a scan waits for, without what it is in. */
function stageName({ record, run }: Standing): string {
  const done = run?.progress().done ?? record.facts.done;
  if (record.started === null) return "PENDING__PRESTARTUP";
  if (run !== undefined && run.collection === undefined)
    return "PENDING__WAITING_ON_SCANNER_SERVER_STARTUP";
  return done > 0
    ? "IN_PROGRESS__PARTIAL_RESULT_GENERATED"
    : "IN_PROGRESS__WAITING_ON_FIRST_PIXEL_RECO";
}

/** SkyDriver's word for a scan's state. */
export function scanStateOf(standing: Standing): string {
  const { state } = standing.record;
  if (state === "done") return "SCAN_HAS_FINAL_RESULT";
  const name = stageName(standing);
  if (state === "cancelled") return `ABORTED__${name.split("__")[1]}`;
  if (state === "failed") return `FINISHED__${name.split("__")[1]}`;
  return name;
}

export function rowOf(standing: Standing): ScanRow {
  const { record, run, stuck, secondsLeft } = standing;
  const { id, event, settings, priority, created, started, ended, alert, rescanOf } = record;
  const facts = run?.facts([]) ?? record.facts;
  const place = facts.place ?? facts.best;
  return {
    ...{ id, event, reco: settings.reco, nsides: settings.nsides, priority },
    state: stateOf(standing),
    scan_state: scanStateOf(standing),
    reason: stuck ?? record.reason,
    progress: { done: facts.done, estimated: facts.estimated },
    seconds_left: secondsLeft,
    best: place && { ra: place.ra, dec: place.dec },
    areas: [...facts.areas],
    failed_pixels: facts.failedPixels,
    ...{ created, started, ended, alert, rescan_of: rescanOf },
  };
}
