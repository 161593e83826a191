/** Processor time of this thread: exact, where the process's own account goes by clock ticks. */
import { dlopen, ptr } from "bun:ffi";

const libc = dlopen("libc.so.6", { clock_gettime: { args: ["i32", "ptr"], returns: "i32" } });
const CLOCK_THREAD_CPUTIME_ID = 3;

/** Seconds since the thread began. */
export function processorTime(): number {
  const time = new BigInt64Array(2);
  libc.symbols.clock_gettime(CLOCK_THREAD_CPUTIME_ID, ptr(time));
  return Number(time[0]) + Number(time[1]) * 1e-9;
}

/** Processor seconds per call, mean. */
export async function secondsPerCall(calls: number, call: (i: number) => unknown): Promise<number> {
  const start = processorTime();
  for (let i = 0; i < calls; i++) await call(i);
  return (processorTime() - start) / calls;
}
