import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { stringBytes } from "../../src/i3/bytes.ts";
import { readI3File } from "../../src/i3/file.ts";
import { encodeFrame, type Frame } from "../../src/i3/frame.ts";
import { makeFrame } from "../../src/i3/write.ts";
import { bunzip2 } from "../../src/native/bzip2.ts";
import { testFolder } from "../folder.ts";

const folder = testFolder();
function file(name: string, ...parts: Uint8Array[]): string {
  const path = join(folder, name);
  writeFileSync(path, Buffer.concat(parts));
  return path;
}

async function frames(path: string): Promise<Frame[]> {
  const found: Frame[] = [];
  for await (const frame of readI3File(path)) found.push(frame);
  return found;
}

const blob = (stream: string, length: number) =>
  encodeFrame(
    makeFrame(stream, {
      I3DAQData: { type: "I3VectorChar", value: new Uint8Array(length).fill(length) },
    }),
  );
const sizes = [10, 300_000, 1, 3_000_000, 7];
const all = sizes.map((size, i) => blob("GCDQP"[i]!, size));

describe(".i3 files", () => {
  test.each([
    ["plain", (bytes: Uint8Array) => bytes],
    ["gzip", (bytes: Uint8Array) => gzipSync(bytes)],
    ["zstd", (bytes: Uint8Array) => zstdCompressSync(bytes)],
  ])("%s, whatever the name", async (name, pack) => {
    const found = await frames(file(name, pack(Buffer.concat(all))));
    expect(found.map(encodeFrame)).toEqual(all);
  });

  test("several gzip members one after the other", async () => {
    const found = await frames(file("members", ...all.map((part) => gzipSync(part))));
    expect(found.map(encodeFrame)).toEqual(all);
  });

  test("a frame cut anywhere is reported by number", async () => {
    const bytes = Buffer.concat(all);
    const cut = file("cut", bytes.subarray(0, bytes.length - 3));
    await expect(frames(cut)).rejects.toThrow(/cut: frame 5: truncated/);
    const packed = gzipSync(bytes);
    await expect(frames(file("cut.gz", packed.subarray(0, packed.length - 9)))).rejects.toThrow(
      /damaged compression/,
    );
  });

  test("a cut zstd stream is found, wherever it is cut", async () => {
    const small = Buffer.concat([all[0]!, all[2]!, all[4]!]);
    const packed = zstdCompressSync(small, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
    const twice = Buffer.concat([packed, packed]);
    expect((await frames(file("twice.zst", twice))).length).toBe(6);
    expect((await frames(file("once.zst", twice.subarray(0, packed.length)))).length).toBe(3);
    for (let length = 4; length < twice.length; length++)
      if (length !== packed.length)
        await expect(frames(file("cut.zst", twice.subarray(0, length)))).rejects.toThrow(
          /cut.zst: (frame \d: truncated|damaged compression|holds no frames)/,
        );
    const skippable = Buffer.concat([Buffer.from("5e2a4d1803000000aabbcc", "hex"), packed]);
    expect((await frames(file("skip.zst", Buffer.concat([packed, skippable])))).length).toBe(6);
  });

  test("what is no such file is one clear line", async () => {
    await expect(frames(join(folder, "missing.i3"))).rejects.toThrow(/missing.i3: no such file/);
    await expect(frames(file("empty.i3"))).rejects.toThrow(/empty.i3: empty file/);
    await expect(frames(file("text.i3", stringBytes("hello world")))).rejects.toThrow(
      /text.i3: frame 1: no I3 frame begins here/,
    );
    await expect(frames(folder)).rejects.toThrow(/cannot be read/);
  });

  test("a length that would fill the memory is refused without reading on", async () => {
    const bytes = all[0]!.slice();
    new DataView(bytes.buffer).setUint32(4 + 4 + 2 + 1 + 4, 0xf0000000, true);
    await expect(frames(file("huge", bytes, all[1]!))).rejects.toThrow(/frame 1: truncated/);
  });
});

/** Python: bz2.compress(b"I3 frames " * 20 + b"\0" * 1000 + bytes(range(256)), 1) */
const BZIP2 = Uint8Array.fromBase64(
  "QlpoMTFBWSZTWUuFNgIAAFP/////////////////////////////////////////////sADwhAAAAAATAAAmABMmAAAAIwCYAAAAAAAAAAAAAAAAAAAAMgAEwARKoYRgRgEyaPUxMTAmEwTEwCYAEwAJgARgIwEyaYAIyYJk0wATAAACZMmJgE0whgACBiYBJgAJgACYAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAcIhnPABao0Njg70ekPD5AQkRH0+oSEpMTlBSVFfVLC3rF3X7Ax2L+cIQB3QAQF5j2jIzNO2amxucHJ13Ds8PT5RABAfkyAgoSH3kRFRu+jpCSlJaYmp3gT1AzEIA5VIrU1RVVldYWVrwra4ury+wMLExsjKzeJndwAQNLU1tjmACBuGAAgb3BxcvH5CAAEDmPOjq7D4AIHciABASLLw8+XzPT2+Pr8/wHngYL0QfphIWGh4iJiouOj5CRkpOUlZaXmJmam5ydnp+goaKjpKWmp6ipqqusra6vsLGys7S1tre4ubq7vL2+v8DBwsPExcbHyMnKy8zNzs/Q0dLT1NXW19jZ2tvc3d7f4OHi4+TlAAQHMB5+jp6uvs7e7v8PHy//n6evsMAvv7/Hz9fYu5IpwoSCXCmwEA",
);

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
async function unpack(bytes: Uint8Array, size = 100): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of bunzip2(inPieces(bytes, size))) parts.push(part);
  return Buffer.concat(parts);
}

