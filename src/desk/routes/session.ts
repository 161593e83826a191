import { SessionRequest } from "../messages.ts";
import { ProblemError } from "../problem.ts";
import type { Route, RouteRequest } from "../route.ts";

/** Whoever gives a wrong token waits so long, ms. */
const guessingPause = 250;

/** POST /session: a page gives the token once, and is known by a cookie from then on. */
export const openSession: Route = {
  method: "POST",
  path: "/session",
  access: "open",
  summary: "Gives the token; the answer's cookie stands for it from then on.",
  body: SessionRequest,
  async handle({ raw, body }: RouteRequest<SessionRequest>, { access }) {
    if (access.needsToken && !access.isToken(body.token)) {
      await Bun.sleep(guessingPause);
      throw new ProblemError(401, "That token is not right.");
    }
    const headers = access.needsToken ? { "set-cookie": access.cookie(raw) } : {};
    return new Response(null, { status: 204, headers });
  },
};

/** DELETE /session: this browser is to forget it. */
export const closeSession: Route = {
  method: "DELETE",
  path: "/session",
  access: "open",
  summary: "Takes the cookie away.",
  handle: ({ raw }, { access }) =>
    new Response(null, { status: 204, headers: { "set-cookie": access.noCookie(raw) } }),
};
