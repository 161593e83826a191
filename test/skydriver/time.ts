/** Virtual time for one process: it passes as soon as nothing else is left to do. */
import type { Clock } from "../../src/config/clock.ts";
import { VirtualTime } from "../system/virtual_time.ts";

export function lonelyTime(): { readonly time: VirtualTime; readonly clock: Clock } {
  const time = new VirtualTime();
  const every: Clock["every"] = (seconds, work) => {
    let off = time.after(seconds, function again() {
      off = time.after(seconds, again);
      work();
    });
    return () => off();
  };
  return { time, clock: { ...time.clock(), every } };
}

/** Lets time pass until a promise is settled. */
export async function finally_<T>(time: VirtualTime, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settled = promise.finally(() => {
    isSettled = true;
  });
  settled.catch(() => {});
  while (!isSettled) {
    // Whatever is under way first.
    await new Promise((resolve) => setImmediate(resolve));
    if (!isSettled && !time.step()) await new Promise((resolve) => setImmediate(resolve));
  }
  return await settled;
}
