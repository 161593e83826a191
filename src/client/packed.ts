// What a client and its fit processes say to each other, as it passes the channel: tasks and outcomes as plain numbers.
import type { Minimum, Start } from "../geometry/minima.ts";
import { forFitValues, forSeedValues } from "../scan/fit_values.ts";
import type { FreeStart } from "../scan/task.ts";
import type { FitOutcome, FitTask, FromFitProcess, ToFitProcess } from "./protocol.ts";

/**
 * A list of numbers passes in a sixth of the time that the same as objects takes (measured: 57 for 344 µs there and back,
 * twenty tasks): Bun looks through every object for buffers first.
 */
type Packed = Float64Array;

/** Messages as they pass the channel. */
export type PackedToFitProcess =
  | Exclude<ToFitProcess, { readonly kind: "fit" }>
  | { readonly kind: "fit"; readonly packed: Packed };
export type PackedFromFitProcess =
  | Exclude<FromFitProcess, { readonly kind: "done" }>
  | ({ readonly kind: "done" } & PackedOutcomes);

export const packTo = (message: ToFitProcess): PackedToFitProcess =>
  message.kind === "fit" ? { kind: "fit", packed: packTasks(message.tasks) } : message;

export const unpackTo = (message: PackedToFitProcess): ToFitProcess =>
  message.kind === "fit" ? { kind: "fit", tasks: unpackTasks(message.packed) } : message;

export const packFrom = (message: FromFitProcess): PackedFromFitProcess =>
  message.kind === "done" ? { kind: "done", ...packOutcomes(message.outcomes) } : message;

export const unpackFrom = (message: PackedFromFitProcess): FromFitProcess =>
  message.kind === "done" ? { kind: "done", outcomes: unpackOutcomes(message) } : message;

/** In the place of a list's length: there is no list. */
const none = -1;

function putList<T>(
  numbers: number[],
  list: readonly T[] | null | undefined,
  put: (item: T) => void,
): void {
  numbers.push(list?.length ?? none);
  if (list) for (const item of list) put(item);
}

/** Reads numbers one after the other. */
class Reader {
  readonly #numbers: Packed;
  #at = 0;

  constructor(numbers: Packed) {
    this.#numbers = numbers;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#numbers.length;
  }

  readonly next = (): number => this.#numbers[this.#at++]!;

  /** A list, read item by item; null where there is none. */
  list<T>(item: () => T): T[] | null {
    const length = this.next();
    if (length === none) return null;
    const items: T[] = [];
    for (let n = 0; n < length; n++) items.push(item());
    return items;
  }
}

function packTasks(tasks: readonly FitTask[]): Packed {
  const numbers: number[] = [];
  for (const { id, nside, pixel, posvar, count, round, parent, starts, free } of tasks) {
    numbers.push(id, nside, pixel, posvar, count, round);
    putList(numbers, parent, (value) => numbers.push(value));
    putList(numbers, starts, ([x, y, z, llh]) => numbers.push(x, y, z, llh ?? Number.NaN));
    putList(numbers, free, ({ nside, pixel, at: [x, y, z, llh] }) =>
      numbers.push(nside, pixel, x, y, z, llh),
    );
  }
  return new Float64Array(numbers);
}

function unpackTasks(packed: Packed): FitTask[] {
  const reader = new Reader(packed);
  const { next } = reader;
  const start = (): Start => {
    const [x, y, z, llh] = [next(), next(), next(), next()];
    return [x, y, z, Number.isNaN(llh) ? null : llh];
  };
  const freeStart = (): FreeStart => ({
    ...{ nside: next(), pixel: next() },
    at: [next(), next(), next(), next()],
  });
  const tasks: FitTask[] = [];
  while (!reader.isAtEnd) {
    const [id, nside, pixel] = [next(), next(), next()];
    const [posvar, count, round] = [next(), next(), next()];
    const hasParent = next() !== none;
    tasks.push({
      ...{ id, nside, pixel, posvar, count, round },
      parent: hasParent ? forSeedValues(next) : null,
      starts: reader.list(start),
      free: reader.list(freeStart),
    });
  }
  return tasks;
}

/** Whether an outcome is no more than numbers; the few others pass as they are. */
const isPlain = ({ values, failures, direction, reason, experiment }: FitOutcome): boolean =>
  values !== undefined &&
  !failures?.length &&
  direction === undefined &&
  reason === undefined &&
  experiment === undefined;

/** What a fit process reports. */
interface PackedOutcomes {
  readonly packed: Packed;
  readonly others: readonly FitOutcome[];
}

function packOutcomes(outcomes: readonly FitOutcome[]): PackedOutcomes {
  const numbers: number[] = [];
  const others: FitOutcome[] = [];
  for (const outcome of outcomes) {
    if (!isPlain(outcome)) {
      others.push(outcome);
      continue;
    }
    numbers.push(outcome.id, outcome.evaluations, outcome.seconds, ...outcome.values!);
    putList(numbers, outcome.minima, ([x, y, z, llh]) => numbers.push(x, y, z, llh));
  }
  return { packed: new Float64Array(numbers), others };
}

function unpackOutcomes({ packed, others }: PackedOutcomes): FitOutcome[] {
  const reader = new Reader(packed);
  const { next } = reader;
  const outcomes: FitOutcome[] = [];
  while (!reader.isAtEnd) {
    const [id, evaluations, seconds] = [next(), next(), next()];
    const values = forFitValues(next);
    const minima = reader.list((): Minimum => [next(), next(), next(), next()]);
    outcomes.push({ id, values, evaluations, seconds, ...(minima && { minima }) });
  }
  return [...outcomes, ...others];
}
