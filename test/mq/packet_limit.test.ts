import { expect, test } from "bun:test";
import fc from "fast-check";
import { createPacketLimit } from "../../src/mq/packet_limit.ts";

/** A PUBLISH packet with so many bytes after its fixed header. */
function packet(length: number): Buffer {
  const digits: number[] = [];
  let rest = length;
  do {
    digits.push((rest % 128) + (rest >= 128 ? 128 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Buffer.concat([Uint8Array.of(0x30, ...digits), Buffer.alloc(length)]);
}

// MQTT 3.1.1, table 2.4.
test.each([
  [127, [0x7f]],
  [128, [0x80, 0x01]],
  [16_383, [0xff, 0x7f]],
  [16_384, [0x80, 0x80, 0x01]],
  [2_097_151, [0xff, 0xff, 0x7f]],
  [2_097_152, [0x80, 0x80, 0x80, 0x01]],
  [268_435_455, [0xff, 0xff, 0xff, 0x7f]],
])("a length of %i is read as the standard writes it", (length, bytes) => {
  const header = Uint8Array.of(0x30, ...bytes);
  expect(createPacketLimit(length - 1)(header)).toBe(length);
  expect(createPacketLimit(length)(header)).toBeUndefined();
});

test("packets up to the limit pass, however the bytes are cut; the first longer one is told by its header", () => {
  const lengths = fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 10 });
  const cuts = fc.array(fc.integer({ min: 1, max: 9000 }), { minLength: 1, maxLength: 10 });
  fc.assert(
    fc.property(lengths, cuts, (sizes, steps) => {
      const longest = 10_000;
      const limit = createPacketLimit(longest);
      const bytes = Buffer.concat(sizes.map(packet));
      let at = 0;
      let told: number | undefined;
      for (let n = 0; at < bytes.length && told === undefined; n++) {
        const end = at + steps[n % steps.length]!;
        told = limit(bytes.subarray(at, end));
        at = end;
      }
      expect(told).toBe(sizes.find((size) => size > longest));
    }),
  );
});
