import { alertOf } from "../intake.ts";
import { ScanAnswer, ScanRequest } from "../messages.ts";
import type { Route, RouteRequest } from "../route.ts";
import { manifestOf, projected } from "../skydriver.ts";

/** POST /scan: an alert is to be scanned. */
export const submit: Route = {
  method: "POST",
  path: "/scan",
  access: "write",
  summary: "Starts the scans of an alert: one, or those of the desk's recipe.",
  body: ScanRequest,
  answer: ScanAnswer,
  async handle({ body }: RouteRequest<ScanRequest>, { desk, simulate }) {
    const alert = body.simulate ? await simulate() : alertOf(body);
    // SkyDriver scans again whatever it is sent again; who drops a file is asked first.
    const isOnce = body.event_file !== undefined && !body.again;
    const records = await desk.submit(alert, body, { isOnce });
    const [first] = records;
    return Response.json({
      ...projected(manifestOf(first!, desk.standing(first!)), body.manifest_projection),
      scan_id: first!.id,
      scan_ids: records.map(({ id }) => id),
    });
  },
};
