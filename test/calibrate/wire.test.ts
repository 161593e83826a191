import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import * as v from "valibot";
import type { Request } from "../../src/calibrate/laboratory.ts";
import { entryFrom, Orders, ordersOf } from "../../src/calibrate/wire.ts";

const number = fc.double({ noNaN: true, noDefaultInfinity: true });
const vertex = { x: number, y: number, z: number, time: number, energy: number };
const overTheWire = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe("a calibration on the wire", () => {
  test("orders arrive as they were given, to the last bit", () => {
    const muon = fc.record({ ...vertex, zenith: number, azimuth: number });
    const losses = fc.array(fc.record(vertex), { maxLength: 20 });
    fc.assert(
      fc.property(muon, losses, number, number, (muon, losses, start, stop) => {
        const request: Request = {
          ...{ reco: "millipede_wilks", choice: {}, seed: 1, varies: true, jitter: 1 },
          cause: { kind: "event", file: "alert.json", muon, losses, readout: { start, stop } },
        };
        const orders = ordersOf(request);
        // JSON has no negative zero.
        const positive = overTheWire(orders);
        expect(v.parse(Orders, positive)).toEqual(positive as Orders);
        expect(JSON.stringify(v.parse(Orders, positive))).toBe(JSON.stringify(orders));
      }),
    );
  });

  const came = { k: 7, ts: 1.5, error: 0.3, energy: 2e4, zenith: 2, azimuth: 1 };
  const outcome = { ...came, llh: 900.5, doms: 60, fits: 76, world: { scattering: 1.02 } };

  test("an outcome, or why there is none, is taken from its client", () => {
    expect(entryFrom(overTheWire(outcome), 7)).toEqual(outcome);
    const failure = { k: 7, reason: "3 DOMs see light: too few for an alert" };
    expect(entryFrom(failure, 7)).toEqual(failure);
  });

  test.each([
    ["nothing", undefined],
    ["another experiment's", { ...outcome, k: 8 }],
    ["no number", { ...outcome, ts: null }],
    ["beyond all numbers", { ...outcome, ts: Number.POSITIVE_INFINITY }],
    ["a part of one", { k: 7, ts: 1 }],
    ["more than one", { ...outcome, reason: "too few" }],
    ["a novel", { k: 7, reason: "x".repeat(501) }],
    ["a world of words", { ...outcome, world: { scattering: "1" } }],
  ])("%s is not", (_, said) => {
    expect(entryFrom(said, 7)).toBeUndefined();
  });
});
