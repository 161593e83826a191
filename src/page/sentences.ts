/** What a change of a scan is worth saying aloud. */
import type { ScanRow } from "../desk/messages.ts";
import { separation } from "./map/extent.ts";
import { decText, raText, shown } from "./words.ts";

/** A best fit that moves farther is worth a sentence, rad. */
const MOVED = 0.5 * (Math.PI / 180);

const nameOf = (row: ScanRow) =>
  `${row.event ? `run ${row.event.run}` : "an alert"}, ${shown(row.reco)}`;

/** What a change of a row is worth saying, and whether at once. */
export function sentenceFor(
  row: ScanRow,
  before: ScanRow | undefined,
): { text: string; isUrgent: boolean } | undefined {
  const polite = (text: string) => ({ text, isUrgent: false });
  const urgent = (text: string) => ({ text, isUrgent: true });
  if (before === undefined) return polite(`New scan: ${nameOf(row)}.`);
  if (row.state !== before.state) {
    if (row.state === "done") return polite(`Done: ${nameOf(row)}.`);
    if (row.state === "stuck") return urgent(`Stuck: ${nameOf(row)}. ${shown(row.reason ?? "")}`);
    if (row.state === "failed") return urgent(`Failed: ${nameOf(row)}. ${shown(row.reason ?? "")}`);
  }
  if (row.best && before.best && separation(row.best, before.best) > MOVED)
    return polite(
      `Best fit of ${nameOf(row)} is now at ${raText(row.best.ra)}, ${decText(row.best.dec)}.`,
    );
  return undefined;
}
