import { gzipSync } from "bun";
import { detectorOf } from "../../detector/gcd.ts";
import { loadEvent } from "../../event/load.ts";
import { domsBody } from "../doms.ts";
import { notFound } from "../problem.ts";
import type { Route } from "../route.ts";

/** GET /event/RUN.EVENT/doms.bin: the pulses of an event. */
export const doms: Route = {
  method: "GET",
  path: "/event/:event/doms.bin",
  access: "read",
  summary: 'The pulses of an event as a "SKD1" body, packed with gzip.',
  answer: "application/octet-stream",
  async handle({ params }, { desk }) {
    const [run, event] = params.event!.split(".").map(Number);
    const [record] = desk.archive.find(
      "NOT isDeleted AND event ->> '$.run' = ? AND event ->> '$.id' = ?",
      [run!, event!],
      1,
    );
    if (record === undefined) throw notFound("scan of such an event");
    const plan = desk.run(record.id)?.plan;
    const shown = plan?.event ?? (await loadEvent(desk.alertFile(record)));
    const detector = plan?.detector ?? (await detectorOf(shown, desk.gcdDir));
    return new Response(gzipSync(domsBody(shown, detector)), {
      headers: {
        "content-type": "application/octet-stream",
        "content-encoding": "gzip",
        // An event does not change.
        "cache-control": "private, max-age=3600",
      },
    });
  },
};
