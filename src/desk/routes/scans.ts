import { ScanList } from "../messages.ts";
import { ProblemError } from "../problem.ts";
import type { Route } from "../route.ts";

const mostRows = 1000;

/** GET /scans: the list, newest first; with run_id and event_id SkyDriver's older question which scans an event has. */
export const scans: Route = {
  method: "GET",
  path: "/scans",
  access: "read",
  summary: "The scans, newest first.",
  query: {
    limit: `How many, 1 to ${mostRows}; default 200.`,
    run_id: "Only of this run.",
    event_id: "Only of this event.",
  },
  answer: ScanList,
  handle({ query }, { desk }) {
    const limit = wholeNumber(query, "limit", 200);
    if (limit < 1 || limit > mostRows)
      throw new ProblemError(400, `limit: expected 1 to ${mostRows}.`);
    const conditions = ["NOT isDeleted"];
    const values: number[] = [];
    for (const [name, field] of [
      ["run_id", "run"],
      ["event_id", "id"],
    ] as const) {
      if (!query.has(name)) continue;
      conditions.push(`event ->> '$.${field}' = ?`);
      values.push(wholeNumber(query, name, 0));
    }
    const records = desk.archive.find(conditions.join(" AND "), values, limit);
    const rows = records.map((record) => desk.row(record));
    return Response.json({
      scans: rows,
      ...(query.has("event_id") && { scan_ids: rows.map(({ id }) => id) }),
    });
  },
};

/** Throws ProblemError for what is no whole number. */
export function wholeNumber(query: URLSearchParams, name: string, fallback: number): number {
  const text = query.get(name);
  if (text === null) return fallback;
  if (!/^\d{1,15}$/.test(text)) throw new ProblemError(400, `${name}: expected a whole number.`);
  return Number(text);
}
