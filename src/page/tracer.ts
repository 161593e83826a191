/** Contours traced by the worker; by this thread where there is none. */
import type { Contour } from "../result/contours.ts";
import { type Traced, trace } from "./map/tracing.ts";
import { trusted } from "./policy.ts";

export function createTracer(base: string): (traced: Traced) => Promise<readonly Contour[]> {
  let worker: Worker | undefined;
  const waiting = new Map<
    number,
    { traced: Traced; resolve: (contours: readonly Contour[]) => void }
  >();
  let last = 0;
  try {
    worker = new Worker(trusted(`${base}contours.js`), { type: "module" });
  } catch {
    worker = undefined;
  }
  if (worker) {
    worker.onmessage = ({ data }: MessageEvent<{ id: number; contours: readonly Contour[] }>) => {
      waiting.get(data.id)?.resolve(data.contours);
      waiting.delete(data.id);
    };
    worker.onerror = () => {
      worker = undefined;
      for (const { traced, resolve } of waiting.values()) resolve(trace(traced));
      waiting.clear();
    };
  }
  return (traced) => {
    if (!worker) return Promise.resolve(trace(traced));
    const id = ++last;
    return new Promise((resolve) => {
      waiting.set(id, { traced, resolve });
      worker!.postMessage({ id, traced });
    });
  };
}
