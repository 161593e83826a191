import type { Clock } from "../config/clock.ts";
import { ExitCode, Interrupted, SkyscanError } from "../config/errors.ts";

/** SkyDriver's REST interface as rest-tools speaks it: JSON both ways, a bearer token, retries with back-off. */

/** SkyDriver cannot be reached, or refuses. */
export class SkyDriverError extends SkyscanError {
  /** @param status of the answer; undefined: there was none */
  constructor(
    message: string,
    readonly status: number | undefined,
    options?: ErrorOptions,
  ) {
    super(message, ExitCode.broker, options);
  }
}

/** How long one answer is waited for, s, and how often a request is repeated. */
export interface Patience {
  readonly timeout: number;
  readonly retries: number;
}

/** For what a scan cannot do without: about an hour. */
export const urgent: Patience = { timeout: 60, retries: 24 };
/** For reports: the next one will say the same. */
export const casual: Patience = { timeout: 10, retries: 1 };

/** urllib3's: the first retry at once, then 0.3·2ⁿ s, at most this long. */
const backoffFactor = 0.3;
const longestBackoff = 120;

/** Before the `attempt`-th retry (1, 2, …), s. */
export const backoff = (attempt: number): number =>
  attempt <= 1 ? 0 : Math.min(longestBackoff, backoffFactor * 2 ** (attempt - 1));

/** Answers after which the same request may succeed. */
const passing = new Set([408, 429, 500, 502, 503, 504]);

/** Whether a request that ended so may be repeated. */
export const isPassing = ({ status }: SkyDriverError): boolean =>
  status === undefined || passing.has(status);

export interface SkyDriverOptions {
  /** Base address. */
  readonly address: string;
  /** Bearer token; empty: none is sent. */
  readonly token: string;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly clock: Clock;
  /** Aborted: no more requests. */
  readonly stop?: AbortSignal;
}

/** What a request may have besides its path. */
export interface RequestOptions {
  /** JSON text, or what becomes one. GET has none. */
  readonly body?: string | object;
  readonly query?: Readonly<Record<string, string>>;
}

/** An answer, and how long the server wants to be left alone, s. */
type Failure = { readonly error: SkyDriverError; readonly retryAfter?: number };

export class SkyDriver {
  readonly #options: SkyDriverOptions;

  constructor(options: SkyDriverOptions) {
    this.#options = options;
  }

  get address(): string {
    return this.#options.address;
  }

  /**
   * @param path begins with a slash
   * @returns the answer's JSON; null where it is empty
   * @throws SkyDriverError when the last try failed, Interrupted
   */
  async request(
    method: string,
    path: string,
    patience: Patience,
    options: RequestOptions = {},
  ): Promise<unknown> {
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#once(method, path, patience.timeout, options);
      if (!("error" in answer)) return answer.value;
      const { error, retryAfter } = answer;
      if (attempt > patience.retries || !isPassing(error)) throw error;
      await this.pause(Math.max(backoff(attempt), Math.min(longestBackoff, retryAfter ?? 0)));
    }
  }

  /** Waits. Throws Interrupted when stopped. */
  async pause(seconds: number): Promise<void> {
    const { clock, stop } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const end = () => reject(new Interrupted());
    stop?.addEventListener("abort", end);
    if (stop?.aborted) end();
    const callOff = clock.after(seconds, resolve);
    try {
      await promise;
    } finally {
      callOff();
      stop?.removeEventListener("abort", end);
    }
  }

  async #once(
    method: string,
    path: string,
    timeout: number,
    { body, query }: RequestOptions,
  ): Promise<{ readonly value: unknown } | Failure> {
    const { address, token, fetch, stop } = this.#options;
    const search = query ? `?${new URLSearchParams(query)}` : "";
    const url = `${address.replace(/\/+$/, "")}${path}${search}`;
    const what = `${method} ${url}`;
    const signals = [AbortSignal.timeout(1000 * timeout), ...(stop ? [stop] : [])];
    try {
      const response = await fetch(url, {
        method,
        headers: {
          "Content-Type": "application/json",
          ...(token !== "" && { Authorization: `Bearer ${token}` }),
        },
        ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
        signal: AbortSignal.any(signals),
      });
      const text = await response.text();
      if (!response.ok) return failure(what, response, text);
      return { value: text.trim() === "" ? null : JSON.parse(text) };
    } catch (cause) {
      if (stop?.aborted) throw new Interrupted();
      const { name, message } = cause as Error;
      const why = name === "TimeoutError" ? `no answer within ${timeout} s` : message;
      return { error: new SkyDriverError(`${what}: ${why}`, undefined, { cause }) };
    }
  }
}

/** An answer other than 2xx, in one line. */
function failure(what: string, { status, statusText, headers }: Response, text: string): Failure {
  const reason = reasonIn(text) ?? statusText;
  const error = new SkyDriverError(`${what}: ${status} ${reason}`.trim(), status);
  const after = Number(headers.get("retry-after") ?? Number.NaN);
  return { error, ...(after >= 0 && { retryAfter: after }) };
}

/** What rest-tools, or Tornado, says of an error. */
function reasonIn(text: string): string | undefined {
  try {
    const { error, reason } = JSON.parse(text);
    return [error, reason].find((word) => typeof word === "string" && word !== "");
  } catch {
    return undefined;
  }
}
