// Who may look, and who may start and end scans: the desk's token, as a header for scripts and a cookie for pages.
import { createHmac, timingSafeEqual } from "node:crypto";
import { isIP } from "node:net";
import { hostname } from "node:os";
import { InputError } from "../config/errors.ts";

export interface AccessOptions {
  /** undefined: nobody is asked. */
  readonly token?: string;
  /** Looking needs no token. */
  readonly isPublicRead: boolean;
  /** Names the desk may be called by besides its address. */
  readonly hosts: readonly string[];
  readonly base: string;
  readonly isSecure: boolean;
  /** The proxy's word counts as to how and under which name a page came. */
  readonly trustsProxy?: boolean;
  /** Nobody starts or ends anything. */
  readonly isReadOnly?: boolean;
}

/** The shortest token where other machines can try, bytes: 16 letters and digits of a random choice are 95 bits. */
const shortestToken = 16;
/** A page stays let in for so long, s. */
const sessionAge = 30 * 86_400;
const cookieName = "skyscan";

export const isLoopback = (host: string): boolean =>
  /^(localhost|127(\.\d{1,3}){3}|::1)$/.test(host);

/** Throws InputError where strangers reach the desk and nothing, or too little, keeps them out. */
export function requireToken(host: string, token: string | undefined): void {
  if (isLoopback(host)) return;
  if (Buffer.byteLength(token ?? "") < shortestToken)
    throw new InputError(
      `--host ${host}: a desk that other machines reach needs an --auth-token of at least ${shortestToken} characters (openssl rand -hex 16)`,
    );
}

export class Access {
  readonly #options: AccessOptions;
  /** What the cookie holds: known to nobody without the token, void when the token changes. */
  readonly #session: string | undefined;

  constructor(options: AccessOptions) {
    this.#options = options;
    const { token } = options;
    this.#session =
      token === undefined
        ? undefined
        : createHmac("sha256", token).update("skyscan desk session").digest("hex");
  }

  get isReadOnly(): boolean {
    return this.#options.isReadOnly ?? false;
  }

  get needsToken(): boolean {
    return this.#options.token !== undefined;
  }

  /** @returns undefined: a token was given, and it is wrong */
  rights({ headers }: Request): { mayRead: boolean; mayWrite: boolean } | undefined {
    const { token, isPublicRead, isReadOnly = false } = this.#options;
    if (token === undefined) return { mayRead: true, mayWrite: !isReadOnly };
    const [scheme, given] = (headers.get("authorization") ?? "").split(" ");
    if (given !== undefined && scheme?.toLowerCase() === "bearer")
      return isSame(given, token) ? { mayRead: true, mayWrite: !isReadOnly } : undefined;
    const cookie = cookieOf(headers.get("cookie") ?? "");
    const isKnown = cookie !== undefined && isSame(cookie, this.#session!);
    return { mayRead: isKnown || isPublicRead, mayWrite: isKnown && !isReadOnly };
  }

  isToken(given: string): boolean {
    const { token } = this.#options;
    return token !== undefined && isSame(given, token);
  }

  /** The header that makes a page known. */
  cookie(request: Request): string {
    return `${cookieName}=${this.#session}; Max-Age=${sessionAge}; ${this.#attributes(request)}`;
  }

  /** The header that makes it forget. */
  noCookie(request: Request): string {
    return `${cookieName}=; Max-Age=0; ${this.#attributes(request)}`;
  }

  /**
   * Whether a request is meant for us: a page of strangers can have its own name lead to this machine (DNS
   * rebinding), and then talks to us under that name.
   */
  isOurHost(host: string | null): boolean {
    if (host === null) return false;
    const name = host
      .replace(/:\d+$/, "")
      .replace(/^\[|\]$/g, "")
      .toLowerCase();
    return (
      isIP(name) !== 0 ||
      name === "localhost" ||
      name === hostname().toLowerCase() ||
      this.#options.hosts.some((known) => known.toLowerCase() === name)
    );
  }

  /** Whether a page that asks for something to be done is one of ours; scripts say no origin. */
  isOurOrigin({ headers }: Request): boolean {
    const origin = headers.get("origin");
    if (origin === null) return headers.get("sec-fetch-site") !== "cross-site";
    const { trustsProxy = false } = this.#options;
    const host = (trustsProxy && headers.get("x-forwarded-host")) || headers.get("host");
    try {
      return new URL(origin).host === host;
    } catch {
      return false;
    }
  }

  #attributes({ headers }: Request): string {
    const { base, isSecure, trustsProxy = false } = this.#options;
    const isTls = isSecure || (trustsProxy && headers.get("x-forwarded-proto") === "https");
    return `Path=${base}; HttpOnly; SameSite=Strict${isTls ? "; Secure" : ""}`;
  }
}

function cookieOf(header: string): string | undefined {
  for (const part of header.split(";")) {
    const [name, value] = part.trim().split("=");
    if (name === cookieName) return value;
  }
  return undefined;
}

/** Takes the same time whichever letter is wrong. */
function isSame(given: string, expected: string): boolean {
  const hash = (text: string) => createHmac("sha256", "compare").update(text).digest();
  return timingSafeEqual(hash(given), hash(expected));
}
