import { detectorOf } from "../detector/gcd.ts";
import type { Event } from "../event/event.ts";
import { openLight } from "../light/light.ts";
import type { PreparedEvent } from "../reco/reco.ts";
import { findReco } from "../reco/registry.ts";

/** An event prepared for the algorithm of that name, as `skyscan event --prepare` shows it. */
export async function prepareFor(
  event: Event,
  algorithm: string,
  gcdDir?: string,
): Promise<PreparedEvent> {
  const reco = findReco(algorithm);
  const detector = await detectorOf(event, gcdDir);
  const light = reco.light && openLight({ reco: reco.light });
  try {
    return reco.prepare(event, detector, light);
  } finally {
    light?.close();
  }
}
