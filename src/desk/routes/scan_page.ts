import { ScanPage } from "../messages.ts";
import type { Route } from "../route.ts";
import { pageOf } from "../scan_page.ts";

/** GET /scan/ID/page: all the page shows of a scan but its pixels. */
export const scanPage: Route = {
  method: "GET",
  path: "/scan/:id/page",
  access: "read",
  summary: "All that one scan's view needs but its pixels.",
  answer: ScanPage,
  async handle({ params }, { desk, files, maps }) {
    return Response.json(await pageOf(desk.record(params.id!), desk, files, maps));
  },
};
