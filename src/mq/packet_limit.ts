/** A watch over one connection's bytes. @returns the length of a packet that is too long, as soon as it is announced */
export type PacketLimit = (chunk: Uint8Array) => number | undefined;

/** The bits of a length's byte that count, and the one that says that another byte follows (MQTT 3.1.1, 2.2.3). */
const digit = 0x7f;
const more = 0x80;
const mostDigits = 4;

/**
 * Follows the packets of a connection from one fixed header to the next, however the bytes are cut, and keeps none.
 * @param longest what a packet may have after its fixed header, bytes
 */
export function createPacketLimit(longest: number): PacketLimit {
  /** Bytes of the current packet still to come. */
  let left = 0;
  /** Bytes of the length seen so far; -1: the byte with the packet's type is next. */
  let digits = -1;
  let length = 0;
  return (chunk) => {
    for (let at = 0; at < chunk.length; ) {
      if (left > 0) {
        const skipped = Math.min(left, chunk.length - at);
        left -= skipped;
        at += skipped;
        continue;
      }
      const byte = chunk[at++]!;
      if (digits < 0) {
        digits = 0;
        length = 0;
        continue;
      }
      length += (byte & digit) * 128 ** digits++;
      if (length > longest) return length;
      // A longer length is no MQTT: whoever reads the packet will say so.
      if ((byte & more) !== 0 && digits < mostDigits) continue;
      left = length;
      digits = -1;
    }
    return undefined;
  };
}
