// Who listens to the desk: server-sent events, each written once and sent to all whom it concerns.
import type { Clock } from "../config/clock.ts";
import type { ServerEvent, ServerEventName } from "./messages.ts";

/** What one listener wants to hear of. */
export interface Interest {
  /** Pixels, progress, best fits, states of these scans. */
  readonly scans: ReadonlySet<string>;
  /** Of these alone: not what concerns all scans. */
  readonly isOnly: boolean;
}

/** A comment line keeps the stream alive, and tells the page that the desk is, s. */
const heartbeat = 15;
/** A listener with more than this unread is dropped, bytes: it comes back, and goes on where it was. */
const mostUnread = 1 << 20;
/** A dropped listener comes back after so long, ms. */
const retry = 3000;
/** Streams from one address, and in all. */
const mostPerAddress = 8;
const mostStreams = 500;

interface Listener extends Interest {
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  readonly address: string;
}

const encoder = new TextEncoder();

/** One event as it travels. */
export function eventText<Name extends ServerEventName>(
  name: Name,
  data: ServerEvent<Name>,
  id?: string,
): Uint8Array {
  const head = id === undefined ? "" : `id: ${id}\n`;
  return encoder.encode(`${head}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
}

/** Everyone who listens. */
export class Subscribers {
  readonly #listeners = new Set<Listener>();
  readonly #endHeartbeat: () => void;

  constructor(clock: Clock) {
    const comment = encoder.encode(": \n\n");
    this.#endHeartbeat = clock.every(heartbeat, () => {
      for (const listener of this.#listeners) this.#write(listener, comment);
    });
  }

  /** Why an address may have no further stream; undefined: it may. */
  objection(address: string): string | undefined {
    if (this.#listeners.size >= mostStreams) return `${mostStreams} pages are open already`;
    let fromThere = 0;
    for (const listener of this.#listeners) if (listener.address === address) fromThere++;
    return fromThere >= mostPerAddress
      ? `${mostPerAddress} streams are open from this address already`
      : undefined;
  }

  /**
   * Opens a stream.
   * @param first what it begins with
   */
  open(
    interest: Interest,
    address: string,
    first: readonly Uint8Array[],
  ): ReadableStream<Uint8Array> {
    let listener: Listener | undefined;
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          listener = { ...interest, address, controller };
          this.#listeners.add(listener);
          controller.enqueue(encoder.encode(`retry: ${retry}\n\n`));
          for (const event of first) controller.enqueue(event);
        },
        cancel: () => {
          if (listener) this.#listeners.delete(listener);
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: mostUnread }),
    );
  }

  /**
   * Tells all whom it concerns.
   * @param scan which scan it is about, for those who listen to that one; undefined: it concerns all
   */
  tell<Name extends ServerEventName>(
    name: Name,
    data: ServerEvent<Name>,
    { scan, id }: { scan?: string; id?: string } = {},
  ): void {
    if (this.#listeners.size === 0) return;
    let event: Uint8Array | undefined;
    for (const listener of this.#listeners) {
      const concerns =
        scan === undefined
          ? !listener.isOnly
          : listener.scans.has(scan) || isForAll(name, listener);
      if (!concerns) continue;
      event ??= eventText(name, data, id);
      this.#write(listener, event);
    }
  }

  /** Whether anyone listens to a scan. */
  hasListeners(scan: string): boolean {
    for (const { scans } of this.#listeners) if (scans.has(scan)) return true;
    return false;
  }

  get size(): number {
    return this.#listeners.size;
  }

  close(): void {
    this.#endHeartbeat();
    for (const { controller } of this.#listeners)
      try {
        controller.close();
      } catch {
        // It has gone by itself.
      }
    this.#listeners.clear();
  }

  #write(listener: Listener, event: Uint8Array): void {
    try {
      listener.controller.enqueue(event);
      if ((listener.controller.desiredSize ?? 0) >= 0) return;
      listener.controller.error(new Error("too slow"));
    } catch {
      // It has gone, and its cancellation is on its way.
    }
    this.#listeners.delete(listener);
  }
}

/** The list of scans is shown on every page but those of one scan. */
const isForAll = (name: ServerEventName, { isOnly }: Interest): boolean =>
  !isOnly && (name === "scan" || name === "gone");
