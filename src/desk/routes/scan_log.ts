import type { Route } from "../route.ts";

/** GET /scan/ID/files/log.txt: what happened to a scan, line by line. */
export const scanLog: Route = {
  method: "GET",
  path: "/scan/:id/files/log.txt",
  // Reasons of failures name folders and machines.
  access: "write",
  summary: "The scan's history as text.",
  answer: "text/plain",
  handle({ params }, { desk }) {
    const record = desk.record(params.id!);
    const lines = desk.archive.history(record.id).map(({ at, what, reason }) => {
      const time = new Date(at * 1000).toISOString();
      return `${time} ${what}${reason === null ? "" : `: ${reason}`}\n`;
    });
    return new Response(lines.join(""), {
      headers: { "content-type": "text/plain; charset=utf-8" },
    });
  },
};
