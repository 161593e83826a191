// What is worked out of a map once, however many ask: a finished scan's pictures and files all say where it points.
import type { SkyScanResult } from "./result.ts";

/** The same function, which remembers its answer for as long as the map is there. Maps do not change. */
export function perMap<Answer>(
  work: (map: SkyScanResult) => Answer,
): (map: SkyScanResult) => Answer {
  const answers = new WeakMap<SkyScanResult, { readonly answer: Answer }>();
  return (map) => {
    const known = answers.get(map) ?? { answer: work(map) };
    answers.set(map, known);
    return known.answer;
  };
}
