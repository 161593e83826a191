import { type MapColumn, mapColumns } from "../messages.ts";
import { ProblemError } from "../problem.ts";
import type { Route } from "../route.ts";
import { wholeNumber } from "./scans.ts";

/** GET /scan/ID/map.bin: the pixels, as typed arrays. */
export const map: Route = {
  method: "GET",
  path: "/scan/:id/map.bin",
  access: "read",
  summary: 'The pixels as a "SKM1" body, packed with gzip.',
  query: {
    since: "Only those that came after so many results.",
    columns: `More than llh: ${mapColumns.join(",")}.`,
  },
  answer: "application/octet-stream",
  async handle({ params, query }, { desk, maps }) {
    const since = wholeNumber(query, "since", 0);
    const names = (query.get("columns") ?? "").split(",").filter((name) => name !== "");
    const unknown = names.find((name) => !(mapColumns as readonly string[]).includes(name));
    if (unknown !== undefined)
      throw new ProblemError(400, `columns: expected some of ${mapColumns.join(", ")}.`);
    const body = await maps.body(desk.record(params.id!), since, names as MapColumn[]);
    return new Response(body, {
      headers: { "content-type": "application/octet-stream", "content-encoding": "gzip" },
    });
  },
};
