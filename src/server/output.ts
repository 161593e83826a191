import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { consola } from "consola";
import { version } from "../config/version.ts";
import { eventName } from "../event/event.ts";
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
  // The same names for partial and final results, whichever nsides they hold.
  const nsides = plan.progression.map(({ nside }) => nside).join("_");
  const stem = join(directory, `${eventName(plan.event.metadata)}_${nsides}`);
  warnOfReplaced(stem, session.basename);
  let files: readonly string[] = [];
  let isMapResolved: boolean | null = null;
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = turn.then(work);
    turn = result.catch(() => {});
    return result;
  };

  const result = () =>
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
    for (const file of [`${stem}.manifest.json`, join(directory, "scan-manifest.json")])
      await options.write(file, text, secret);
    options.onManifest(document);
    return document;
  };
  const writeAll = async (state?: ManifestState, reason?: string) => {
    const map = result();
    if (map.nsides.size > 0) {
      const both = [`${stem}.npz`, `${stem}.json`];
      for (const file of both) await options.write(file, encodeResult(file, map));
      files = both;
      if (scan.isComplete) isMapResolved = isResolved(densitiesOf(cellsOf(map)));
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
