// `--page` of `scan` and `server`: the desk's page for the one scan this process runs. It looks, and starts nothing.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { consola } from "consola";
import { systemClock } from "../config/clock.ts";
import { InputError } from "../config/errors.ts";
import { topicsOf } from "../mq/topics.ts";
import { recoNames } from "../reco/registry.ts";
import type { ScanPlan } from "../server/plan.ts";
import type { ServerObserver, ServerOutcome } from "../server/server.ts";
import { formatProgression } from "../sky/progression.ts";
import { Access, isLoopback } from "./access.ts";
import { labelOf } from "./alert.ts";
import { Archive, noFacts, type ScanRecord } from "./archive.ts";
import { Desk } from "./desk.ts";
import { FileMaker } from "./files.ts";
import { startHttp } from "./http.ts";
import { newScanId, scanFolder } from "./intake.ts";
import { Losses } from "./losses.ts";
import { MapBodies } from "./maps.ts";
import { type PageDocument, pageFiles } from "./page_files.ts";
import { routes } from "./routes.ts";
import { outputOf, Run, stemOf } from "./run.ts";
import { Subscribers } from "./subscribers.ts";

export interface OneScanOptions {
  readonly plan: ScanPlan;
  /** The alert's file, as it was named. */
  readonly file: string;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** What pages must give; beyond this machine it is needed. */
  readonly token?: string;
  readonly outputDir: string;
  /** Longest time one fit may take, s. */
  readonly recoTimeout: number;
  readonly documents: Readonly<Record<string, PageDocument>>;
  /** Runs this program with these arguments. @returns what went wrong; undefined: nothing */
  readonly runSelf: (args: readonly string[]) => Promise<string | undefined>;
}

export interface OneScanPage {
  /** To be told of the scan. */
  readonly observer: ServerObserver;
  readonly address: string;
  /** The scan is over. */
  end(how: ServerOutcome | Error): void;
  close(): Promise<void>;
}

/** "8080" or "HOST:8080". Throws InputError. */
export function pageAddress(text: string): { host: string; port: number } {
  const [, host = "127.0.0.1", port] = /^(?:(.+):)?(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined || Number(port) > 65_535)
    throw new InputError(`--page: expected [HOST:]PORT, not "${text.slice(0, 60)}"`);
  return { host: host.replace(/^\[|\]$/g, ""), port: Number(port) };
}

/** Starts the page. Throws InputError, BrokerError where it cannot listen. */
export async function showOneScan(options: OneScanOptions): Promise<OneScanPage> {
  const { plan, host, port, token, recoTimeout, documents, runSelf } = options;
  if (!isLoopback(host) && (token?.length ?? 0) < 16)
    throw new InputError(
      `--page ${host}: a page that other machines reach needs SKYSCAN_PAGE_TOKEN, of 16 characters or more`,
    );
  const data = mkdtempSync(join(tmpdir(), "skyscan-page-"));
  const subscribers = new Subscribers(systemClock);
  const intake = { data, recipe: [], recoTimeout, seed: plan.seed ?? 0 };
  const desk = new Desk({
    ...{ archive: new Archive(":memory:"), intake, subscribers, session: 1, clock: systemClock },
    // No clients of a pool: the scan has its own.
    broker: { protocol: "mqtt", host: "", port: 0, path: "" },
    topics: topicsOf("page"),
    publish: () => {},
    onNews: () => {},
  });
  const run = new Run(plan, systemClock);
  const record = recordOf(options);
  const folder = scanFolder(data, record.id);
  mkdirSync(folder, { recursive: true });
  symlinkSync(resolve(options.outputDir), outputOf(folder));
  const access = new Access({
    ...{ isPublicRead: false, isReadOnly: true, hosts: [host], base: "/", isSecure: false },
    ...(token !== undefined && { token }),
  });
  const http = startHttp({
    ...{ host, port, base: "/", routes, trustsProxy: false },
    page: await pageFiles(documents, "/"),
    context: {
      ...{ desk, access, now: systemClock.date },
      files: new FileMaker({ desk, data, run: runSelf }),
      maps: new MapBodies(desk, data),
      // The alert may have come by a pipe: it cannot be read again.
      losses: new Losses({ desk, ask: async () => undefined, clock: systemClock }),
      info: { recos: [...recoNames], recipe: [], watch: null },
      simulate: () => Promise.reject(new InputError("this page starts no scans")),
    },
  });
  desk.start();
  const end = desk.adopt(record, run);
  const address = `http://${host.includes(":") ? `[${host}]` : host}:${http.port}/`;
  consola.info(`the scan's page: ${address}`);
  return {
    ...{ observer: run.observer, address, end },
    async close() {
      await desk.close();
      await http.close();
      rmSync(data, { recursive: true, force: true });
    },
  };
}

function recordOf({ plan, file, recoTimeout }: OneScanOptions): ScanRecord {
  const now = systemClock.date();
  return {
    ...{ id: newScanId(now), alert: "alert", event: labelOf(plan.event, file), priority: 0 },
    settings: {
      ...{ reco: plan.reco.name, nsides: formatProgression(plan.progression), recoTimeout },
      ...{ threshold: plan.threshold, seed: plan.seed ?? 0 },
      isRealEvent: plan.event.metadata.isRealEvent,
    },
    ...{ state: "waiting", reason: null, created: now, started: null, ended: null, changed: now },
    ...{ isDeleted: false, rescanOf: null, replacedBy: null, classifiers: {}, request: {} },
    ...{ served: 0, facts: { ...noFacts, stem: stemOf(plan) } },
  };
}
