// The desk on the network: requests in, checked and limited, handed to their routes; answers out, with their headers.
import type { Server } from "bun";
import { consola } from "consola";
import * as v from "valibot";
import { BrokerError, InputError } from "../config/errors.ts";
import { parseJson } from "../config/json.ts";
import type { Identity } from "../mq/broker.ts";
import { longestAlert, tooLarge } from "./intake.ts";
import type { Problem } from "./messages.ts";
import type { PageFile } from "./page_files.ts";
import { ProblemError } from "./problem.ts";
import { paramsOf, type Route, type RouteContext, type RouteRequest } from "./route.ts";

export interface HttpOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly identity?: Identity;
  readonly base: string;
  /** Everyone comes through a proxy, which says whom it speaks for. */
  readonly trustsProxy: boolean;
  readonly page: ReadonlyMap<string, PageFile>;
  readonly routes: readonly Route[];
  readonly context: Omit<RouteContext, "routes" | "keepOpen" | "base">;
}

export interface HttpServer {
  readonly port: number;
  close(): Promise<void>;
}

/** A body in base64 within JSON is a third longer than the file. */
const longestBody = Math.ceil((longestAlert * 4) / 3) + 2 ** 20;
/** So much of a refused body is read and thrown away, bytes; of a longer one the connection is closed. */
const mostDiscarded = 2 ** 20;
/** A body that takes longer is given up, s. */
const bodyPatience = 30;
/** A connection that says nothing for so long is closed, s; streams say something every 15 s. */
const idleTimeout = 20;
/** Whoever gave a wrong token waits so long for the answer, ms: guessing takes time, a mistyped token does not. */
const guessingPause = 250;
/** Wrong tokens that wait at a time: more are refused without. */
const mostGuesses = 50;

const securityHeaders: Readonly<Record<string, string>> = {
  "content-security-policy": [
    ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "font-src 'self'"],
    ...["img-src 'self' data: blob:", "connect-src 'self'", "worker-src 'self'"],
    ...["base-uri 'self'", "form-action 'self'", "frame-ancestors 'none'"],
    "require-trusted-types-for 'script'",
  ].join("; "),
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
};

/** Starts to listen. Throws BrokerError where it cannot. */
export function startHttp(options: HttpOptions): HttpServer {
  const { host, port, identity } = options;
  let server: Server<undefined>;
  const handler = new Handler(options, (request, seconds) => server.timeout(request, seconds));
  try {
    server = Bun.serve({
      hostname: host,
      port,
      idleTimeout,
      // Ours to refuse, with words; what is refused is not read.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      ...(identity && { tls: identity }),
      fetch: (request) =>
        handler.answer(
          request,
          (options.trustsProxy && forwardedFor(request)) ||
            (server.requestIP(request)?.address ?? ""),
        ),
      error: (error) => handler.broken(error),
    });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new BrokerError(`the desk cannot listen on ${host}:${port}: ${code ?? message}`, {
      cause,
    });
  }
  return { port: server.port!, close: () => server.stop(true) };
}

class Handler {
  readonly #options: HttpOptions;
  readonly #context: RouteContext;
  readonly #setTimeout: (request: Request, seconds: number) => void;
  #guesses = 0;

