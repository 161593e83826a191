import type { Calibration } from "../../result/calibration.ts";
import { Calibration as CalibrationBody } from "../../result/calibration.ts";
import { setCalibration } from "../calibrations.ts";
import { ScanPage } from "../messages.ts";
import type { Route, RouteRequest } from "../route.ts";
import { pageOf } from "../scan_page.ts";

/** POST /scan/ID/calibration: what skyscan calibrate found for the event and algorithm of this scan. */
export const calibrate: Route = {
  method: "POST",
  path: "/scan/:id/calibration",
  access: "write",
  summary:
    "Gives a finished scan its event's own levels (a calibration.json): page, pictures and exports follow them.",
  body: CalibrationBody,
  answer: ScanPage,
  async handle({ params, body }: RouteRequest<Calibration>, context) {
    const { desk, files, maps } = context;
    const record = await setCalibration(desk.record(params.id!), body, context);
    return Response.json(await pageOf(record, desk, files, maps));
  },
};

/** DELETE /scan/ID/calibration: the algorithm's levels again. */
export const uncalibrate: Route = {
  method: "DELETE",
  path: "/scan/:id/calibration",
  access: "write",
  summary: "Gives a finished scan its algorithm's levels again.",
  answer: ScanPage,
  async handle({ params }, context) {
    const { desk, files, maps } = context;
    const record = await setCalibration(desk.record(params.id!), undefined, context);
    return Response.json(await pageOf(record, desk, files, maps));
  },
};
