import { PixelAnswer } from "../messages.ts";
import { pixelAnswer } from "../pixel_fits.ts";
import type { Route } from "../route.ts";

/** GET /scan/ID/pixel/NSIDE/I: every fit of one pixel. */
export const pixel: Route = {
  method: "GET",
  path: "/scan/:id/pixel/:nside/:pixel",
  access: "read",
  summary: "All fits of one pixel, exact.",
  answer: PixelAnswer,
  async handle({ params }, { desk, losses }) {
    const { id, nside, pixel: index } = params;
    const record = desk.record(id!);
    return Response.json(await pixelAnswer(record, Number(nside), Number(index), { desk, losses }));
  },
};
