import { isUnfinished } from "../archive.ts";
import { DeleteRequest } from "../messages.ts";
import { ProblemError } from "../problem.ts";
import type { Route, RouteRequest } from "../route.ts";
import { manifestOf, resultOf } from "../skydriver.ts";

/** DELETE /scan/ID: ends a scan; takes one that is over from the list. */
export const remove: Route = {
  method: "DELETE",
  path: "/scan/:id",
  access: "write",
  summary: "Cancels a scan, or takes one that is over from the list.",
  body: DeleteRequest,
  async handle({ params, query, body }: RouteRequest<DeleteRequest>, { desk, maps }) {
    const record = desk.record(params.id!);
    const isMeant = body.delete_completed_scan ?? query.get("delete_completed_scan") === "true";
    if (record.state === "done" && !isMeant)
      throw new ProblemError(
        400,
        "Attempted to delete a completed scan (must use `delete_completed_scan=True`)",
      );
    const ended = isUnfinished(record.state)
      ? await desk.cancel(record.id)
      : await desk.remove(record.id);
    return Response.json({
      manifest: manifestOf(ended, desk.standing(ended)),
      result: await resultOf(ended, desk, maps),
    });
  },
};
