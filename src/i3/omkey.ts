/**
 * Address of an optical module (DOM): string 1–86, om 1–60 in the ice, 61–64 in IceTop.
 * Packed into one number that orders as the field orders: by string, then om.
 */
export type OMKey = number;

export const omKey = (string: number, om: number): OMKey => string * 256 + om;
export const stringOf = (key: OMKey): number => Math.floor(key / 256);
export const omOf = (key: OMKey): number => key % 256;

/** "string,om": what a DOM is called in all output. */
export const domName = (key: OMKey): string => `${stringOf(key)},${omOf(key)}`;

/** Inverse of {@link domName}. Throws a RangeError on anything else. */
export function parseDomName(text: string): OMKey {
  const match = /^(\d+),(\d+)$/.exec(text);
  if (!match || Number(match[2]) > 255) throw new RangeError(`not a DOM's name: "${text}"`);
  return omKey(Number(match[1]), Number(match[2]));
}
