import { expect, test } from "bun:test";
import { requireRoom } from "../../src/server/room.ts";
import { parseProgression } from "../../src/sky/progression.ts";

test("what may be added beyond the progression counts too", () => {
  const required = (further: number) =>
    requireRoom(parseProgression("8:0 64:12 512:24"), 7, 1, further, gigabyte);
  expect(() => required(20_000)).not.toThrow();
  expect(() => required(400_000)).toThrow(/take \S+ GB of memory/);
});

const gigabyte = 1e9;

test.each<[string, number, number, boolean]>([
  // The default scan fits on the smallest machine.
  ["8:0 64:12 512:24", 7, 1, true],
  ["1024:0", 1, 1, false],
  ["8:0 4096:12", 7, 1, false],
  // A pointed scan of a thousandth of the sky.
  ["512:0", 1, 0.001, true],
])(
  "%p with %p fits a pixel over a share of %p of the sky fits in a gigabyte: %p",
  (text, variations, share, fits) => {
    const required = () => requireRoom(parseProgression(text), variations, share, 0, gigabyte);
    if (fits) expect(required).not.toThrow();
    else expect(required).toThrow(/take \S+ GB of memory, and 1\.0 GB are left/);
  },
);
