/** What a screen reader is told: at most one sentence in ten seconds, what is urgent at once. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { ScanRow } from "../../desk/messages.ts";
import { separation } from "../map/extent.ts";
import { decText, raText, shown } from "../words.ts";
import { usePage } from "./hooks.ts";

/** ms between two polite sentences. */
const PAUSE = 10_000;
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

export function Announcer() {
  const { desk } = usePage();
  const [polite, setPolite] = useState("");
  const [urgent, setUrgent] = useState("");
  const spokeAt = useRef(Number.NEGATIVE_INFINITY);
  useEffect(
    () =>
      desk.onRow((row, before) => {
        if (!desk.hasRows) return;
        const sentence = sentenceFor(row, before);
        if (!sentence) return;
        if (sentence.isUrgent) return setUrgent(sentence.text);
        const now = desk.surroundings.now();
        if (now - spokeAt.current < PAUSE) return;
        spokeAt.current = now;
        setPolite(sentence.text);
      }),
    [desk],
  );
  return (
    <>
      <p class="unseen" role="status" aria-live="polite">
        {polite}
      </p>
      <p class="unseen" role="alert" aria-live="assertive">
        {urgent}
      </p>
    </>
  );
}
