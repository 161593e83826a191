/** One stream of events for all of a browser's windows: six streams of their own would block the seventh (HTTP/1.1). */
import type { StreamEvents } from "./stream.ts";

/** What a window tells: which scans it shows, and whether what there is of a stream is to be doubted; that it goes. */
export type ToShared =
  | { readonly scans: readonly string[]; readonly isAnew: boolean }
  | { readonly isLeaving: true };

/** What it is told: something came; an event; the stream has ended, with its answer's status. */
export type FromShared =
  | { readonly kind: "byte" }
  | { readonly kind: "event"; readonly name: string; readonly data: unknown }
  | { readonly kind: "ended"; readonly status: number | undefined };

/** A window's end of the line. */
export interface SharedPort {
  postMessage(message: FromShared): void;
}

/** Reads a stream until it ends. @returns status of its answer */
export type OpenStream = (
  scans: readonly string[],
  signal: AbortSignal,
  events: StreamEvents,
) => Promise<number>;

/** Events about all scans; the others are for who shows theirs. */
const forAll: ReadonlySet<string> = new Set(["hello", "scan", "gone", "clients"]);

interface Hello {
  /** The desk's time, s since 1970. */
  readonly now: number;
}

export class SharedStream {
  /** Windows that listen, and the scans each shows. */
  readonly #ports = new Map<SharedPort, ReadonlySet<string>>();
  #stream: { readonly end: AbortController; readonly scans: ReadonlySet<string> } | undefined;
  /** How the stream began, and when; undefined: it has not yet. */
  #hello: { readonly data: Hello; readonly at: number } | undefined;

  /** @param now ms */
  constructor(
    readonly open: OpenStream,
    readonly now: () => number,
  ) {}

  receive(port: SharedPort, message: ToShared): void {
    if ("isLeaving" in message) this.#leave(port);
    else this.#join(port, message.scans, message.isAnew);
  }

  #join(port: SharedPort, scans: readonly string[], isAnew: boolean): void {
    this.#ports.set(port, new Set(scans));
    const isCovered = this.#stream && scans.every((scan) => this.#stream!.scans.has(scan));
    if (isAnew || !isCovered) {
      this.#begin();
      return;
    }
    // Who comes later begins as the stream did: it is told the desk's time as it is by now.
    if (this.#hello === undefined) return;
    const { data, at } = this.#hello;
    const hello = { ...data, now: data.now + (this.now() - at) / 1000 };
    port.postMessage({ kind: "event", name: "hello", data: hello });
  }

  #leave(port: SharedPort): void {
    this.#ports.delete(port);
    if (this.#ports.size > 0) return;
    this.#stream?.end.abort();
    this.#stream = undefined;
  }

  #begin(): void {
    this.#stream?.end.abort();
    const end = new AbortController();
    const scans = new Set([...this.#ports.values()].flatMap((shown) => [...shown]));
    this.#stream = { end, scans };
    this.#hello = undefined;
    const ended = (status?: number) => {
      if (end.signal.aborted) return;
      end.abort();
      this.#stream = undefined;
      this.#tell({ kind: "ended", status });
    };
    this.open([...scans].sort(), end.signal, {
      onByte: () => {
        if (!end.signal.aborted) this.#tell({ kind: "byte" });
      },
      onEvent: (name, data) => {
        if (!end.signal.aborted) this.#pass(name, data);
      },
    }).then(ended, () => ended());
  }

  #pass(name: string, data: unknown): void {
    if (name === "hello") this.#hello = { data: data as Hello, at: this.now() };
    const { scan } = data as { scan?: string };
    const isForAll = forAll.has(name) || scan === undefined;
    this.#tell({ kind: "event", name, data }, isForAll ? undefined : scan);
  }

  #tell(message: FromShared, scan?: string): void {
    for (const [port, scans] of this.#ports)
      if (scan === undefined || scans.has(scan)) port.postMessage(message);
  }
}