describe("bzip2", () => {
  const expected = Buffer.concat([
    stringBytes("I3 frames ".repeat(20)),
    new Uint8Array(1000),
    Uint8Array.from({ length: 256 }, (_, i) => i),
  ]);

  test("what Python packed, whole, in pieces, and twice", async () => {
    expect(await unpack(BZIP2, 1e6)).toEqual(expected);
    expect(await unpack(BZIP2, 1)).toEqual(expected);
    expect(await unpack(Buffer.concat([BZIP2, BZIP2]))).toEqual(
      Buffer.concat([expected, expected]),
    );
  });

  test("a small input that stands for much comes out piece by piece", async () => {
    // Python: bz2.compress(bytes(45 * 10**6)), a single block
    const packed = Uint8Array.fromBase64(
      "QlpoOTFBWSZTWckBtsgBWKtAIMAAEAAACCAAMMwFKaZSSFJsVJIUni7kinChIZIDbZA=",
    );
    let total = 0;
    for await (const part of bunzip2(inPieces(packed, packed.length))) {
      expect(part.length).toBeLessThanOrEqual(2 ** 20);
      expect(part.every((byte) => byte === 0)).toBe(true);
      total += part.length;
    }
    expect(total).toBe(45_000_000);
  });

  test("bytes after the stream that are none are damage", async () => {
    const followed = Buffer.concat([BZIP2, stringBytes("I3 frames")]);
    await expect(unpack(followed)).rejects.toThrow(/damaged bzip2/);
  });

  test("damage anywhere is found", async () => {
    // the 7 bits that fill the last byte mean nothing; the block size at most allocates more
    for (let at = 4; at < BZIP2.length - 1; at += 3) {
      const damaged = BZIP2.slice();
      damaged[at]! ^= 0x10;
      await expect(unpack(damaged)).rejects.toThrow(/bzip2/);
    }
    for (let length = 0; length < BZIP2.length; length += 7)
      await expect(unpack(BZIP2.subarray(0, length))).rejects.toThrow(/bzip2/);
  });
});
