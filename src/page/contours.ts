/** The page's worker: traces contours beside it, so that the map stays in hand meanwhile. */
import { type Traced, trace } from "./map/tracing.ts";

const worker = globalThis as unknown as {
  onmessage: ((event: MessageEvent<{ id: number; traced: Traced }>) => void) | null;
  postMessage: (message: unknown) => void;
};

worker.onmessage = ({ data: { id, traced } }) => {
  worker.postMessage({ id, contours: trace(traced) });
};
