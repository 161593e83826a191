import * as v from "valibot";
import { nsidesRecord } from "../desk.ts";
import type { Route } from "../route.ts";

/** GET /scan-request/ID: what was asked for. */
export const scanRequest: Route = {
  method: "GET",
  path: "/scan-request/:id",
  access: "read",
  summary: "What a scan was started with.",
  answer: v.looseObject({ scan_id: v.string() }),
  handle({ params }, { desk }) {
    const { id, settings, alert, priority, classifiers, event, request } = desk.record(params.id!);
    return Response.json({
      ...request,
      scan_id: id,
      rescan_ids: desk.archive.find("rescanOf = ?", [id]).map((rescan) => rescan.id),
      reco_algo: settings.reco,
      nsides: nsidesRecord(settings.nsides),
      real_or_simulated_event: event.is_real ? "real" : "simulated",
      predictive_scanning_threshold: settings.threshold,
      max_pixel_reco_time: settings.recoTimeout,
      i3_event_id: alert,
      ...{ priority, classifiers },
    });
  },
};
