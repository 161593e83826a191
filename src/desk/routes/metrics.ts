import { version } from "../../config/version.ts";
import { metricsOf, metricsText } from "../metrics.ts";
import type { Route } from "../route.ts";

/** GET /metrics: for Prometheus. */
export const metrics: Route = {
  method: "GET",
  path: "/metrics",
  access: "read",
  summary: "The desk's figures, in Prometheus' text format.",
  answer: "text/plain",
  handle: (_request, { desk }) =>
    new Response(metricsText(metricsOf(desk, version)), {
      headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
    }),
};
