import * as v from "valibot";
import { version } from "../../config/version.ts";
import type { Route } from "../route.ts";

/** GET /healthz: whether the desk lives, for who starts it anew where it does not. */
export const health: Route = {
  method: "GET",
  path: "/healthz",
  access: "open",
  summary: "That the desk lives, and has workers.",
  answer: v.object({ status: v.string(), version: v.string(), workers: v.number() }),
  handle: (_request, { desk }) =>
    Response.json({ status: "ok", version, workers: desk.pool.workers }),
};
