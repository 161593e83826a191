import { afterEach, expect, test } from "bun:test";
import {
  brokerPatience,
  heartbeatInterval,
  longestTime,
  progressInterval,
  resultInterval,
} from "../../src/config/environment.ts";

const intervals = {
  SKYSCAN_PROGRESS_INTERVAL_SEC: progressInterval,
  SKYSCAN_RESULT_INTERVAL_SEC: resultInterval,
  SKYSCAN_BROKER_PATIENCE_SEC: brokerPatience,
  SKYSCAN_HEARTBEAT_SEC: heartbeatInterval,
};
const names = Object.keys(intervals) as (keyof typeof intervals)[];
const before = names.map((name) => [name, process.env[name]] as const);
afterEach(() => {
  for (const [name, value] of before)
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
});

test.each(names)("%s is obeyed as it is given", (name) => {
  // 3e6 s in ms are more than a timer of the system can wait (2^31 ms).
  for (const seconds of [0.01, 1, 59.5, 3e6, longestTime]) {
    process.env[name] = String(seconds);
    expect(intervals[name]()).toBe(seconds);
  }
  process.env[name] = " ";
  expect(intervals[name]()).toBeGreaterThan(0);
});

test.each(names)("%s that is no time is refused by name", (name) => {
  for (const text of ["0", "-1", "0.001", "1e999", "NaN", "ten", String(2 * longestTime)]) {
    process.env[name] = text;
    expect(intervals[name]).toThrow(name);
  }
});
