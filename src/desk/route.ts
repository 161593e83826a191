// What a route is: where it is, who may come, what it is sent and answers. Each is a file of routes/.
import type * as v from "valibot";
import type { Access } from "./access.ts";
import type { Desk } from "./desk.ts";
import type { FileMaker } from "./files.ts";
import type { Alert } from "./intake.ts";
import type { Losses } from "./losses.ts";
import type { MapBodies } from "./maps.ts";
import type { DeskInfo } from "./messages.ts";

/** What routes need besides the request. */
export interface RouteContext {
  readonly desk: Desk;
  readonly files: FileMaker;
  readonly maps: MapBodies;
  readonly losses: Losses;
  readonly access: Access;
  /** Draws a muon. */
  readonly simulate: () => Promise<Alert>;
  /** What every page is told of the desk. */
  readonly info: Pick<DeskInfo, "recos" | "recipe" | "watch">;
  /** The path the desk is served at: "/" or "/name/". */
  readonly base: string;
  /** s since 1970. */
  readonly now: () => number;
  /** A stream may stay quiet for as long as it likes. */
  readonly keepOpen: (request: Request) => void;
  /** Every route there is. */
  readonly routes: readonly Route[];
}

/** A request as a route gets it: checked. */
export interface RouteRequest<Body = unknown> {
  readonly raw: Request;
  /** Parts of the path, checked by their patterns. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: Body;
  readonly address: string;
  readonly mayWrite: boolean;
  readonly mayRead: boolean;
}

export interface Route {
  readonly method: "GET" | "POST" | "DELETE";
  /** "/scan/:id/files/:name"; each part fits its pattern in {@link patterns}. */
  readonly path: string;
  /** open: anyone; read: who may look; write: who may start and end scans. */
  readonly access: "open" | "read" | "write";
  /** For people and /openapi.json. */
  readonly summary: string;
  /** What may stand behind "?", and what it means. */
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: v.GenericSchema;
  /** A schema, or the media type of what is not JSON. */
  readonly answer?: v.GenericSchema | string;
  // biome-ignore lint/suspicious/noExplicitAny: each route's body is what its own schema made of it
  handle(request: RouteRequest<any>, context: RouteContext): Response | Promise<Response>;
}

/** What the parts of a path may be: nothing of a path from outside reaches the disk. */
export const patterns: Readonly<Record<string, RegExp>> = {
  id: /^[0-9a-zA-Z_]{1,64}$/,
  name: /^[\w+-][\w.+-]{0,159}$/,
  nside: /^\d{1,5}$/,
  pixel: /^\d{1,12}$/,
  event: /^\d{1,10}\.\d{1,12}$/,
};

/** The parts of a path where it is the route's; undefined where it is not. */
export function paramsOf(
  path: string,
  parts: readonly string[],
): Record<string, string> | undefined {
  const expected = path.split("/").slice(1);
  if (expected.length !== parts.length) return undefined;
  const params: Record<string, string> = {};
  for (const [at, word] of expected.entries()) {
    const part = parts[at]!;
    if (!word.startsWith(":")) {
      if (word !== part) return undefined;
      continue;
    }
    const name = word.slice(1);
    if (!patterns[name]!.test(part)) return undefined;
    params[name] = part;
  }
  return params;
}
