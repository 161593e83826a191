import { Command } from "commander";
import { consola } from "consola";
import { systemClock } from "../config/clock.ts";
import { InputError, TimedOut } from "../config/errors.ts";
import { print } from "../config/print.ts";
import { catchSignals } from "../config/signals.ts";
import { loadEvent } from "../event/load.ts";
import { encodeAlert } from "../i3/envelope.ts";
import { writeResult } from "../result/files.ts";
import { readJson } from "../result/json.ts";
import { DEFAULT_PROGRESSION, formatProgression, parseProgression } from "../sky/progression.ts";
import { type Patience, SkyDriver } from "../skydriver/client.ts";
import { member } from "../skydriver/event.ts";
import {
  assignment,
  type ScanRequest,
  scalar,
  scanRequestBody,
} from "../skydriver/scan_request.ts";
import { flag, integerFrom, isRealEvent, numberFrom, seconds, words } from "./flags.ts";
import { nsidesOf } from "./nsides.ts";
import { recoList } from "./scan_flags.ts";
import { tokenFileMeaning, tokenOf } from "./token.ts";

/** For a person at a terminal. */
const patient: Patience = { timeout: 60, retries: 4 };
/** A second POST would be a second scan. */
const once: Patience = { timeout: 60, retries: 0 };

interface Flags {
  skydriverAddress: string;
  skydriverAuth?: string;
}

/** Asks SkyDriver, or a desk of ours, for scans. */
export function skydriverCommand(): Command {
  return new Command("skydriver")
    .description("Ask SkyDriver, or a desk (skyscan serve), for scans and their results.")
    .addHelpText(
      "after",
      `
The token: SKYSCAN_SKYDRIVER_AUTH, or --auth-token-file.
Example:
  skyscan skydriver scan alert.json --docker-tag v4.5.0 --workers osg=100
  skyscan skydriver status 19505db3e88x4348 --follow
  skyscan skydriver result 19505db3e88x4348 --out map.npz`,
    )
    .addCommand(scanCommand())
    .addCommand(statusCommand())
    .addCommand(resultCommand())
    .addCommand(findCommand())
    .addCommand(abortCommand());
}

const reaching = (command: Command): Command =>
  command
    .addOption(
      flag(
        "--skydriver-address <url>",
        "SkyDriver's, or a desk's, address",
        "https://skydriver.icecube.aq",
      ),
    )
    .addOption(
      flag("--skydriver-auth <token>", "bearer token (better: SKYSCAN_SKYDRIVER_AUTH or a file)"),
    )
    .addOption(flag("--auth-token-file <file>", tokenFileMeaning));

function clientOf(flags: Flags, command: Command): SkyDriver {
  const { skydriverAddress: address, skydriverAuth } = flags;
  if (!URL.canParse(address) || !/^https?:/.test(address))
    throw new InputError(`--skydriver-address: expected an http(s) URL, not "${address}"`);
  return new SkyDriver({
    address,
    token: skydriverAuth ?? tokenOf(command) ?? "",
    fetch: (url, init) => fetch(url, init),
    clock: systemClock,
    stop: catchSignals().stop,
  });
}

const scanPath = (id: string): string => {
  if (!/^\w+$/.test(id)) throw new InputError(`"${id}" is no scan's id`);
  return `/scan/${id}`;
};

const line = (document: unknown): void => print(`${JSON.stringify(document)}\n`);

interface ScanFlags extends Flags {
  i3EventId?: string;
  recoAlgo: string;
  dockerTag: string;
  workers: string;
  nsides?: string[];
  realEvent?: boolean;
  simulatedEvent?: boolean;
  maxPixelRecoTime: number;
  predictiveScanningThreshold: number;
  priority?: number;
  classifier?: string[];
  scannerServerMemory?: string;
  workerMemory?: string;
  workerDisk?: string;
  debugMode?: string[];
}

function scanCommand(): Command {
  return reaching(new Command("scan"))
    .description("Request a scan; prints its id.")
    .argument("[event]", "the alert (.json, .pkl or .i3, packed or not); -: standard input")
    .option("--i3-event-id <id>", "an alert SkyDriver has already, instead of a file")
    .option("--reco-algo <name>", `algorithm: ${recoList}`, "splinempe")
    .option("--docker-tag <tag>", "which image is to run", "latest")
    .option("--workers <cluster=n,...>", "workers by cluster", "osg=100")
    .addOption(
      nsidesOf(flag("--nsides <nside:extension...>", "refinement of the map")).default(
        undefined,
        formatProgression(DEFAULT_PROGRESSION),
      ),
    )
    .option("--real-event", "the event is real (default, but for those that say so)")
    .option("--simulated-event", "the event is simulated")
    .option("--max-pixel-reco-time <s>", "longest time one fit may take, s", seconds, 3600)
    .option(
      "--predictive-scanning-threshold <share>",
      "share of a stage that must be done before the next one begins",
      numberFrom(0.1, "", 1),
      1,
    )
    .option("--priority <n>", "100 and more: realtime", integerFrom(-1000, 1_000_000))
    .option("--classifier <name=value...>", "labels to find it by, up to 25", words)
    .option("--scanner-server-memory <size>", "e.g. 1024M")
    .option("--worker-memory <size>", "e.g. 8GB")
    .option("--worker-disk <size>", "e.g. 1GB")
    .option("--debug-mode <mode...>", "e.g. client-logs", words)
    .action(async (event: string | undefined, flags: ScanFlags, command: Command) => {
      const body = scanRequestBody(await requestOf(event, flags));
      const answer = await clientOf(flags, command).request("POST", "/scan", once, { body });
      const id = member(answer, "scan_id");
      if (typeof id !== "string") throw new InputError("the answer names no scan");
      print(`${id}\n`);
    });
}

