import * as v from "valibot";
import type { Route } from "../route.ts";
import { inOrder } from "../sharing.ts";

const entry = v.object({
  scan_id: v.string(),
  timestamp: v.number(),
  priority: v.number(),
  pending_timestamp: v.number(),
  next_attempt: v.number(),
});

/** GET /scans/backlog: what waits, in the order in which it will be begun. */
export const backlog: Route = {
  method: "GET",
  path: "/scans/backlog",
  access: "read",
  summary: "Scans that wait for their first worker.",
  answer: v.object({ entries: v.array(entry) }),
  handle(_request, { desk }) {
    const waiting = inOrder(desk.claims())
      .map(({ scan }) => desk.record(scan))
      .filter(({ state }) => state === "waiting");
    return Response.json({
      entries: waiting.map(({ id, created, priority }) => ({
        ...{ scan_id: id, timestamp: created, priority, pending_timestamp: 0, next_attempt: 0 },
      })),
    });
  },
};
