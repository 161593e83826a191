// A scan in SkyDriver's shapes: manifest, result, status, so that scripts written for it change the address only.
import { writeJson } from "../result/json.ts";
import { resultFromScan } from "../result/result.ts";
import { datetime, timedelta } from "../skydriver/python_time.ts";
import type { ScanRecord } from "./archive.ts";
import { type Desk, nsidesRecord } from "./desk.ts";
import type { MapBodies } from "./maps.ts";
import type { Stage } from "./messages.ts";
import { type Standing, scanStateOf } from "./rows.ts";

/** What ended the work on a scan, in EWMS's words. */
const deactivatedBy: Readonly<Record<string, string | null>> = {
  ...{ waiting: null, running: null, done: "FINISHED", failed: "FINISHED", cancelled: "ABORTED" },
};

/** Whether SkyDriver counts a scan as deleted: there, to cancel is to delete. */
export const isDeleted = ({ isDeleted, state }: ScanRecord): boolean =>
  isDeleted || state === "cancelled";

/** The manifest of a scan. */
export function manifestOf(record: ScanRecord, standing: Standing) {
  const { id, event, settings, facts, created, changed, started } = record;
  return {
    scan_id: id,
    timestamp: created,
    is_deleted: isDeleted(record),
    scanner_server_args: `--reco-algo ${settings.reco} --nsides ${settings.nsides} ${event.is_real ? "--real-event" : "--simulated-event"} --predictive-scanning-threshold ${settings.threshold}`,
    ewms_workflow_id: started === null ? "not-yet-requested" : id,
    ewms_address: null,
    ewms_task: "use 'ewms_workflow_id'",
    priority: record.priority,
    classifiers: record.classifiers,
    i3_event_id: record.alert,
    event_i3live_json_dict: "use 'i3_event_id'",
    event_i3live_json_dict__hash: null,
    event_metadata: {
      ...{ run_id: event.run, event_id: event.id, event_type: event.type, mjd: event.mjd },
      is_real_event: event.is_real,
    },
    scan_metadata: {
      scan_id: id,
      nside_progression: nsidesRecord(settings.nsides),
      position_variations: facts.variations,
    },
    progress: started === null ? null : progressOf(record, standing),
    replaced_by_scan_id: record.replacedBy,
    last_updated: changed,
  };
}

function progressOf(record: ScanRecord, { run, rate, secondsLeft, now }: Standing) {
  const { settings, ended, state } = record;
  const started = record.started ?? now;
  const facts = run?.facts([]) ?? record.facts;
  const until = ended ?? now;
  return {
    summary: `${facts.done} of about ${facts.estimated} reconstructions are done.`,
    epilogue: ended === null ? "" : `The scan ended: ${record.reason ?? state}.`,
    tallies: talliesOf(facts.stages),
    processing_stats: {
      start: {
        "scanner start": datetime(started),
        "reco start (on server)": datetime(started),
      },
      runtime: { elapsed: timedelta(until - started) },
      // Not empty as soon as there is a pixel: this is what states are told by.
      rate: facts.done === 0 ? {} : { "all recos": rateOf(facts.done, until - started, rate) },
      end: ended === null ? "" : datetime(ended),
      finished: state === "done",
      predictions:
        secondsLeft === null
          ? {}
          : {
              "time left": timedelta(secondsLeft),
              "total runtime at finish": timedelta(until - started + secondsLeft),
              "total # of reconstructions": facts.estimated,
              end: datetime(now + secondsLeft),
            },
    },
    predictive_scanning_threshold: settings.threshold,
    last_updated: datetime(record.changed),
    start: Math.trunc(started),
    end: ended === null ? null : Math.trunc(ended),
  };
}

const rateOf = (done: number, seconds: number, lately: number | null) => ({
  "wall time": { runtime: timedelta(seconds), "mean reco": `${seconds / done} s` },
  ...(lately !== null && { "recos per second": lately }),
});

function talliesOf(stages: readonly Stage[]) {
  const tally = ({ done, sent, estimated }: { done: number; sent: number; estimated: number }) => ({
    done,
    "done est. percent": `${done}/${estimated} (${(done / Math.max(1, estimated)).toFixed(2)})`,
    generated: sent,
    "initial approximation total": estimated,
  });
  const sum = (kind: "pixels" | "recos") => ({
    done: stages.reduce((all, stage) => all + stage[kind].done, 0),
    sent: stages.reduce((all, stage) => all + stage[kind].sent, 0),
    estimated: stages.reduce((all, stage) => all + stage[kind].estimated, 0),
  });
  return {
    nsides: Object.fromEntries(
      stages.map(({ nside, recos, pixels }) => [
        nside,
        { recos: tally(recos), pixels: tally(pixels) },
      ]),
    ),
    overall: { recos: tally(sum("recos")), pixels: tally(sum("pixels")) },
  };
}

/** Some fields of a document, or all of them: a list of names, or one text with "|" between. */
export function projected<Document extends object>(
  document: Document,
  projection: readonly string[] | string | undefined,
): Partial<Document> {
  const names = typeof projection === "string" ? projection.split("|") : (projection ?? []);
  if (names.length === 0 || names.includes("*") || names.includes("")) return document;
  return Object.fromEntries(
    Object.entries(document).filter(([name]) => names.includes(name)),
  ) as Partial<Document>;
}

/** The result of a scan so far; {} where there is none. */
export async function resultOf(
  record: ScanRecord,
  desk: Desk,
  maps: MapBodies,
): Promise<Record<string, unknown>> {
  const run = desk.run(record.id);
  const scan = run?.collection?.scan;
  const result =
    run !== undefined && scan !== undefined
      ? resultFromScan(scan.pixels(), run.plan.event.metadata, false)
      : await maps.result(record);
  if (result === undefined || result.nsides.size === 0) return {};
  return {
    scan_id: record.id,
    skyscan_result: JSON.parse(writeJson(result)),
    is_final: record.state === "done",
  };
}

/** How a scan stands, in SkyDriver's words. */
export function statusOf(record: ScanRecord, desk: Desk, base: string) {
  const standing = desk.standing(record);
  return {
    scan_state: scanStateOf(standing),
    is_deleted: isDeleted(record),
    ewms_deactivated: deactivatedBy[record.state] ?? null,
    scan_complete: record.state === "done",
    scanner_server_logs: { url: logAddress(record, base) },
    ewms_workforce: workforceOf(record, desk),
  };
}

export const logAddress = ({ id }: ScanRecord, base: string): string =>
  `${base}scan/${id}/files/log.txt`;

export function workforceOf({ id, started }: ScanRecord, desk: Desk) {
  const workers = desk.pool.workersOf(id);
  return {
    workflow_id: started === null ? "not-yet-requested" : id,
    statuses: workers === 0 ? {} : { RUNNING: { Processing: workers } },
    n_running: workers,
    top_errors: {},
  };
}
