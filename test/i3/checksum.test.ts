import { expect, test } from "bun:test";
import { stringBytes } from "../../src/i3/bytes.ts";
import { crc16, crc32c } from "../../src/i3/checksum.ts";

// check values of the format's description
test("checksums of the nine digits", () => {
  const digits = stringBytes("123456789");
  expect(crc32c(digits)).toBe(0x58e3fa20);
  expect(crc16(digits)).toBe(0x29b1);
});

test("CRC-32C of every length up to 40 equals the bit-by-bit division", () => {
  const bytes = Uint8Array.from({ length: 40 }, (_, i) => (i * 73 + 5) & 255);
  for (let length = 0; length <= bytes.length; length++) {
    let remainder = 0;
    for (const byte of bytes.subarray(0, length))
      for (let bit = 0; bit < 8; bit++) {
        const top = (remainder ^ (byte >> bit)) & 1;
        remainder = (remainder >>> 1) ^ (top ? 0x82f63b78 : 0);
      }
    expect(crc32c(bytes.subarray(0, length))).toBe(remainder >>> 0);
  }
});
