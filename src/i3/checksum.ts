/** Tables and loops for the two frame checksums; a frame is at most some 100 MB, so eight tables pay. */

/** Castagnoli polynomial 0x1EDC6F41, reflected. */
const CASTAGNOLI = 0x82f63b78;
/** CCITT polynomial, not reflected. */
const CCITT = 0x1021;

// signed, so that the engine keeps every step in integers
const crc32cTables: readonly Int32Array[] = (() => {
  const tables = Array.from({ length: 8 }, () => new Int32Array(256));
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ CASTAGNOLI : c >>> 1;
    tables[0]![n] = c;
  }
  for (let k = 1; k < 8; k++)
    for (let n = 0; n < 256; n++) {
      const c = tables[k - 1]![n]!;
      tables[k]![n] = (c >>> 8) ^ tables[0]![c & 255]!;
    }
  return tables;
})();

/**
 * CRC-32C as I3 frames of version 6 use it: register starts at 0 and is not complemented at the end,
 * unlike the usual CRC-32C. Check value of "123456789": 0x58E3FA20.
 */
export function crc32c(bytes: Uint8Array): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = crc32cTables as [
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
  ];
  let crc = 0;
  let i = 0;
  for (; i + 8 <= bytes.length; i += 8) {
    crc ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    crc =
      t7[crc & 255]! ^
      t6[(crc >>> 8) & 255]! ^
      t5[(crc >>> 16) & 255]! ^
      t4[crc >>> 24]! ^
      t3[bytes[i + 4]!]! ^
      t2[bytes[i + 5]!]! ^
      t1[bytes[i + 6]!]! ^
      t0[bytes[i + 7]!]!;
  }
  for (; i < bytes.length; i++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[i]!) & 255]!;
  return crc >>> 0;
}

/** CRC-16/CCITT of frames of version 5: start 0xFFFF, no final xor. Check value of "123456789": 0x29B1. */
export function crc16(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++)
      crc = ((crc & 0x8000 ? (crc << 1) ^ CCITT : crc << 1) & 0xffff) >>> 0;
  }
  return crc;
}
