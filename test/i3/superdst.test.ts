import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { loadEvent } from "../../src/event/load.ts";
import { findOf, resolvePulses } from "../../src/event/objects.ts";
import { packSuperDst, superDstPulses } from "../../src/i3/classes/superdst.ts";
import { decodeObject, encodeObject } from "../../src/i3/objects.ts";
import { omKey, omOf } from "../../src/i3/omkey.ts";
import { type Pulse, PulseFlag } from "../../src/i3/pulses.ts";
import { present, shared } from "../shared.ts";

const HLC = PulseFlag.LC | PulseFlag.ATWD | PulseFlag.FADC;
const SLC = PulseFlag.FADC;

describe("I3SuperDST", () => {
  test("coinciding pulses are set apart as the reference does it (event 138632, DOM 2,43)", () => {
    const at = (time: number) => ({ time, charge: 1, width: 1, flags: HLC });
    const packed = packSuperDst(new Map([[omKey(2, 43), [10040, 10075, 10075].map(at)]]));
    const series = superDstPulses(packed).get(omKey(2, 43))!;
    expect(series.map(({ time, width }) => [time, width])).toEqual([
      [10040, 0.5],
      [10040.5, 0.5],
      [10075, 1],
    ]);
  });

  const pulse = fc.record({
    time: fc.integer({ min: -512, max: 400000 }),
    code: fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 60000, max: 200000 })),
    width: fc.integer({ min: 0, max: 11 }),
    isHlc: fc.boolean(),
  });
  const event = fc.array(
    fc.tuple(
      fc.integer({ min: 1, max: 86 }),
      fc.integer({ min: 1, max: 64 }),
      fc.array(pulse, { maxLength: 12 }),
    ),
    { maxLength: 8 },
  );

  test("pulses packed, written, read and unpacked are the same but for the codes' steps", () => {
    fc.assert(
      fc.property(event, (doms) => {
        const pulses = new Map<number, Pulse[]>();
        for (const [string, om, list] of doms) {
          // distinct times, farther apart than any width
          const times = [
            ...new Set(list.map(({ time }) => Math.max(-512, Math.floor(time / 4096) * 4096))),
          ];
          const series = times
            .sort((a, b) => a - b)
            .map((time, i) => ({
              time,
              charge:
                om <= 60
                  ? Math.fround(0.05 * list[i]!.code + 0.025)
                  : Math.fround(10 ** (((list[i]!.code % 16384) * 9) / 16383 - 2)),
              width: 2 ** list[i]!.width,
              flags: list[i]!.isHlc ? HLC : SLC,
            }));
          if (series.length > 0) pulses.set(omKey(string, om), series);
        }
        const buffer = encodeObject({ type: "I3SuperDST", ...packSuperDst(pulses) });
        const read = decodeObject({ buffer });
        if (read?.type !== "I3SuperDST") throw new Error("no I3SuperDST");
        const found = superDstPulses(read);
        expect([...found.keys()]).toEqual([...pulses.keys()].sort((a, b) => a - b));
        for (const [key, series] of pulses)
          for (const [i, { time, charge, width, flags }] of series.entries()) {
            expect(found.get(key)![i]).toMatchObject({ time, width, flags });
            expect(Math.abs(found.get(key)![i]!.charge / charge - 1)).toBeLessThan(1e-6);
          }
        expect(encodeObject(read)).toEqual(buffer);
      }),
      { numRuns: 200, seed: 11 },
    );
  });

  test("what does not add up is refused", () => {
    const series = Array.from({ length: 5 }, (_, i) => ({
      time: 100 * i,
      charge: 1,
      width: 1,
      flags: HLC,
    }));
    const buffer = encodeObject({
      type: "I3SuperDST",
      ...packSuperDst(new Map([[omKey(1, 1), series]])),
    });
    let refused = 0;
    for (let at = 40; at < buffer.length; at++) {
      const damaged = buffer.slice();
      damaged[at]! ^= 0x80;
      try {
        decodeObject({ buffer: damaged });
      } catch {
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(8);
    expect(() => packSuperDst(new Map([[omKey(1, 1), [{ ...series[0]!, time: -600 }]]]))).toThrow(
      /-600 ns/,
    );
  });
});

describe("I3SuperDST of the detector", () => {
  // the 2016 alerts carry the pulses from which the detector made the SuperDST
  const alerts = [0, 1, 2, 3].map((number) => `events/hese_event_0${number}.json`);
  test.each(present(alerts, (file) => file))(
    "packing the pulses of %s gives its readouts",
    async (file) => {
      const alert = await loadEvent(shared(file));
      const made = packSuperDst(resolvePulses(alert, "UncleanedInIcePulses"));
      const recorded = findOf(alert, "I3SuperDST", "I3SuperDST")!;
      // IceTop is not in UncleanedInIcePulses; times count from the readout before, so compare what they unpack to
      const inIce = [...superDstPulses(recorded)].filter(([key]) => omOf(key) <= 60);
      expect([...superDstPulses(made)]).toEqual(inIce);
      expect(made.readouts.map(({ key }) => key)).toEqual(
        recorded.readouts.map(({ key }) => key).filter((key) => omOf(key) <= 60),
      );
    },
  );
});
