import { expect, test } from "bun:test";
import { groupIndex, phaseIndex, speedOfLight } from "../../src/geometry/constants.ts";
import { arrivalOf, frontAt, type Track } from "../../src/page/event/light_front.ts";

/** Downwards through (10, 20, 30) m at 1000 ns. */
const track: Track = { vertex: [10, 20, 30], time: 1000, travel: [0.6, 0, -0.8] };
/** Towards y = the one direction this track does not move in. */
const beside = (along: number, across: number) =>
  [10 + 0.6 * along, 20 + across, 30 - 0.8 * along] as const;

test("light leaves the track at the Cherenkov angle and goes straight at the group's speed", () => {
  const angle = Math.acos(1 / phaseIndex);
  for (const across of [1, 40, 300])
    for (const emitted of [-200, 0, 150]) {
      const path = across / Math.sin(angle);
      const seen = 1000 + emitted / speedOfLight + (path * groupIndex) / speedOfLight;
      const place = beside(emitted + path * Math.cos(angle), across);
      expect(arrivalOf(track, place)).toBeCloseTo(seen, 6);
    }
});

test("the front is where light arrives", () => {
  for (const across of [0, 10, 200])
    expect(arrivalOf(track, beside(frontAt(track, 1700, across), across))).toBeCloseTo(1700, 6);
});
