/** The light of a muon that never was, as GET /event/RUN.EVENT/doms.bin sends it. */

import { uniformNumbers } from "../../src/config/random.ts";
import geometry from "../../src/detector/ic86-geometry.tsv" with { type: "text" };

/** m/ns. */
const c = 0.299792458;

export function fakeDoms(): Uint8Array<ArrayBuffer> {
  const random = uniformNumbers(7);
  const travel = [-0.776, -0.628, -0.06];
  const hits: { string: number; om: number; first: number; charge: number }[] = [];
  for (const line of geometry.trim().split("\n")) {
    const [string, om, x, y, z] = line.split("\t").map(Number) as [
      number,
      number,
      number,
      number,
      number,
    ];
    const d = [x - 60, y + 40, z + 150];
    const along = d[0]! * travel[0]! + d[1]! * travel[1]! + d[2]! * travel[2]!;
    const away = Math.sqrt(Math.max(1, d[0]! ** 2 + d[1]! ** 2 + d[2]! ** 2 - along ** 2));
    const expected = 60 * Math.exp(-away / 28) + 0.004;
    if (random() > 1 - Math.exp(-expected)) continue;
    hits.push({
      string,
      om,
      first: 3000 + along / c + away / 0.22 + 300 * random(),
      charge: Math.max(0.4, expected * (0.6 + random())),
    });
  }
  const n = hits.length;
  const header = new TextEncoder().encode(
    JSON.stringify({
      doms: n,
      pulses: n,
      origin: 7000,
      positions: false,
      kind: "SplitInIcePulses",
    }),
  );
  const pad = (size: number) => Math.ceil(size / 4) * 4;
  const start = pad(8 + header.length);
  const bytes = new Uint8Array(start + 2 * pad(2 * n) + 3 * 4 * n + 4 * (n + 1) + 2 * 4 * n).fill(
    32,
    0,
    start,
  );
  bytes.set(new TextEncoder().encode("SKD1"));
  new DataView(bytes.buffer).setUint32(4, header.length, true);
  bytes.set(header, 8);
  let at = start;
  const put = <T extends Uint16Array | Uint32Array | Float32Array>(array: T) => {
    bytes.set(new Uint8Array(array.buffer), at);
    at += pad(array.byteLength);
  };
  put(Uint16Array.from(hits, ({ string }) => string));
  put(Uint16Array.from(hits, ({ om }) => om));
  put(Float32Array.from(hits, ({ first }) => first));
  put(Float32Array.from(hits, ({ charge }) => charge));
  put(new Float32Array(n));
  put(Uint32Array.from({ length: n + 1 }, (_, i) => i));
  put(Float32Array.from(hits, ({ first }) => first));
  put(Float32Array.from(hits, ({ charge }) => charge));
  return bytes;
}
