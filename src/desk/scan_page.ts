// All the page shows of one scan but its pixels.
import { version } from "../config/version.ts";
import type { Event } from "../event/event.ts";
import { loadEvent } from "../event/load.ts";
import { onlineDirection } from "../event/online.ts";
import { type Levels, levelsOfAlgorithm, wilksLevels } from "../result/levels.ts";
import type { ScanFacts, ScanRecord } from "./archive.ts";
import type { Desk } from "./desk.ts";
import type { FileMaker } from "./files.ts";
import type { MapBodies } from "./maps.ts";
import type { OnlineDirection, ScanPage } from "./messages.ts";
import { epochOf } from "./news.ts";

/** MJD of 1970-01-01, and s in a day. */
const unixEpoch = 40_587;
const day = 86_400;

/** @returns what GET /scan/ID/page answers */
export async function pageOf(
  record: ScanRecord,
  desk: Desk,
  files: FileMaker,
  maps: MapBodies,
): Promise<ScanPage> {
  const { settings, event } = record;
  const run = desk.run(record.id);
  const facts = run?.facts([]) ?? record.facts;
  const levels = levelsOfAlgorithm(settings.reco) ?? wilksLevels;
  const { calibration } = facts;
  return {
    row: desk.row(record),
    provenance: {
      ...{ version, reco: settings.reco, nsides: settings.nsides, seed: settings.seed },
      variations: facts.variations,
      ...{ light: facts.light, detector: facts.detector, energy: facts.energy },
    },
    levels: {
      convention: calibration ? "calibrated" : conventionOf(levels),
      list: (calibration?.levels ?? levels.contours).map(({ percent, level }) => ({
        ...{ percent, level },
      })),
    },
    is_calibrated: calibration !== undefined,
    honesty: honestyOf(levels.source, facts),
    online: await onlineOf(record, desk),
    best: facts.best,
    first: facts.first ?? null,
    place: (record.state === "done" && facts.place) || null,
    stages: [...facts.stages],
    timeline: timelineOf(record, desk),
    siblings: desk.archive
      .find("NOT isDeleted AND event ->> '$.name' = ?", [event.name], 50)
      .map((other) => desk.row(other)),
    files: files.list(record),
    ...{ epoch: epochOf(record.id), seq: maps.seqOf(record) },
  };
}

const conventionOf = ({ convention }: Levels): string =>
  convention === "statistical" ? "Wilks" : convention;

/** What is not known about a map's contours, in one line: it stands above everything that is published. */
function honestyOf(levels: string, { light, detector, calibration }: ScanFacts): string {
  const lightInWords =
    light === null ? [] : [light.startsWith("embedded") ? "built-in light" : "photon tables"];
  const detectorInWords =
    detector === null
      ? []
      : [detector.startsWith("built-in") ? "nominal detector" : "detector of the alert"];
  const made = [...lightInWords, ...detectorInWords].join(", ") || "light not known yet";
  if (calibration !== undefined)
    return `Calibrated. Levels: this event's own, ${calibration.experiments} pseudo-experiments with ice and detector varied; ${made}.`;
  return [
    `Not calibrated. Levels: ${levels}${/statistical/.test(levels) ? " only" : ""};`,
    `${made}.`,
    "Coverage not studied.",
  ].join(" ");
}

const online = new Map<string, OnlineDirection | null>();
const mostOnline = 1000;

/** An alert's own direction, read once. */
async function onlineOf(record: ScanRecord, desk: Desk): Promise<OnlineDirection | null> {
  const known = online.get(record.alert);
  if (known !== undefined) return known;
  const plan = desk.run(record.id)?.plan;
  const event: Event = plan?.event ?? (await loadEvent(desk.alertFile(record)));
  const direction = onlineDirection(event);
  if (online.size >= mostOnline) online.clear();
  online.set(record.alert, direction);
  return direction;
}

/** What happened when, from the event itself on. */
function timelineOf(record: ScanRecord, desk: Desk): ScanPage["timeline"] {
  const happened = desk.archive.history(record.id).map(({ what, at }) => ({ what, at }));
  const alert = { what: "alert", at: (record.event.mjd - unixEpoch) * day };
  return record.event.is_real ? [alert, ...happened] : happened;
}