async function requestOf(file: string | undefined, flags: ScanFlags): Promise<ScanRequest> {
  const { i3EventId, classifier, debugMode } = flags;
  if ((file === undefined) === (i3EventId === undefined))
    throw new InputError("expected an alert, or --i3-event-id: one of them");
  const event = file === undefined ? undefined : await loadEvent(file);
  const document =
    event &&
    JSON.parse(
      encodeAlert(event.frames, { formatVersion: event.formatVersion, message: event.message }),
    );
  return {
    alert: document === undefined ? { id: i3EventId! } : { document },
    dockerTag: flags.dockerTag,
    clusters: Object.fromEntries(
      words(flags.workers, undefined)
        .map(assignment)
        .map(([name, count]) => [name, integerFrom(1)(count)]),
    ),
    reco: flags.recoAlgo,
    progression: flags.nsides ? parseProgression(flags.nsides) : DEFAULT_PROGRESSION,
    isRealEvent: isRealEvent(flags) ?? event?.metadata.isRealEvent ?? true,
    maxPixelRecoTime: flags.maxPixelRecoTime,
    threshold: flags.predictiveScanningThreshold,
    ...(flags.priority !== undefined && { priority: flags.priority }),
    ...(classifier && {
      classifiers: Object.fromEntries(
        classifier.map(assignment).map(([name, value]) => [name, scalar(value)]),
      ),
    }),
    memory: {
      ...(flags.scannerServerMemory && { server: flags.scannerServerMemory }),
      ...(flags.workerMemory && { worker: flags.workerMemory }),
      ...(flags.workerDisk && { disk: flags.workerDisk }),
    },
    ...(debugMode && { debugMode }),
  };
}

/** How often a scan that is followed is looked at, s. */
const followEvery = 10;

function statusCommand(): Command {
  return reaching(new Command("status"))
    .description("Show how a scan stands.")
    .argument("<id>", "the scan's")
    .option("--json", "the answer itself")
    .option("--follow", "until the scan is over; code 4 where it ended without a map")
    .action(
      async (id: string, flags: Flags & { json?: boolean; follow?: boolean }, command: Command) => {
        const client = clientOf(flags, command);
        let said = "";
        for (;;) {
          const status = await client.request("GET", `${scanPath(id)}/status`, patient);
          const state = String(member(status, "scan_state"));
          const workers = member(member(status, "ewms_workforce"), "n_running");
          const text = flags.json ? JSON.stringify(status) : `${state}, ${workers ?? 0} workers`;
          if (text !== said) print(`${text}\n`);
          said = text;
          if (!flags.follow || state === "SCAN_HAS_FINAL_RESULT") return;
          if (/^(ABORTED|FINISHED|STOPPED|DELETED)/.test(state))
            throw new TimedOut(`scan ${id} is over without a final map: ${state}`);
          await client.pause(followEvery);
        }
      },
    );
}

function resultCommand(): Command {
  return reaching(new Command("result"))
    .description("Get a scan's map, finished or as far as it is.")
    .argument("<id>", "the scan's")
    .option("--out <file>", "write it here, .npz or .json (default: JSON on stdout)")
    .action(async (id: string, flags: Flags & { out?: string }, command: Command) => {
      const client = clientOf(flags, command);
      const answer = await client.request("GET", `${scanPath(id)}/result`, patient);
      const map = member(answer, "skyscan_result");
      if (typeof map !== "object" || map === null || Object.keys(map).length === 0)
        throw new TimedOut(`scan ${id} has no map yet`);
      const result = readJson(JSON.stringify(map), `${client.address}: scan ${id}`);
      if (member(answer, "is_final") !== true) consola.warn("the map is not finished");
      if (flags.out === undefined) return line(map);
      await writeResult(flags.out, result);
      consola.info(`written: ${flags.out}`);
    });
}

interface FindFlags extends Flags {
  includeDeleted?: boolean;
  projection?: string[];
}

function findCommand(): Command {
  return reaching(new Command("find"))
    .description("List scans, one manifest a line of JSON.")
    .argument("[filter]", "as MongoDB takes it, of manifests; default: all", "{}")
    .option("--include-deleted", "those that were deleted too")
    .option("--projection <field...>", "these members of the manifests only", words)
    .addHelpText(
      "after",
      `
Example:
  skyscan skydriver find '{"event_metadata.run_id": 136766}' --projection scan_id progress`,
    )
    .action(async (filter: string, flags: FindFlags, command: Command) => {
      const { includeDeleted, projection } = flags;
      let parsed: unknown;
      try {
        parsed = JSON.parse(filter);
      } catch (error) {
        throw new InputError(`the filter is no JSON: ${(error as Error).message}`);
      }
      const body = {
        filter: parsed,
        ...(includeDeleted && { include_deleted: true }),
        ...(projection && { manifest_projection: projection }),
      };
      const answer = await clientOf(flags, command).request("POST", "/scans/find", patient, {
        body,
      });
      const manifests = member(answer, "manifests");
      if (!Array.isArray(manifests)) throw new InputError("the answer holds no manifests");
      for (const manifest of manifests) line(manifest);
    });
}

function abortCommand(): Command {
  return reaching(new Command("abort"))
    .description("End a scan, and take it from the list.")
    .argument("<id>", "the scan's")
    .option("--delete-completed-scan", "also one that is finished")
    .action(
      async (id: string, flags: Flags & { deleteCompletedScan?: boolean }, command: Command) => {
        const body = { delete_completed_scan: flags.deleteCompletedScan ?? false };
        await clientOf(flags, command).request("DELETE", scanPath(id), patient, { body });
        consola.info(`scan ${id} is ended`);
      },
    );
}
