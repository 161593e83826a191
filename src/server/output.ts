import { existsSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { consola } from "consola";
import { version } from "../config/version.ts";
import { type EventMetadata, eventName } from "../event/event.ts";
import { withBestDirection } from "../result/best_direction.ts";
import { cellsOf, densitiesOf, isResolved } from "../result/cells.ts";
import { encodeResult, secret, type writeAtomically } from "../result/files.ts";
import { levelsOfAlgorithm, levelsText } from "../result/levels.ts";
import { type Provenance, provenanceFields } from "../result/provenance.ts";
import { resultFromScan, type SkyScanResult } from "../result/result.ts";
import type { TaskBook } from "../scan/task_book.ts";
import type { Collection } from "./collection.ts";
import { type Manifest, type ManifestState, manifestOf } from "./manifest.ts";
import type { ScanPlan } from "./plan.ts";
import type { Session } from "./session.ts";

/** What a scan leaves in its output folder: the map, and the manifest that says how it came about. */
export interface Output {
  /** The manifest as it would be written now. */
  manifest(state?: ManifestState, reason?: string): Manifest;
  /** Writes the manifest alone. */
  saveManifest(state?: ManifestState, reason?: string): Promise<Manifest>;
  /** Writes the map as far as it is, and the manifest. */
  save(state?: ManifestState, reason?: string): Promise<Manifest>;
  /** The map as far as it is. */
  result(): SkyScanResult;
  /** Result files written so far. */
  readonly files: readonly string[];
}

export interface OutputOptions {
  readonly directory: string;
  readonly plan: ScanPlan;
  readonly session: Session;
  readonly collection: Collection<TaskBook>;
  /** What only the talk with the clients tells: their light, the messages that were not believed. */
  readonly heard: () => { readonly light: string | null; readonly malformed: number };
  /** s since 1970. */
  readonly now: () => number;
  readonly write: typeof writeAtomically;
  /** Called with every manifest written. */
  readonly onManifest: (manifest: Manifest) => void;
}

/** Whatever is asked for at the same time is written one after the other. */
export function createOutput(options: OutputOptions): Output {
  const { directory, plan, session, collection, now } = options;
  const { scan } = collection;
  const stemOf = (nsides: readonly number[]) =>
    join(directory, stemOfScan(plan.event.metadata, nsides));
  let stem = stemOf(scan.nsides);
  warnOfReplaced(stem, session.basename);
  let files: readonly string[] = [];
  let isMapResolved: boolean | null = null;
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = turn.then(work);
    turn = result.catch(() => {});
    return result;
  };

  /** The whole map: nothing is added to it. */
  let finished: SkyScanResult | undefined;
  const result = () =>
    finished ??
    withBestDirection(
      resultFromScan(
        scan.pixels({ unfinished: !scan.isComplete }),
        plan.event.metadata,
        scan.isComplete,
        provenanceFields(provenanceOfScan(plan, options.heard().light)),
      ),
    );
  const manifest = (state: ManifestState = "running", reason?: string): Manifest =>
    manifestOf({
      ...{ plan, session, collection, state, files, isMapResolved, ...options.heard() },
      ...(reason !== undefined && { reason }),
      now: now(),
    });
  const writeManifest = async (state?: ManifestState, reason?: string) => {
    collection.mark(now());
    const document = manifest(state, reason);
    const text = `${JSON.stringify(document, null, 2)}\n`;
    // The newest scan's under the name the system before gave it, and every scan's beside its result.
    // What a scan that may yet go further leaves behind under a shorter name is to be its own alone.
    const isNamed = !plan.refineToContour || files.length > 0;
    const beside = isNamed ? [`${stem}.manifest.json`] : [];
    for (const file of [...beside, join(directory, "scan-manifest.json")])
      await options.write(file, text, secret);
    options.onManifest(document);
    return document;
  };
  const writeAll = async (state?: ManifestState, reason?: string) => {
    // Not after the writing: the scan may have been completed meanwhile, this map has not.
    const { isComplete } = scan;
    const map = result();
    if (map.nsides.size > 0) {
      const longer = stemOf(scan.nsides);
      if (longer !== stem) warnOfReplaced(longer, session.basename);
      stem = longer;
      const both = [`${stem}.npz`, `${stem}.json`];
      for (const file of both) await options.write(file, encodeResult(file, map));
      files = both;
      // The same names for partial and final results, whichever nsides they hold; until the scan goes further.
      for (let n = plan.progression.length; n < scan.nsides.length; n++)
        await removeOwn(stemOf(scan.nsides.slice(0, n)), session.basename);
      if (isComplete) {
        finished = map;
        isMapResolved = isResolved(densitiesOf(cellsOf(map)));
      }
    }
    return await writeManifest(state, reason);
  };

  return {
    manifest,
    saveManifest: (state, reason) => inTurn(() => writeManifest(state, reason)),
    save: (state, reason) => inTurn(() => writeAll(state, reason)),
    result,
    get files() {
      return files;
    },
  };
}

/** @param light as its clients describe it, null before any has come */
function provenanceOfScan(plan: ScanPlan, light: string | null): Provenance {
  const { sha256 } = plan.event;
  const levels = levelsOfAlgorithm(plan.reco.name);
  return {
    recoAlgo: plan.reco.name,
    ...(plan.reco.likelihood !== undefined && { likelihood: plan.reco.likelihood }),
    ...(levels && { levels: levelsText(levels) }),
    ...(light !== null && { light }),
    detector: plan.detector.source,
    version,
    ...(sha256 !== undefined && { eventSha256: sha256 }),
    ...(plan.commandLine !== undefined && { commandLine: plan.commandLine }),
  };
}

/** The stem of a scan's result files, the partial ones' too: `run00136766.evt000007637140.GOLD_8_64_512`. */
export const stemOfScan = (event: EventMetadata, nsides: readonly number[]): string =>
  `${eventName(event)}_${nsides.join("_")}`;

/** The name on the broker of the scan that left files of this stem; undefined: nobody knows. */
function basenameOf(stem: string): string | undefined {
  try {
    return JSON.parse(readFileSync(`${stem}.manifest.json`, "utf8")).scan.mq_basename;
  } catch {
    return undefined;
  }
}

/** Removes this scan's files of a stem it has outgrown. */
async function removeOwn(stem: string, basename: string): Promise<void> {
  if (basenameOf(stem) !== basename) return;
  for (const ending of [".npz", ".json", ".manifest.json"])
    await rm(stem + ending, { force: true });
}

/** Says so where the result of another scan stands in the way: all algorithms give a map of an event one name. */
function warnOfReplaced(stem: string, basename: string): void {
  if (!existsSync(`${stem}.npz`)) return;
  let earlier: Partial<Manifest["scan"]> = {};
  try {
    earlier = JSON.parse(readFileSync(`${stem}.manifest.json`, "utf8")).scan;
  } catch {
    // An earlier version's, or damaged: that it is another scan's is all there is to say.
  }
  if (earlier.mq_basename === basename) return;
  const whose =
    earlier.reco_algo === undefined ? "an earlier scan" : `a scan with ${earlier.reco_algo}`;
  consola.warn(`${stem}.npz: the result of ${whose} will be replaced (see --output-dir)`);
}
