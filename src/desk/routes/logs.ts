import * as v from "valibot";
import type { Route } from "../route.ts";
import { logAddress } from "../skydriver.ts";

/** GET /scan/ID/logs: SkyDriver's answer, an address. */
export const logs: Route = {
  method: "GET",
  path: "/scan/:id/logs",
  access: "read",
  summary: "Where the scan's log is.",
  answer: v.object({ scanner_server: v.object({ url: v.string() }) }),
  handle: ({ params }, { desk, base }) =>
    Response.json({ scanner_server: { url: logAddress(desk.record(params.id!), base) } }),
};
