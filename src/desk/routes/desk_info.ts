import { version } from "../../config/version.ts";
import { DeskInfo } from "../messages.ts";
import type { Route } from "../route.ts";

/** GET /desk: what there is to know before anything else. */
export const deskInfo: Route = {
  method: "GET",
  path: "/desk",
  access: "open",
  summary: "What this desk is, and what this caller may do.",
  answer: DeskInfo,
  handle({ mayRead, mayWrite }, { desk, access, info, now }) {
    return Response.json({
      ...{ version, may_write: mayWrite, may_read: mayRead, needs_token: access.needsToken },
      recos: info.recos,
      recipe: info.recipe,
      workers: desk.pool.workers,
      // Where folders are is for those who may use them.
      watch: mayWrite ? info.watch : null,
      now: now(),
    } satisfies DeskInfo);
  },
};
