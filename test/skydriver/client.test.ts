import { describe, expect, test } from "bun:test";
import { Interrupted } from "../../src/config/errors.ts";
import { casual, SkyDriver, type SkyDriverError, urgent } from "../../src/skydriver/client.ts";
import { datetime, timedelta } from "../../src/skydriver/python_time.ts";
import { finally_, lonelyTime } from "./time.ts";

/** A client whose requests get these answers, and the times at which it asked. */
function clientOf(answers: (n: number) => Response | Error, stop?: AbortSignal) {
  const { time, clock } = lonelyTime();
  const asked: number[] = [];
  const client = new SkyDriver({
    ...{ address: "http://skydriver.example.org/", token: "t", clock },
    fetch: async () => {
      asked.push(time.now);
      const answer = answers(asked.length);
      if (answer instanceof Error) throw answer;
      return answer;
    },
    ...(stop && { stop }),
  });
  return { client, time, asked };
}

const status = (code: number, headers: Record<string, string> = {}) =>
  new Response('{"error":"no"}', { status: code, headers });

describe("requests to SkyDriver", () => {
  test("urllib3's back-off: at once, 0.6, 1.2, 2.4 … 120 s, 24 retries", async () => {
    const { client, time, asked } = clientOf(() => status(503));
    const error = await finally_(
      time,
      client.request("GET", "/x", urgent).catch((e) => e),
    );
    expect((error as SkyDriverError).message).toBe("GET http://skydriver.example.org/x: 503 no");
    expect((error as SkyDriverError).exitCode).toBe(3);
    const waits = asked.slice(1).map((at, i) => at - asked[i]!);
    const expected = [0, 0.6, 1.2, 2.4, 4.8, 9.6, 19.2, 38.4, 76.8, ...Array(15).fill(120)];
    expect(waits.length).toBe(24);
    for (const [i, wait] of waits.entries()) expect(wait).toBeCloseTo(expected[i]!, 6);
  });

  test.each([408, 429, 500, 502, 503, 504])("%d is asked again", async (code) => {
    const { client, time } = clientOf((n) => (n === 1 ? status(code) : Response.json({ a: 1 })));
    expect(await finally_(time, client.request("PATCH", "/x", casual))).toEqual({ a: 1 });
  });

  test.each([400, 401, 403, 404])("%d is not", async (code) => {
    const { client, time, asked } = clientOf(() => status(code));
    const error = await finally_(
      time,
      client.request("PUT", "/x", urgent).catch((e) => e),
    );
    expect((error as SkyDriverError).status).toBe(code);
    expect(asked.length).toBe(1);
  });

  test("a connection that breaks, an answer cut short, Retry-After, an empty answer", async () => {
    const answers = [
      new Error("ECONNRESET"),
      new Response('{"a":'),
      status(429, { "retry-after": "7" }),
      new Response(""),
    ];
    const { client, time, asked } = clientOf((n) => answers[n - 1]!);
    expect(await finally_(time, client.request("GET", "/x", urgent))).toBe(null);
    expect(asked.at(-1)! - asked.at(-2)!).toBeCloseTo(7, 6);
  });

  test("a stop ends the wait", async () => {
    const stop = new AbortController();
    const { client, time } = clientOf((n) => {
      if (n === 5) stop.abort();
      return status(503);
    }, stop.signal);
    const error = await finally_(
      time,
      client.request("GET", "/x", urgent).catch((e) => e),
    );
    expect(error).toBeInstanceOf(Interrupted);
  });
});

test("times as Python writes them", () => {
  expect([0, 62.9, 3600, 86_400, 2 * 86_400 + 3661].map(timedelta)).toEqual([
    ...["0:00:00", "0:01:02", "1:00:00", "1 day, 0:00:00", "2 days, 1:01:01"],
  ]);
  expect(datetime(Date.UTC(2026, 10, 27, 22, 1, 32) / 1000 + 0.9)).toBe("2026-11-27 22:01:32");
});
