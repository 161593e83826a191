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
  handle({ params }, { desk }) {
    const { id, nside, pixel: index } = params;
    return Response.json(pixelAnswer(desk.record(id!), Number(nside), Number(index), desk));
  },
};
