// An event's own levels for a finished scan: its calibration is laid beside the map, and everything made of the map
// follows it.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { InputError } from "../config/errors.ts";
import { type Calibration, requireSameEvent } from "../result/calibration.ts";
import { secret, writeAtomically } from "../result/files.ts";
import { calibratedLevels } from "../result/levels.ts";
import type { ScanFacts, ScanRecord } from "./archive.ts";
import type { Desk } from "./desk.ts";
import { findingsOf } from "./findings.ts";
import type { MapBodies } from "./maps.ts";
import { ProblemError } from "./problem.ts";

/** Where a scan's calibration lies, below its folder. */
export const calibrationOf = (folder: string): string => join(folder, "calibration.json");

/** What has been made of a map, below a scan's folder. */
export const madeOf = (folder: string): string => join(folder, "made");

/**
 * Gives a finished scan the levels of a calibration, or, without one, its algorithm's again.
 * Throws ProblemError where the scan is not finished, or the calibration is another event's or algorithm's.
 */
export async function setCalibration(
  record: ScanRecord,
  calibration: Calibration | undefined,
  { desk, maps }: { readonly desk: Desk; readonly maps: MapBodies },
): Promise<ScanRecord> {
  const result = record.state === "done" ? await maps.result(record) : undefined;
  if (result === undefined)
    throw new ProblemError(409, "Only a finished map can be given its event's own levels.");
  const folder = desk.folder(record);
  const { calibration: _, ...facts } = record.facts;
  if (calibration === undefined) {
    await rm(calibrationOf(folder), { force: true });
    await changeTo({ ...facts, ...findingsOf(result) });
  } else {
    try {
      requireSameEvent(calibration, result, "The calibration");
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      throw new ProblemError(409, error.message);
    }
    await writeAtomically(calibrationOf(folder), JSON.stringify(calibration), secret);
    const levels = calibratedLevels(calibration);
    await changeTo({
      ...{ ...facts, ...findingsOf(result, levels) },
      calibration: { experiments: calibration.experiments, levels: levels.contours },
    });
  }
  return desk.record(record.id);

  async function changeTo(changed: ScanFacts): Promise<void> {
    // What was made of the map names other levels.
    await rm(madeOf(folder), { recursive: true, force: true });
    desk.calibrated(record.id, changed);
  }
}
