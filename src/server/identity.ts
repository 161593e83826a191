import { createHash } from "node:crypto";
import { join } from "node:path";
import { InputError } from "../config/errors.ts";
import { version } from "../config/version.ts";
import { eventName } from "../event/event.ts";
import { protocolVersion } from "../mq/messages.ts";
import { formatProgression } from "../sky/progression.ts";
import type { ScanPlan } from "./plan.ts";

/** Everything a scan's results depend on: the same again means that it goes on. */
export function identityOf(plan: ScanPlan): string {
  const hash = createHash("sha256");
  for (const frame of plan.event.frames)
    for (const record of frame.records.values())
      hash.update(`${frame.stream} ${record.key} ${record.buffer.length}\n`).update(record.buffer);
  return JSON.stringify({
    event: hash.digest("hex"),
    isRealEvent: plan.event.metadata.isRealEvent,
    detector: plan.detector.source,
    reco: plan.reco.name,
    variations: plan.reco.seeds.variations,
    progression: formatProgression(plan.progression),
    threshold: plan.threshold,
    // Only where it is asked for: what was begun without goes on.
    ...(plan.refineToContour && { refineToContour: true }),
    seed: plan.seed ?? null,
    needsTables: plan.needsTables,
    choice: plan.choice,
    version,
    protocol: protocolVersion,
  });
}

/**
 * Where a scan of this identity is remembered: `<cache-dir>/<event>/scan-<hash>.sqlite`; in memory without a cache.
 * Throws InputError for an event whose name is no name of a folder.
 */
export function storePath(plan: ScanPlan, identity: string, cacheDir: string | undefined): string {
  if (cacheDir === undefined) return ":memory:";
  const name = eventName(plan.event.metadata);
  if (!/^[\w.-]+$/.test(name)) throw new InputError(`event name ${JSON.stringify(name)}`);
  const key = createHash("sha256").update(identity).digest("hex").slice(0, 16);
  return join(cacheDir, name, `scan-${key}.sqlite`);
}
