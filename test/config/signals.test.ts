import { expect, test } from "bun:test";
import type { ExitCode } from "../../src/config/errors.ts";
import { catchSignals, unlessStopped } from "../../src/config/signals.ts";
import { VirtualTime } from "../system/virtual_time.ts";

/** A process of which nothing is real: its time, its signals, its end. */
function someProcess(onSecond?: () => void) {
  const time = new VirtualTime();
  const caught = new Map<string, () => void>();
  const exits: { code: ExitCode; at: number }[] = [];
  const signals = catchSignals(onSecond, {
    clock: time.clock(),
    on: (signal, handler) => void caught.set(signal, handler),
    exit: (code) => void exits.push({ code, at: time.now }),
  });
  const at = (seconds: number, signal: NodeJS.Signals) => time.after(seconds, caught.get(signal)!);
  return { ...signals, at, exits, time };
}

const every = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

test.each(every)("%s asks for a tidy end, and ends what hangs within 10 s", (signal) => {
  const { stop, now, at, exits, time } = someProcess();
  at(3, signal);
  expect(stop.aborted).toBe(false);
  while (time.step());
  expect(stop.aborted).toBe(true);
  expect(now.aborted).toBe(false);
  expect(exits).toEqual([{ code: 130, at: expect.any(Number) }]);
  expect(exits[0]!.at - 3).toBeWithin(5, 10);
});

test.each(every)("a second signal, %s, ends at once, what comes together is one", (signal) => {
  const { now, at, exits, time } = someProcess();
  at(1, "SIGTERM");
  at(1.2, signal);
  at(2, signal);
  while (time.step(1.9));
  expect(exits).toEqual([]);
  while (time.step(2.001));
  expect(exits).toEqual([{ code: 130, at: expect.closeTo(2, 6) }]);
  expect(now.aborted).toBe(true);
});

test("who has something to do at a second signal is ended 10 s after the first", () => {
  let seconds = 0;
  const { at, exits, time } = someProcess(() => void seconds++);
  at(1, "SIGINT");
  at(8, "SIGINT");
  while (time.step());
  expect(seconds).toBe(1);
  expect(exits).toHaveLength(1);
  expect(exits[0]!.at).toBeWithin(9, 11);
});

test("work that never ends is left when a signal comes, before or after its begin", async () => {
  const stop = new AbortController();
  const never = unlessStopped(new Promise(() => {}), stop.signal);
  expect(await unlessStopped(Promise.resolve(7), stop.signal)).toBe(7);
  stop.abort();
  expect(never).rejects.toThrow("interrupted");
  expect(unlessStopped(new Promise(() => {}), stop.signal)).rejects.toThrow("interrupted");
});
