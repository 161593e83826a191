import { InputError } from "../config/errors.ts";
import type { Progression } from "../sky/progression.ts";

/** What a scan is asked for with: the body of POST /scan. */
export interface ScanRequest {
  /** The alert's document; or the id under which SkyDriver has it. */
  readonly alert: { readonly document: object } | { readonly id: string };
  readonly dockerTag: string;
  /** Workers by cluster: "osg=100". */
  readonly clusters: Readonly<Record<string, number>>;
  readonly reco: string;
  readonly progression: Progression;
  readonly isRealEvent: boolean;
  /** s. */
  readonly maxPixelRecoTime: number;
  readonly threshold: number;
  /** From 100 on: realtime. */
  readonly priority?: number;
  readonly classifiers?: Readonly<Record<string, string | number | boolean>>;
  readonly memory?: { readonly server?: string; readonly worker?: string; readonly disk?: string };
  readonly debugMode?: readonly string[];
}

export const scanRequestBody = (request: ScanRequest): object => ({
  docker_tag: request.dockerTag,
  request_clusters: request.clusters,
  reco_algo: request.reco,
  ...("id" in request.alert
    ? { i3_event_id: request.alert.id }
    : { event_i3live_json: request.alert.document }),
  nsides: Object.fromEntries(request.progression.map(({ nside, extension }) => [nside, extension])),
  real_or_simulated_event: request.isRealEvent ? "real" : "simulated",
  max_pixel_reco_time: request.maxPixelRecoTime,
  predictive_scanning_threshold: request.threshold,
  ...(request.priority !== undefined && { priority: request.priority }),
  ...(request.classifiers && { classifiers: request.classifiers }),
  ...(request.memory?.server && { scanner_server_memory_bytes: request.memory.server }),
  ...(request.memory?.worker && { worker_memory_bytes: request.memory.worker }),
  ...(request.memory?.disk && { worker_disk_bytes: request.memory.disk }),
  ...(request.debugMode && { debug_mode: request.debugMode }),
});

/** Reads "name=value". Throws InputError. */
export function assignment(text: string): [name: string, value: string] {
  const at = text.indexOf("=");
  if (at < 1) throw new InputError(`expected NAME=VALUE, not "${text}"`);
  return [text.slice(0, at), text.slice(at + 1)];
}

/** A classifier's value as it is meant: a number, true, false, or a text. */
export function scalar(text: string): string | number | boolean {
  if (text === "true" || text === "false") return text === "true";
  const value = Number(text);
  return text.trim() !== "" && Number.isFinite(value) ? value : text;
}
