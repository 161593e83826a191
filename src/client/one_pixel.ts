import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { consola } from "consola";
import * as v from "valibot";
import { InputError } from "../config/errors.ts";
import { version } from "../config/version.ts";
import { BUILTIN_BASELINE } from "../detector/builtin.ts";
import { detectorOf } from "../detector/gcd.ts";
import { withoutDoms } from "../event/event.ts";
import { parseEvent } from "../event/load.ts";
import { baselinePath, tablesDirectory } from "../ewms/experiment_files.ts";
import { type FitRequest, fitAnswerDocument, jsonOf, readFitRequest } from "../ewms/messages.ts";
import { cacheFolder, type Source } from "../ewms/staging.ts";
import { inContext } from "../i3/context.ts";
import { chosenDetector, type LightChoice, needsEmbedded, readChoice } from "../light/choice.ts";
import { openLight } from "../light/light.ts";
import { StartupData } from "../mq/messages.ts";
import type { Fit, Reco } from "../reco/reco.ts";
import { findReco } from "../reco/registry.ts";
import { writeAtomically } from "../result/files.ts";
import type { TaskResult } from "../scan/task.ts";
import { cachedPrepared } from "./prepared_cache.ts";

export interface OnePixelOptions {
  readonly infile: string;
  readonly outfile: string;
  /** The server's startup.json. */
  readonly startup: string;
  /** Folder that tasks of one pilot share; undefined: nothing is kept for the next. */
  readonly dataHub?: string;
  /** Where baselines and tables are fetched from that are not on this machine; undefined: nowhere. */
  readonly dataSource?: string;
  /** Must have the baseline, or the tables, then. */
  readonly gcdDir?: string;
  readonly photonTables?: string;
}

/**
 * Does one fit as the original's client does: the task in a file, the answer in another.
 * The outfile is there, whole, when this returns; where it throws, it is not.
 * Throws InputError (files that are no good, or an outfile that is there already), MachineError.
 */
export async function fitOnePixel(options: OnePixelOptions): Promise<void> {
  const { infile, outfile, startup } = options;
  if (existsSync(outfile)) throw new InputError(`${outfile}: is there already`);
  const started = performance.now();
  const request = await inFile(infile, (text) => readFitRequest(jsonOf(text)));
  const data = await inFile(startup, readStartup);
  const reco = findReco(request.reco);
  const { fit, close } = await openFit(request, reco, data, options);
  try {
    const found = await fit();
    if (found.reason !== undefined) consola.warn(`no fit: ${found.reason}`);
    const runtime = (performance.now() - started) / 1000;
    const answer = { result: resultOf(request, found), runtime };
    await writeAtomically(outfile, JSON.stringify(fitAnswerDocument(answer)));
    const { nside, pixel, posvar } = request;
    consola.info(`nside ${nside} pixel ${pixel} variation ${posvar}: llh ${found.llh}`);
  } finally {
    close();
  }
}

/** What `read` makes of a file's text. Throws InputError naming the file. */
async function inFile<T>(path: string, read: (text: string) => T): Promise<T> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`${path}: cannot be read (${error.code})`);
  });
  return inContext(path, () => read(text));
}

/** The start-up data, and the text it came as. */
interface Startup {
  readonly text: string;
  /** Name of the server's baseline GCD file; empty: it has none. */
  readonly baseline: string;
  readonly packet: unknown;
  readonly choice: LightChoice;
}

function readStartup(text: string): Startup {
  const read = v.safeParse(
    v.pick(StartupData, ["baseline_GCD_file", "GCDQp_packet", "choice"]),
    jsonOf(text),
  );
  if (!read.success) {
    const [issue] = read.issues;
    throw new InputError(`${v.getDotPath(issue) ?? "document"}: ${issue.message}`);
  }
  const { baseline_GCD_file, GCDQp_packet, choice } = read.output;
  const name = basename(baseline_GCD_file.trim());
  return {
    text,
    baseline: name === BUILTIN_BASELINE ? "" : name,
    packet: GCDQp_packet,
    choice: readChoice(choice),
  };
}

/** Prepares event and algorithm for the one fit. */
async function openFit(
  { seed, formatVersion, nside, pixel, posvar }: FitRequest,
  reco: Reco,
  { text, baseline, packet, choice }: Startup,
  options: OnePixelOptions,
): Promise<{ readonly fit: () => Fit | Promise<Fit>; readonly close: () => void }> {
  const source = sourceOf(options);
  const gcd = options.gcdDir ?? (await baselinePath(baseline, source));
  const tables =
    reco.light && !needsEmbedded(choice)
      ? (options.photonTables ?? (await tablesDirectory(reco.light, source)))
      : undefined;
  const light =
    reco.light &&
    openLight({ reco: reco.light, ...(tables !== undefined && { photonTables: tables }), choice });
  const dependsOn = [
    version,
    reco.name,
    formatVersion,
    await identityOf(gcd),
    light?.description ?? "",
    text,
  ];
  const prepared = await cachedPrepared(options.dataHub, dependsOn, async () => {
    const bytes = new TextEncoder().encode(JSON.stringify(packet));
    const alert = { ...parseEvent(bytes, "GCDQp packet"), formatVersion };
    const event = withoutDoms(alert, choice.badDoms);
    return reco.prepare(event, chosenDetector(await detectorOf(event, gcd), choice), light);
  });
  consola.info(`detector: ${prepared.detector.source}`);
  if (light) consola.info(`light: ${light.description}`);
  const fitter = reco.open(prepared, light);
  return {
    // The seed is the server's, exactly: displaced, turned and timed already.
    fit: () => fitter.fit(seed, { nside, pixel, posvar }),
    close() {
      fitter.close();
      light?.close();
    },
  };
}

const sourceOf = ({ dataHub, dataSource }: OnePixelOptions): Source | undefined =>
  dataHub === undefined
    ? undefined
    : {
        cache: join(dataHub, cacheFolder),
        ...(dataSource !== undefined && { address: dataSource }),
      };

/** What tells one version of a file or folder from another. */
async function identityOf(path: string | undefined): Promise<string> {
  if (path === undefined) return "";
  const facts = await stat(path).catch(() => undefined);
  return `${path} ${facts?.size} ${facts?.mtimeMs}`;
}

/** The answer: no energy, which none of the original's algorithms gives; and where there is no fit, the seed's vertex. */
function resultOf({ nside, pixel, posvar, seed }: FitRequest, fit: Fit): TaskResult {
  const { x, y, z, time } = Number.isNaN(fit.llh) ? seed : fit;
  const { llh, E_in, E_tot } = fit;
  return { nside, pixel, posvar, llh, x, y, z, time, energy: Number.NaN, E_in, E_tot };
}
