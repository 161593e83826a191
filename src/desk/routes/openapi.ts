import * as v from "valibot";
import { version } from "../../config/version.ts";
import type { Route } from "../route.ts";

/** GET /openapi.json. */
export const openapi: Route = {
  method: "GET",
  path: "/openapi.json",
  access: "open",
  summary: "This interface, as OpenAPI 3.1.",
  answer: v.looseObject({ openapi: v.string() }),
  async handle(_request, { routes, base }) {
    // Only who asks for it waits for the converter.
    const { openApi } = await import("../openapi.ts");
    return Response.json(openApi(routes, version, base));
  },
};
