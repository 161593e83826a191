/** Where a window's events come from: the browser's one stream, or, where there are no shared workers, its own. */
import { trusted } from "./policy.ts";
import type { FromShared, OpenStream, ToShared } from "./shared_stream.ts";
import { readStream, type StreamEvents } from "./stream.ts";

/** Listens until the stream ends. @param isAnew what there is of a stream is to be doubted @returns as readStream() */
export type Listen = (
  scans: readonly string[],
  signal: AbortSignal,
  events: StreamEvents,
  isAnew: boolean,
) => Promise<number | undefined>;

/** A stream of one's own. @param base address of the desk, with a slash at its end */
export const ownStream =
  (base: string): OpenStream =>
  (scans, signal, events) => {
    const query = scans.map((id) => `scan=${encodeURIComponent(id)}`).join("&");
    return readStream(`${base}events${query ? `?${query}` : ""}`, signal, events);
  };

/** To be counted up when what windows and the worker say to each other changes: those of two versions never meet. */
const PROTOCOL = 1;

/** @returns how to listen, and whether the stream is this window's own */
export function createFeed(base: string): { listen: Listen; isOwn: boolean } {
  const own = { listen: ownStream(base), isOwn: true };
  if (!("SharedWorker" in globalThis)) return own;
  let port: MessagePort;
  let hasFailed = false;
  /** It has said something since it was asked last. */
  let isThere = true;
  let fail = () => {};
  try {
    const worker = new SharedWorker(trusted(`${base}shared.js`), {
      type: "module",
      name: `skyscan events ${PROTOCOL}`,
    });
    worker.onerror = () => {
      hasFailed = true;
      fail();
    };
    port = worker.port;
  } catch {
    return own;
  }
  const say = (message: ToShared) => port.postMessage(message);
  addEventListener("pagehide", () => say({ isLeaving: true }));
  const listen: Listen = (scans, signal, events, isAnew) => {
    // Asked anew since nothing came, and nothing has come again: the worker has died.
    hasFailed ||= isAnew && !isThere;
    if (hasFailed) return own.listen(scans, signal, events);
    isThere = false;
    return new Promise((resolve) => {
      fail = () => resolve(undefined);
      port.onmessage = ({ data }: MessageEvent<FromShared>) => {
        isThere = true;
        if (signal.aborted) return;
        if (data.kind !== "ended") events.onByte();
        if (data.kind === "event") events.onEvent(data.name, data.data);
        if (data.kind === "ended") resolve(data.status);
      };
      say({ scans, isAnew });
    });
  };
  return { listen, isOwn: false };
}