  constructor(options: HttpOptions, setTimeout: (request: Request, seconds: number) => void) {
    this.#options = options;
    this.#setTimeout = setTimeout;
    this.#context = {
      ...options.context,
      ...{ routes: options.routes, base: options.base },
      keepOpen: (request) => setTimeout(request, 0),
    };
  }

  async answer(request: Request, address: string): Promise<Response> {
    try {
      const response = await this.#answer(request, address);
      for (const [name, value] of Object.entries(securityHeaders))
        response.headers.set(name, value);
      return response;
    } catch (error) {
      const refusal = this.broken(error);
      // What is left of a refused body would be read to its end, a gigabyte too: that is not worth a connection.
      if (leftToRead(request) > mostDiscarded) refusal.headers.set("connection", "close");
      return refusal;
    }
  }

  /** What went wrong, for its sender. */
  broken(error: unknown): Response {
    // Bad input that a room further down found: the sender's fault as well.
    const problem =
      error instanceof InputError
        ? new ProblemError(400, error.message)
        : error instanceof ProblemError
          ? error
          : undefined;
    if (problem === undefined) consola.error(error);
    const status = problem?.status ?? 500;
    const body: Problem = {
      code: status,
      error: problem?.message ?? "The desk failed at this; its log says how.",
      ...problem?.more,
    };
    const headers = { ...securityHeaders, "cache-control": "no-store", ...problem?.headers };
    return Response.json(body, { status, headers });
  }

  async #answer(request: Request, address: string): Promise<Response> {
    const { access } = this.#context;
    if (!access.isOurHost(request.headers.get("host")))
      throw new ProblemError(421, "This desk is not called by that name (see --allow-host).");
    const url = new URL(request.url);
    const parts = this.#partsOf(url.pathname);
    const file = this.#pageFile(request, parts);
    if (file !== undefined) return file;
    const { route, params } = this.#find(request.method, parts);
    const rights = await this.#rights(request, route);
    const body = route.body === undefined ? undefined : await this.#body(request, route.body);
    const checked: RouteRequest = {
      ...{ raw: request, params, query: url.searchParams, body, address, ...rights },
    };
    const response = await route.handle(checked, this.#context);
    if (!response.headers.has("cache-control")) response.headers.set("cache-control", "no-store");
    return response;
  }

  /** The parts of the path below the desk's own. Throws ProblemError. */
  #partsOf(pathname: string): string[] {
    const { base } = this.#options;
    const path = `${pathname}/`.startsWith(base) ? pathname.slice(base.length) : undefined;
    if (path === undefined) throw new ProblemError(404, "There is nothing here.");
    try {
      return path.split("/").map(decodeURIComponent);
    } catch {
      throw new ProblemError(400, "The path is not percent-encoded.");
    }
  }

  /** The page and its parts; every view of it is the same document. */
  #pageFile(request: Request, parts: readonly string[]): Response | undefined {
    if (request.method !== "GET" && request.method !== "HEAD") return undefined;
    const [first = ""] = parts;
    const isView = parts.length === 1 ? first === "" : parts.length === 2 && first === "e";
    const isQueue = parts.length === 1 && first === "queue" && acceptsPage(request);
    const name = isView || isQueue ? "" : parts.length === 1 ? first : undefined;
    const file = name === undefined ? undefined : this.#options.page.get(name);
    if (file === undefined) return undefined;
    const headers = new Headers({
      "content-type": file.mediaType,
      etag: file.etag,
      vary: "Accept-Encoding",
      "cache-control": file.isImmutable ? "public, max-age=31536000, immutable" : "no-cache",
    });
    if (request.headers.get("if-none-match") === file.etag)
      return new Response(null, { status: 304, headers });
    const packs = /\bgzip\b/.test(request.headers.get("accept-encoding") ?? "");
    if (packs) headers.set("content-encoding", "gzip");
    return new Response(packs ? file.gzip : file.body, { headers });
  }

  #find(method: string, parts: readonly string[]) {
    const found = this.#options.routes
      .map((route) => ({ route, params: paramsOf(route.path, parts) }))
      .filter((candidate) => candidate.params !== undefined);
    if (found.length === 0) throw new ProblemError(404, "There is nothing here.");
    const wanted = method === "HEAD" ? "GET" : method;
    const match = found.find(({ route }) => route.method === wanted);
    if (match === undefined) {
      const allowed = found.map(({ route }) => route.method).join(", ");
      throw new ProblemError(405, `Expected ${allowed}.`, {}, { allow: allowed });
    }
    return { route: match.route, params: match.params! };
  }

  async #rights(request: Request, { access: needed, method }: Route) {
    const rights = this.#context.access.rights(request);
    if (rights === undefined) {
      if (this.#guesses >= mostGuesses)
        throw new ProblemError(429, "Too many wrong tokens.", {}, { "retry-after": "1" });
      this.#guesses++;
      await Bun.sleep(guessingPause);
      this.#guesses--;
      throw unauthorized("That token is not right.");
    }
    const isEnough = needed === "open" || (needed === "read" ? rights.mayRead : rights.mayWrite);
    if (!isEnough && needed === "write" && this.#context.access.isReadOnly)
      throw new ProblemError(403, "This page shows one scan, and starts none.");
    if (!isEnough) throw unauthorized("This desk asks for a token.");
    if (method !== "GET" && !this.#context.access.isOurOrigin(request))
      throw new ProblemError(403, "This request comes from another site's page.");
    return rights;
  }

  /** A body that is what its route expects. Throws ProblemError. */
  async #body(request: Request, schema: v.GenericSchema): Promise<unknown> {
    const announced = Number(request.headers.get("content-length") ?? 0);
    if (announced > longestBody) throw tooLarge(announced);
    const bytes = await this.#bytes(request);
    const type = request.headers.get("content-type") ?? "";
    if (!/^application\/json\b/i.test(type) && (bytes.length > 0 || request.method === "POST"))
      throw new ProblemError(415, "Expected a body of application/json.");
    let json: unknown;
    try {
      const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
      json = text.trim() === "" ? {} : (parseJson(text) ?? {});
    } catch (error) {
      throw new ProblemError(400, `The body is no JSON: ${(error as Error).message}.`);
    }
    const parsed = v.safeParse(schema, json, { abortEarly: true });
    if (parsed.success) return parsed.output;
    const issue = parsed.issues[0];
    const where = v.getDotPath(issue);
    throw new ProblemError(400, where === null ? issue.message : `${where}: ${issue.message}`);
  }

  async #bytes(request: Request): Promise<Uint8Array> {
    if (request.body === null) return new Uint8Array();
    // Longer than ours, which comes with an answer.
    this.#setTimeout(request, 2 * bodyPatience);
    const parts: Uint8Array[] = [];
    let size = 0;
    const reader = request.body.getReader();
    const late = Promise.withResolvers<never>();
    late.promise.catch(() => {});
    const timer = setTimeout(
      () => late.reject(new ProblemError(408, `The body took more than ${bodyPatience} s.`)),
      bodyPatience * 1000,
    );
    try {
      for (;;) {
        const { done, value } = await Promise.race([reader.read(), late.promise]);
        if (done) return Buffer.concat(parts);
        size += value.length;
        if (size > longestBody) throw tooLarge(size);
        parts.push(value);
      }
    } catch (error) {
      void reader.cancel().catch(() => {});
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** How much of a body may still come, bytes. */
function leftToRead({ body, headers }: Request): number {
  if (body === null) return 0;
  const announced = headers.get("content-length");
  return announced === null ? Number.POSITIVE_INFINITY : Number(announced);
}

/** The address the proxy itself has seen: the last it wrote. */
const forwardedFor = ({ headers }: Request): string =>
  headers.get("x-forwarded-for")?.split(",").at(-1)?.trim().slice(0, 64) ?? "";

const acceptsPage = (request: Request): boolean =>
  /\btext\/html\b/.test(request.headers.get("accept") ?? "");

const unauthorized = (message: string): ProblemError =>
  new ProblemError(401, message, {}, { "www-authenticate": 'Bearer realm="skyscan desk"' });
