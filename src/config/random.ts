/**
 * Random numbers, the same on every machine: xoshiro128** (Blackman & Vigna 2021, ACM TOMS 47, 36), its
 * state filled by splitmix32 (the 32-bit finaliser of MurmurHash3 over a Weyl sequence).
 * @param seeds any integers; their lower 53 bits count
 * @returns a function that gives the next number, uniform among the integers [0, 2³²)
 */
export function randomIntegers(...seeds: readonly number[]): () => number {
  let weyl = 0;
  const splitmix = (): number => {
    weyl = (weyl + 0x9e3779b9) | 0;
    let h = weyl;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    return (h ^ (h >>> 16)) >>> 0;
  };
  for (const seed of seeds) {
    weyl ^= seed | 0;
    weyl = splitmix() ^ (Math.floor(seed / 2 ** 32) | 0);
    weyl = splitmix();
  }
  return xoshiro128(Uint32Array.from([splitmix(), splitmix(), splitmix(), splitmix()]));
}

/**
 * Numbers uniform in (0, 1): the middles of 2³² equal parts. The same on every machine.
 * @param seeds as of {@link randomIntegers}
 */
export function uniformNumbers(...seeds: readonly number[]): () => number {
  const next = randomIntegers(...seeds);
  return () => (next() + 0.5) / 2 ** 32;
}

/** The bare generator. @param s its state, four numbers, not all 0; changes with every number taken */
export function xoshiro128(s: Uint32Array): () => number {
  const rotate = (x: number, k: number): number => (x << k) | (x >>> (32 - k));
  return () => {
    const result = Math.imul(rotate(Math.imul(s[1]!, 5), 7), 9) >>> 0;
    const t = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = rotate(s[3]!, 11);
    return result;
  };
}

/** Puts an array into random order, in place (Fisher and Yates). */
export function shuffle<T>(array: T[], next: () => number): T[] {
  for (let i = array.length - 1; i > 0; i--) {
    // The bias of the remainder, (i + 1) / 2³², is of no account here.
    const j = next() % (i + 1);
    [array[i], array[j]] = [array[j]!, array[i]!];
  }
  return array;
}
