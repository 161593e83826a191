import * as v from "valibot";
import { notFound } from "../problem.ts";
import type { Route, RouteContext, RouteRequest } from "../route.ts";
import { isDeleted, manifestOf, projected, resultOf, statusOf, workforceOf } from "../skydriver.ts";

const document = v.looseObject({});
const includeDeleted = { include_deleted: "true: also of scans that were deleted or cancelled." };

/** A scan SkyDriver would find: what is deleted is there for who asks for it only. Throws ProblemError. */
function foundBy({ params, query }: RouteRequest, { desk }: RouteContext) {
  const record = desk.record(params.id!);
  if (isDeleted(record) && !/^(true|1)$/i.test(query.get("include_deleted") ?? ""))
    throw notFound("such scan (it was deleted: include_deleted)");
  return record;
}

/** GET /scan/ID: manifest and result. */
export const scan: Route = {
  method: "GET",
  path: "/scan/:id",
  access: "read",
  summary: "SkyDriver's manifest and result of a scan.",
  query: includeDeleted,
  answer: v.object({ manifest: document, result: document }),
  async handle(request, context) {
    const record = foundBy(request, context);
    return Response.json({
      manifest: manifestOf(record, context.desk.standing(record)),
      result: await resultOf(record, context.desk, context.maps),
    });
  },
};

/** GET /scan/ID/manifest. */
export const manifest: Route = {
  method: "GET",
  path: "/scan/:id/manifest",
  access: "read",
  summary: "SkyDriver's manifest of a scan.",
  query: { ...includeDeleted, projection: 'Only these fields, "|" between them.' },
  answer: document,
  handle(request, context) {
    const record = foundBy(request, context);
    const whole = manifestOf(record, context.desk.standing(record));
    return Response.json(projected(whole, request.query.get("projection") ?? "*"));
  },
};

/** GET /scan/ID/result. */
export const result: Route = {
  method: "GET",
  path: "/scan/:id/result",
  access: "read",
  summary: "The map as far as it is, as skyreader reads it; {} before there is one.",
  query: includeDeleted,
  answer: document,
  async handle(request, context) {
    const record = foundBy(request, context);
    return Response.json(await resultOf(record, context.desk, context.maps));
  },
};

/** GET /scan/ID/status. */
export const status: Route = {
  method: "GET",
  path: "/scan/:id/status",
  access: "read",
  summary: "How a scan stands, in SkyDriver's states.",
  answer: document,
  handle: ({ params }, { desk, base }) =>
    Response.json(statusOf(desk.record(params.id!), desk, base)),
};

/** GET /scan/ID/i3-event: the alert itself. */
export const i3Event: Route = {
  method: "GET",
  path: "/scan/:id/i3-event",
  access: "read",
  summary: "The alert, where it came as JSON.",
  answer: document,
  async handle({ params }, { desk }) {
    const file = Bun.file(desk.alertFile(desk.record(params.id!)));
    try {
      const text = await file.text();
      return Response.json({ i3_event: JSON.parse(text) });
    } catch {
      throw notFound("JSON of this alert: it came as another kind of file");
    }
  },
};

/** GET /scan/ID/ewms/workforce: who works for it. */
export const workforce: Route = {
  method: "GET",
  path: "/scan/:id/ewms/workforce",
  access: "read",
  summary: "The workers of a scan.",
  answer: document,
  handle: ({ params }, { desk }) => Response.json(workforceOf(desk.record(params.id!), desk)),
};
