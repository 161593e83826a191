import { InputError } from "../config/errors.ts";
import { jsonOf } from "./messages.ts";

/** MQClient's envelope: a queue's payload is zstd (level 3) of UTF-8 JSON with headers and data. */

const level = 3;
/** No message is longer, bytes: those of one fit have a thousand. */
const longest = 1 << 20;

export function packed(data: object): Uint8Array {
  const text = JSON.stringify({ headers: {}, data });
  return Bun.zstdCompressSync(new TextEncoder().encode(text), { level });
}

/** The data of a payload. Throws InputError for what is damaged, too long or no such envelope. */
export async function unpacked(payload: Uint8Array): Promise<unknown> {
  if (payload.length === 0) throw new InputError("an empty message");
  const bytes: Uint8Array[] = [];
  let size = 0;
  const plain = new Blob([payload as Uint8Array<ArrayBuffer>])
    .stream()
    .pipeThrough(new DecompressionStream("zstd"));
  try {
    for await (const chunk of plain) {
      size += chunk.length;
      if (size > longest) throw new InputError(`a message of more than ${longest} bytes`);
      bytes.push(chunk);
    }
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw new InputError(`damaged compression: ${(cause as Error).message}`, { cause });
  }
  const document = jsonOf(new TextDecoder().decode(Buffer.concat(bytes)));
  if (typeof document !== "object" || document === null || !("data" in document))
    throw new InputError("a message without data");
  return document.data;
}
