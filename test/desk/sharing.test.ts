import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  type Claim,
  type Helper,
  inOrder,
  share,
  sharesOf,
  shortestStay,
} from "../../src/desk/sharing.ts";

const claim = (scan: string, more: Partial<Claim> = {}): Claim => ({
  ...{ scan, priority: 0, created: 0, served: 0, open: undefined },
  ...more,
});

const helper = (id: string, more: Partial<Helper> = {}): Helper => ({
  ...{ id, workers: 1, scan: null, since: 0, refused: new Set<string>() },
  ...more,
});

/** Where everyone is after the moves. */
const after = (helpers: readonly Helper[], moves: ReadonlyMap<string, string | null>): Helper[] =>
  helpers.map((one) => ({ ...one, scan: moves.has(one.id) ? moves.get(one.id)! : one.scan }));

describe("shares", () => {
  const cases: [string, Claim[], number, Record<string, number>][] = [
    ["one scan has all", [claim("a")], 4, { a: 4 }],
    ["equal ones the same", [claim("a"), claim("b", { created: 1 })], 4, { a: 2, b: 2 }],
    ["the older one the odd one", [claim("a"), claim("b", { created: 1 })], 3, { a: 2, b: 1 }],
    ["more scans than workers", [claim("b", { created: 1 }), claim("a")], 1, { a: 1, b: 0 }],
    ["urgent goes first", [claim("a"), claim("b", { priority: 100 })], 2, { a: 0, b: 2 }],
    [
      "but leaves what it cannot use",
      [claim("a"), claim("b", { priority: 100, open: 1 })],
      3,
      { a: 2, b: 1 },
    ],
    [
      "who has had much stands back",
      [claim("a", { served: 100 }), claim("b", { created: 9 })],
      1,
      { a: 0, b: 1 },
    ],
    [
      "but not for little",
      [claim("a", { served: 50 }), claim("b", { created: 9 })],
      1,
      { a: 1, b: 0 },
    ],
    [
      "nothing to do, nobody",
      [claim("a", { open: 0 }), claim("b", { open: 1 })],
      3,
      { a: 0, b: 1 },
    ],
  ];
  for (const [name, claims, workers, expected] of cases)
    test(name, () => expect(Object.fromEntries(sharesOf(claims, workers))).toEqual(expected));
});

describe("moves", () => {
  test("an urgent scan takes all, however short they have stayed", () => {
    const helpers = [helper("1", { scan: "a", since: 9 }), helper("2", { scan: "a", since: 9 })];
    const moves = share([claim("a"), claim("u", { priority: 100, created: 9 })], helpers, 10);
    expect(Object.fromEntries(moves)).toEqual({ 1: "u", 2: "u" });
  });

  test("a new equal scan waits until somebody has stayed long enough", () => {
    const claims = [claim("a"), claim("b", { created: 5 })];
    const helpers = [helper("1", { scan: "a" }), helper("2", { scan: "a" })];
    expect(share(claims, helpers, shortestStay - 1).size).toBe(0);
    expect([...share(claims, helpers, shortestStay).values()]).toEqual(["b"]);
  });

  test("who works for a scan that is over is called back", () => {
    expect(share([], [helper("1", { scan: "gone" })], 0)).toEqual(new Map([["1", null]]));
  });

  test("nobody is sent where it cannot work", () => {
    const helpers = [helper("1", { refused: new Set(["a"]) }), helper("2")];
    expect(Object.fromEntries(share([claim("a")], helpers, 0))).toEqual({ 2: "a" });
  });

  test("a large client does not go to and fro", () => {
    const claims = [claim("u", { priority: 100, open: 2 }), claim("b")];
    let helpers = [helper("1", { workers: 8, scan: "b" })];
    const places: (string | null)[] = [];
    for (let now = 100; now < 200; now += 10) {
      helpers = after(helpers, share(claims, helpers, now)).map((one) => ({ ...one, since: 0 }));
      places.push(helpers[0]!.scan);
    }
    expect(new Set(places)).toEqual(new Set(["u"]));
  });
});

const claims = fc.uniqueArray(
  fc.record({
    scan: fc.constantFrom(..."abcdefgh"),
    priority: fc.constantFrom(0, 0, 0, 5, 100),
    created: fc.nat(100),
    served: fc.nat(1000),
    open: fc.option(fc.nat(5), { nil: undefined }),
  }),
  { selector: ({ scan }) => scan },
);
const helpers = fc
  .array(
    fc.record({
      workers: fc.constantFrom(1, 1, 2, 8),
      scan: fc.option(fc.constantFrom(..."abcdefghx")),
      since: fc.nat(50),
      refused: fc.constant(new Set<string>()),
    }),
    { maxLength: 8 },
  )
  .map((list) => list.map((one, at) => ({ ...one, id: String(at) })));

