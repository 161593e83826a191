import { version } from "../../config/version.ts";
import type { Desk } from "../desk.ts";
import type { MapBodies } from "../maps.ts";
import { epochOf, mostPixels, pixelsEvent, progressEvent } from "../news.ts";
import { ProblemError } from "../problem.ts";
import { patterns, type Route, type RouteContext, type RouteRequest } from "../route.ts";
import { eventText, type Interest } from "../subscribers.ts";

/** Scans one stream may be about. */
const mostScans = 20;

/** GET /events: one stream for everything a page shows. */
export const events: Route = {
  method: "GET",
  path: "/events",
  access: "read",
  summary:
    "Server-sent events: of all scans their rows, of those named their pixels, progress and states.",
  query: {
    scan: `A scan to hear everything of; up to ${mostScans} of them.`,
    since: "With one scan: pixels that came after so many results are sent first.",
  },
  answer: "text/event-stream",
  handle(request, context) {
    const scans = request.query.getAll("scan");
    if (scans.length > mostScans || scans.some((scan) => !patterns.id!.test(scan)))
      throw new ProblemError(400, `scan: expected the ids of up to ${mostScans} scans.`);
    return stream({ scans: new Set(scans), isOnly: false }, request, context);
  },
};

/** GET /scan/ID/events: the stream of one scan. */
export const scanEvents: Route = {
  method: "GET",
  path: "/scan/:id/events",
  access: "read",
  summary: "Server-sent events of one scan: pixels, progress, best fits, states.",
  query: { since: "Pixels that came after so many results are sent first." },
  answer: "text/event-stream",
  handle(request, context) {
    const { id } = context.desk.record(request.params.id!);
    return stream({ scans: new Set([id]), isOnly: true }, request, context);
  },
};

function stream(
  interest: Interest,
  { raw, query, address, mayWrite }: RouteRequest,
  { desk, maps, now, keepOpen }: RouteContext,
): Response {
  const objection = desk.subscribers.objection(address);
  if (objection !== undefined)
    throw new ProblemError(503, `No further stream: ${objection}.`, {}, { "retry-after": "10" });
  keepOpen(raw);
  const hello = eventText("hello", { version, now: now(), may_write: mayWrite });
  const missed = [...interest.scans].flatMap((scan) =>
    whatWasMissed(scan, positionOf(scan, interest, query, raw), desk, maps, now()),
  );
  const body = desk.subscribers.open(interest, address, [hello, ...missed]);
  return new Response(body, {
    headers: {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    },
  });
}

/** Where a listener was: "unknown": somewhere in another scan; undefined: nowhere yet. */
function positionOf(
  scan: string,
  { scans }: Interest,
  query: URLSearchParams,
  { headers }: Request,
): number | "unknown" | undefined {
  const [epoch, seq] = (headers.get("last-event-id") ?? "").split(".");
  if (seq !== undefined && /^\d{1,15}$/.test(seq))
    return epoch === epochOf(scan) ? Number(seq) : "unknown";
  const since = query.get("since");
  return since !== null && scans.size === 1 && /^\d{1,15}$/.test(since) ? Number(since) : undefined;
}

function whatWasMissed(
  scan: string,
  position: number | "unknown" | undefined,
  desk: Desk,
  maps: MapBodies,
  date: number,
): Uint8Array[] {
  const record = desk.archive.get(scan);
  if (record === undefined) return [];
  const row = eventText("scan", { row: desk.row(record) });
  const run = desk.run(scan);
  const progress = run && progressEvent(scan, run, date);
  const rest = progress === undefined ? [] : [eventText("progress", progress)];
  if (position === undefined) return [row, ...rest];
  const seq = maps.seqOf(record);
  const pixels = position === "unknown" ? undefined : run?.map.since(position);
  if (position === seq || pixels?.length === 0) return [row, ...rest];
  if (pixels === undefined || pixels.length > mostPixels)
    return [row, eventText("behind", { scan, epoch: epochOf(scan), seq }), ...rest];
  const id = `${epochOf(scan)}.${seq}`;
  return [row, eventText("pixels", pixelsEvent(scan, pixels, seq), id), ...rest];
}
