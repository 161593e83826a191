import { InputError } from "../config/errors.ts";
import { call, opened } from "./core.ts";
import { structs } from "./structs.ts";

/** Bytes unpacked at once: about a block of the largest kind, 900 kB. */
const ROOM = 2 ** 20;

/**
 * Decompresses a bzip2 stream, or several one after the other, in pieces of at most 1 MiB however much a small
 * input stands for. Throws InputError for damage and for a stream that is cut short.
 */
export async function* bunzip2(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const handle = opened("bzip2 stream", "skyscan_bzip2_open", "skyscan_bzip2_close");
  const bytes = structs.bzip2Progress.room();
  try {
    for await (const chunk of chunks) {
      for (let taken = 0, written = 0; taken < chunk.length || written === ROOM; ) {
        const rest = chunk.subarray(taken);
        const room = new Uint8Array(ROOM);
        call("skyscan_bzip2_decompress", handle, rest, rest.length, room, ROOM, bytes);
        const progress = structs.bzip2Progress.read(bytes);
        taken += progress.taken;
        written = progress.written;
        if (written > 0) yield room.subarray(0, written);
      }
    }
    if (structs.bzip2Progress.read(bytes).isComplete === 0)
      throw new InputError("truncated bzip2 stream");
  } finally {
    handle.close();
  }
}
