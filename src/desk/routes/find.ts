import * as v from "valibot";
import { filterToSql } from "../filter.ts";
import { FindRequest } from "../messages.ts";
import type { Route, RouteRequest } from "../route.ts";
import { manifestOf, projected } from "../skydriver.ts";

/** Manifests one answer holds: more are asked for by a narrower filter. */
const mostManifests = 10_000;

/** POST /scans/find: the manifests that fit a filter. */
export const find: Route = {
  method: "POST",
  path: "/scans/find",
  access: "read",
  summary: "Manifests that fit a filter, as MongoDB writes them; newest first.",
  body: FindRequest,
  answer: v.object({ manifests: v.array(v.looseObject({})) }),
  handle({ body }: RouteRequest<FindRequest>, { desk }) {
    const isAll = body.include_deleted || "is_deleted" in body.filter;
    const filter = isAll ? body.filter : { $and: [body.filter, { is_deleted: false }] };
    const { sql, values } = filterToSql(filter);
    const manifests = desk.archive
      .find(sql, values, mostManifests)
      .map((record) =>
        projected(manifestOf(record, desk.standing(record)), body.manifest_projection),
      );
    return Response.json({ manifests });
  },
};