describe("whatever there is", () => {
  test("shares are no more than the workers, than the fits; and no worker idles where there are fits", () => {
    fc.assert(
      fc.property(claims, fc.nat(20), (list, workers) => {
        const shares = sharesOf(list, workers);
        let sum = 0;
        let usable = 0;
        for (const { scan, open = Number.POSITIVE_INFINITY } of list) {
          expect(shares.get(scan)!).toBeLessThanOrEqual(open);
          sum += shares.get(scan)!;
          usable += open;
        }
        expect(sum).toBe(Math.min(workers, usable));
      }),
    );
  });

  test("a more urgent scan never has less than it can use while a less urgent one has a share", () => {
    fc.assert(
      fc.property(claims, fc.nat(20), (list, workers) => {
        const shares = sharesOf(list, workers);
        for (const a of list)
          for (const b of list)
            if (a.priority > b.priority && shares.get(b.scan)! > 0)
              expect(shares.get(a.scan)!).toBe(a.open ?? Number.NaN);
      }),
    );
  });

  test("the moves settle: after some rounds nobody moves any more", () => {
    fc.assert(
      fc.property(claims, helpers, (list, all) => {
        let now = 100;
        let placed: Helper[] = all;
        for (let round = 0; round < 20; round++) {
          const moves = share(list, placed, now);
          if (moves.size === 0) return;
          placed = after(placed, moves).map((one) =>
            moves.has(one.id) ? { ...one, since: now } : one,
          );
          now += shortestStay;
        }
        expect(share(list, placed, now).size).toBe(0);
      }),
    );
  });

  test("no free client idles while a scan wants more than it has", () => {
    fc.assert(
      fc.property(claims, helpers, (list, all) => {
        const placed = after(all, share(list, all, 100));
        const shares = sharesOf(
          list,
          all.reduce((sum, { workers }) => sum + workers, 0),
        );
        if (!placed.some(({ scan }) => scan === null)) return;
        for (const { scan } of list) {
          const has = placed.filter((one) => one.scan === scan);
          const workers = has.reduce((sum, one) => sum + one.workers, 0);
          expect(workers).toBeGreaterThanOrEqual(shares.get(scan)!);
        }
      }),
    );
  });
});

/** Scans of some length on some workers, by one-second steps. @returns when each ended */
function simulated(
  scans: readonly { scan: string; priority: number; created: number; length: number }[],
  workers: number,
): Map<string, number> {
  const ended = new Map<string, number>();
  const served = new Map<string, number>();
  let all = Array.from({ length: workers }, (_, at) => helper(String(at)));
  for (let now = 0; ended.size < scans.length && now < 1e5; now++) {
    const list = scans
      .filter(({ scan, created }) => created <= now && !ended.has(scan))
      .map((one) => claim(one.scan, { ...one, served: served.get(one.scan) ?? 0 }));
    const moves = share(list, all, now);
    all = after(all, moves).map((one) => (moves.has(one.id) ? { ...one, since: now } : one));
    for (const { scan, length } of scans) {
      const had = (served.get(scan) ?? 0) + all.filter((one) => one.scan === scan).length;
      served.set(scan, had);
      if (had >= length && !ended.has(scan)) ended.set(scan, now);
    }
  }
  return ended;
}

describe("over time", () => {
  test("alerts of one length end one after the other, not all at the end", () => {
    const scans = Array.from({ length: 20 }, (_, at) => ({
      ...{ scan: `s${String(at).padStart(2, "0")}`, priority: 0, created: at, length: 50 },
    }));
    const ended = simulated(scans, 2);
    expect(ended.size).toBe(20);
    const times = scans.map(({ scan }) => ended.get(scan)!);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    // All of the work is done without a pause: 20 scans of 50 s on two workers.
    expect(times.at(-1)!).toBeLessThanOrEqual(20 * 25 + shortestStay);
  });

  test("a short scan does not wait for the end of a long one, an urgent one for nobody", () => {
    const ended = simulated(
      [
        { scan: "long", priority: 0, created: 0, length: 4000 },
        { scan: "short", priority: 0, created: 500, length: 50 },
        { scan: "urgent", priority: 100, created: 1000, length: 200 },
      ],
      2,
    );
    expect(ended.get("short")! - 500).toBeLessThanOrEqual(50 + shortestStay);
    expect(ended.get("urgent")! - 1000).toBeLessThanOrEqual(100);
    expect(ended.get("long")!).toBeLessThanOrEqual((4000 + 250) / 2 + shortestStay);
  });

  test("nobody starves", () => {
    const ended = simulated(
      Array.from({ length: 12 }, (_, at) => ({
        ...{ scan: `s${at}`, priority: 0, created: 40 * at, length: at % 3 === 0 ? 900 : 30 },
      })),
      1,
    );
    expect(ended.size).toBe(12);
  });
});

test("the order is by priority, then by how much they have had, then by age", () => {
  const list = [
    claim("old", { created: 1, served: 500 }),
    claim("new", { created: 3 }),
    claim("older", { created: 2 }),
    claim("urgent", { created: 9, served: 500, priority: 100 }),
  ];
  expect(inOrder(list).map(({ scan }) => scan)).toEqual(["urgent", "older", "new", "old"]);
});
