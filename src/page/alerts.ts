/** Scans put together by the event they are about: one card an alert, however many algorithms. */
import type { ScanRow } from "../desk/messages.ts";
import { mjdText, shown } from "./words.ts";

export interface Alert {
  /** RUN.EVENT; the alert's own id as long as it is being read. */
  readonly key: string;
  readonly title: string;
  readonly subtitle: string;
  readonly stream: string | undefined;
  /** s since 1970. */
  readonly came: number;
  /** Newest scan of each algorithm first; rescanned ones after it. */
  readonly scans: readonly ScanRow[];
}

export const keyOf = ({ event, alert }: ScanRow): string =>
  event ? `${event.run}.${event.id}` : alert;

export const isOver = ({ state }: ScanRow): boolean =>
  state === "done" || state === "failed" || state === "cancelled";

/** Newest first. */
export function alertsOf(rows: Iterable<ScanRow>): Alert[] {
  const groups = Map.groupBy(rows, keyOf);
  return [...groups]
    .map(([key, unsorted]): Alert => {
      const scans = unsorted.sort(byAge);
      const event = scans.find((row) => row.event !== null)?.event;
      return {
        key,
        title: event ? `Run ${event.run}` : "reading the alert…",
        subtitle: event
          ? `event ${event.id} · ${event.is_real ? shown(event.type) : "simulated"}`
          : shown(scans[0]!.reco),
        stream: event?.stream ? shown(event.stream) : undefined,
        came: Math.max(...scans.map(({ created }) => created)),
        scans: inOrder(scans),
      };
    })
    .sort((a, b) => b.came - a.came);
}

/** Scans a recipe made of one alert are created within so long, s. */
const TOGETHER = 0.05;

/** Newest first; a recipe's scans, which were made together, in the order it names them. */
function byAge(a: ScanRow, b: ScanRow): number {
  const younger = b.created - a.created;
  const isTogether = a.alert === b.alert && Math.abs(younger) < TOGETHER;
  return (isTogether ? -younger : younger) || a.id.localeCompare(b.id);
}

/** What a rescan replaces comes last. */
const inOrder = (scans: readonly ScanRow[]): ScanRow[] =>
  [...scans].sort((a, b) => Number(isSuperseded(a, scans)) - Number(isSuperseded(b, scans)));

const isSuperseded = (row: ScanRow, scans: readonly ScanRow[]): boolean =>
  scans.some((other) => other.rescan_of === row.id);

/** Which of an event's scans is looked at if nobody said: the first that has something to show. */
export function firstShown({ scans }: Alert): ScanRow {
  const rank = ({ state, progress }: ScanRow) =>
    state === "cancelled" || state === "failed" ? 0 : progress.done > 0 || state === "done" ? 2 : 1;
  return scans.reduce((best, row) => (rank(row) > rank(best) ? row : best));
}

/** Whether an alert matches what is looked for: every word in its name, state, algorithm, or time. */
export function matches(alert: Alert, wanted: string): boolean {
  const text = [
    alert.title,
    alert.subtitle,
    alert.stream ?? "",
    ...alert.scans.map(
      ({ reco, state, event }) =>
        `${reco} ${state} ${event?.name ?? ""} ${event ? mjdText(event.mjd) : ""}`,
    ),
  ]
    .join(" ")
    .toLowerCase();
  return wanted
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
