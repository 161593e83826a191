import { progressionOf } from "../intake.ts";
import { RescanRequest } from "../messages.ts";
import type { Route, RouteRequest } from "../route.ts";
import { manifestOf } from "../skydriver.ts";

/** POST /scan/ID/actions/rescan: the same alert again. */
export const rescan: Route = {
  method: "POST",
  path: "/scan/:id/actions/rescan",
  access: "write",
  summary: "Scans the same alert again, with the same settings or others.",
  body: RescanRequest,
  async handle({ params, body }: RouteRequest<RescanRequest>, { desk }) {
    const old = desk.record(params.id!);
    if (body.nsides) progressionOf(body.nsides);
    if (body.abort_first) await desk.cancel(old.id, "aborted for a rescan");
    const record = await desk.rescan(old.id, {
      ...(body.reco_algo !== undefined && { reco_algo: body.reco_algo }),
      ...(body.nsides !== undefined && { nsides: body.nsides }),
      ...(body.refine_to_contour !== undefined && { refine_to_contour: body.refine_to_contour }),
      ...(body.priority !== undefined && { priority: body.priority }),
    });
    if (body.replace_scan) desk.change(old.id, { replacedBy: record.id });
    return Response.json({
      ...manifestOf(record, desk.standing(record)),
      scan_ids: [record.id],
    });
  },
};
