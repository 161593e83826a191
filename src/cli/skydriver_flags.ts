import { join } from "node:path";
import type { Command } from "commander";
import { consola } from "consola";
import { systemClock } from "../config/clock.ts";
import { InputError } from "../config/errors.ts";
import { baselineOf } from "../detector/gcd.ts";
import { loadEvent } from "../event/load.ts";
import { baselinePath } from "../ewms/experiment_files.ts";
import { cacheFolder } from "../ewms/staging.ts";
import { secret, writeAtomically } from "../result/files.ts";
import { SkyDriver } from "../skydriver/client.ts";
import { fetchEvent } from "../skydriver/event.ts";
import { watchKillSwitch } from "../skydriver/kill_switch.ts";
import { flag, seconds } from "./flags.ts";
import { dataSourceFlag, dataSourceOf } from "./pilot_task.ts";

/** What a server is told of SkyDriver and EWMS: by variables, where SkyDriver starts it. */
export interface SkyDriverFlags {
  skydriverAddress?: string;
  skydriverAuth?: string;
  skydriverScanId?: string;
  killSwitchCheckInterval: number;
  ewmsJson?: string;
  dataSource: string;
}

export const addSkyDriverFlags = (command: Command): Command =>
  command
    .addOption(flag("--skydriver-address <url>", "report the scan to this SkyDriver"))
    .addOption(
      flag("--skydriver-auth <token>", "its bearer token (better: SKYSCAN_SKYDRIVER_AUTH)"),
    )
    .addOption(
      flag("--skydriver-scan-id <id>", "what the scan is called there; gives the alert as well"),
    )
    .addOption(
      flag(
        "--kill-switch-check-interval <s>",
        "how often SkyDriver is asked whether the scan is still wanted, s",
        300,
      ).argParser(seconds),
    )
    .addOption(
      flag(
        "--ewms-json <file>",
        "the two RabbitMQ queues of an EWMS workflow: the original's clients do the fits, instead of --broker",
      ),
    )
    .addOption(dataSourceFlag());

/** A scan of SkyDriver's. */
export interface SkyDriverScan {
  readonly client: SkyDriver;
  readonly scanId: string;
}

/**
 * The scan as SkyDriver knows it; undefined: it knows of none.
 * @param stop aborted: no more is asked of SkyDriver
 * Throws InputError.
 */
export function skydriverOf(flags: SkyDriverFlags, stop: AbortSignal): SkyDriverScan | undefined {
  const { skydriverAddress: address, skydriverAuth: token = "", skydriverScanId: scanId } = flags;
  if (address === undefined) return undefined;
  if (!URL.canParse(address) || !/^https?:/.test(address))
    throw new InputError(`--skydriver-address: expected an http(s) URL, not "${address}"`);
  if (scanId === undefined || !/^\w+$/.test(scanId))
    throw new InputError("--skydriver-scan-id is needed with --skydriver-address: a word");
  const surroundings = { fetch: (url: string, init: RequestInit) => fetch(url, init) };
  return {
    client: new SkyDriver({ address, token, ...surroundings, clock: systemClock, stop }),
    scanId,
  };
}

/** Fetches a scan's alert, or takes the one fetched before. @returns its file */
export async function fetchedEvent(
  { client, scanId }: SkyDriverScan,
  cacheDir: string,
): Promise<string> {
  const file = join(cacheDir, `skydriver-${scanId}.json`);
  if (await Bun.file(file).exists()) return file;
  await writeAtomically(file, await fetchEvent(client, scanId), secret);
  consola.info(`${client.address}: alert of scan ${scanId} fetched`);
  return file;
}

/** The baseline the original's clients will take, where it is to be had: seeds are made with the same detector. */
export async function baselineForEwms(
  eventFile: string,
  cacheDir: string,
  flags: SkyDriverFlags,
): Promise<string | undefined> {
  const name = baselineOf(await loadEvent(eventFile));
  const address = dataSourceOf(flags);
  const source = {
    cache: join(cacheDir, cacheFolder),
    ...(address !== undefined && { address }),
  };
  return await baselinePath(name ?? "", source);
}

/** Aborted when either a signal or SkyDriver ends the scan. */
export function endedBySkyDriver(
  { client, scanId }: SkyDriverScan,
  interval: number,
  stop: AbortSignal,
): AbortSignal {
  const killed = new AbortController();
  watchKillSwitch(client, scanId, interval, systemClock, (why) => {
    consola.warn(`SkyDriver ends the scan: ${why}`);
    killed.abort();
  });
  return AbortSignal.any([stop, killed.signal]);
}
