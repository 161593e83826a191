/** SkyDriver as far as a scanner's server sees it, strict where the real one is: roles, keys, types, what is put once. */

export interface FakeOptions {
  /** The alert's document, for the manifest. */
  readonly event: object;
  /** Bearer tokens by role. */
  readonly tokens: { readonly system: string; readonly user: string };
}

/** What it has seen and what it shall do. */
export interface Fake {
  readonly address: string;
  readonly scanId: string;
  /** Every request: "GET /scan/x/manifest 200". */
  readonly log: string[];
  /** Bodies of PATCHes that were accepted. */
  readonly reports: Record<string, unknown>[];
  /** Bodies of PUTs that were accepted, as they came. */
  readonly results: string[];
  /** What it has refused, and why; a good server makes none. */
  readonly refused: string[];
  isDeleted: boolean;
  running: number;
  /** Answers in place of its own: by request, or undefined for none. */
  trouble: ((what: string) => Response | undefined) | undefined;
  stop(): void;
}

const scanId = "19505db3e88x4348a28a8554441b96bc";

class Refusal extends Error {
  constructor(
    readonly status: number,
    reason: string,
  ) {
    super(reason);
  }
}

export function startFakeSkyDriver({ event, tokens }: FakeOptions): Fake {
  const once = new Map<string, string>();
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      const what = `${request.method} ${pathname}`;
      const answer = fake.trouble?.(what) ?? (await respond(request, pathname, what));
      fake.log.push(`${what} ${answer.status}`);
      return answer;
    },
  });
  const fake: Fake = {
    address: `http://127.0.0.1:${server.port}`,
    ...{ scanId, log: [], reports: [], results: [], refused: [] },
    ...{ isDeleted: false, running: 1, trouble: undefined },
    stop: () => void server.stop(true),
  };

  async function respond(request: Request, path: string, what: string): Promise<Response> {
    try {
      const token = /^Bearer (.+)$/.exec(request.headers.get("authorization") ?? "")?.[1];
      if (token !== tokens.system && token !== tokens.user) throw new Refusal(401, "unauthorized");
      if (request.headers.get("content-type") !== "application/json")
        throw new Refusal(415, "content type");
      const role = token === tokens.system ? "system" : "user";
      if (!path.startsWith(`/scan/${scanId}/`)) throw new Refusal(404, "no such scan");
      const text = await request.text();
      if (request.method === "GET" && text !== "") throw new Refusal(400, "GET with a body");
      const route = `${request.method} ${path.slice(`/scan/${scanId}/`.length)}`;
      return Response.json(routeOf(route, role, text));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      fake.refused.push(`${what}: ${error.message}`);
      return Response.json({ code: error.status, error: error.message }, { status: error.status });
    }
  }

  function routeOf(route: string, role: string, text: string): unknown {
    switch (route) {
      case "GET manifest":
        return {
          scan_id: scanId,
          event_i3live_json_dict: role === "system" ? event : "use 'i3_event_id'",
        };
      case "GET i3-event":
        return { i3_event: event };
      case "GET status":
        return { is_deleted: fake.isDeleted, ewms_deactivated: null };
      case "GET ewms/workforce":
        return { workflow_id: "W", statuses: {}, n_running: fake.running, top_errors: {} };
      case "PATCH manifest":
        requireSystem(role);
        fake.reports.push(patch(JSON.parse(text)));
        return {};
      case "PUT result":
        requireSystem(role);
        put(JSON.parse(text));
        fake.results.push(text);
        return {};
      default:
        throw new Refusal(404, `no route ${route}`);
    }
  }

  function requireSystem(role: string): void {
    if (role !== "system") throw new Refusal(403, `role ${role}`);
  }

  function patch(body: Record<string, unknown>): Record<string, unknown> {
    requireKeys("body", body, ["progress", "event_metadata", "scan_metadata"]);
    // Put-once parts are compared as they are stored: by value, floats to the last bit.
    for (const name of ["event_metadata", "scan_metadata"]) {
      const { version: _, ...kept } = body[name] as Record<string, unknown>;
      const value = JSON.stringify(kept);
      if (once.has(name) && once.get(name) !== value) throw new Refusal(400, `${name} changed`);
      once.set(name, value);
    }
    checkTypes("event_metadata", body.event_metadata, {
      ...{ run_id: "int", event_id: "int", event_type: "str", mjd: "float" },
      ...{ is_real_event: "bool", version: "int" },
    });
    checkTypes("scan_metadata", body.scan_metadata, {
      ...{ scan_id: "str", nside_progression: "dict", position_variations: "int" },
    });
    checkTypes("progress", body.progress, {
      ...{ summary: "str", epilogue: "str", tallies: "dict", processing_stats: "dict" },
      ...{ predictive_scanning_threshold: "float", last_updated: "str", start: "int" },
      end: "int?",
    });
    const stats = (body.progress as { processing_stats: unknown }).processing_stats;
    checkTypes("processing_stats", stats, {
      ...{ start: "dict", runtime: "dict", rate: "dict?", end: "str?", finished: "bool?" },
      predictions: "dict?",
    });
    return body;
  }

  function put(body: Record<string, unknown>): void {
    requireKeys("body", body, ["skyscan_result", "is_final"]);
    checkTypes("body", body, { skyscan_result: "dict", is_final: "bool" });
  }
  return fake;
}

function requireKeys(what: string, value: object, known: readonly string[]): void {
  for (const key of Object.keys(value))
    if (!known.includes(key)) throw new Refusal(400, `${what}: unknown key ${key}`);
}

const types: Readonly<Record<string, (value: unknown) => boolean>> = {
  // As dacite has it: an integer is a float, a float is no integer.
  int: (value) => Number.isInteger(value),
  float: (value) => typeof value === "number",
  str: (value) => typeof value === "string",
  bool: (value) => typeof value === "boolean",
  dict: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
};

function checkTypes(what: string, value: unknown, fields: Readonly<Record<string, string>>): void {
  const object = value as Record<string, unknown>;
  requireKeys(what, object, Object.keys(fields));
  for (const [name, type] of Object.entries(fields)) {
    const isOptional = type.endsWith("?");
    const given = object[name];
    if (isOptional && (given === undefined || given === null)) continue;
    if (!types[type.replace("?", "")]!(given))
      throw new Refusal(400, `${what}.${name}: ${JSON.stringify(given)} is no ${type}`);
  }
}
