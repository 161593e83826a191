import { Queue } from "../messages.ts";
import type { Route } from "../route.ts";
import { inOrder } from "../sharing.ts";

/** GET /queue: what runs where. */
export const queue: Route = {
  method: "GET",
  path: "/queue",
  access: "read",
  summary: "The order of the scans, the workers and the clients.",
  answer: Queue,
  handle(_request, { desk }) {
    const { pool } = desk;
    return Response.json({
      clients: pool.rows(),
      workers: { all: pool.workers, busy: pool.busy },
      rate: desk.rate,
      order: inOrder(desk.claims()).map(({ scan, priority, served }) => ({
        ...{ scan, priority, served, workers: pool.workersOf(scan) },
        rate: desk.standing(desk.record(scan)).rate,
      })),
    } satisfies Queue);
  },
};
