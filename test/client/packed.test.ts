import { expect, test } from "bun:test";
import fc from "fast-check";
import { packFrom, packTo, unpackFrom, unpackTo } from "../../src/client/packed.ts";
import type { FitOutcome, FitTask } from "../../src/client/protocol.ts";

const real = fc.double({ noDefaultInfinity: true });
const finite = fc.double({ noDefaultInfinity: true, noNaN: true });
const whole = fc.integer({ min: 0, max: 2 ** 48 });
const minimum = fc.tuple(finite, finite, finite, finite);
const start = fc.tuple(finite, finite, finite, fc.option(finite));

const task: fc.Arbitrary<FitTask> = fc.record({
  ...{ id: whole, nside: whole, pixel: whole, posvar: whole, count: whole, round: whole },
  parent: fc.option(fc.tuple(real, real, real, real, real)),
  starts: fc.option(fc.array(start, { maxLength: 5 })),
  free: fc.option(
    fc.array(fc.record({ nside: whole, pixel: whole, at: minimum }), { maxLength: 3 }),
  ),
});

const eight = fc.tuple(real, real, real, real, real, real, real, real);
const said = { id: whole, evaluations: whole, seconds: finite };
const plain = fc.record(
  { ...said, values: eight, minima: fc.array(minimum, { maxLength: 4 }) },
  { requiredKeys: ["id", "evaluations", "seconds", "values"] },
);
const direction = fc.record({ ra: finite, dec: finite, ee: real, en: real, nn: real });
const other = fc.oneof(
  fc.record({ ...said, reason: fc.string() }),
  fc.record({ ...said, values: eight, direction }),
  fc.record({ ...said, values: eight, experiment: fc.jsonValue() }),
  fc.record({
    ...{ ...said, values: eight },
    failures: fc.array(fc.tuple(whole, fc.string()), { minLength: 1, maxLength: 2 }),
  }),
);

test("tasks come out as they went in, to the last bit", () => {
  fc.assert(
    fc.property(fc.array(task, { maxLength: 6 }), (tasks) => {
      expect(unpackTo(packTo({ kind: "fit", tasks }))).toEqual({ kind: "fit", tasks });
    }),
  );
});

test("outcomes come out as they went in, those that are no more than numbers first", () => {
  const lists = fc.tuple(fc.array(plain, { maxLength: 5 }), fc.array(other, { maxLength: 3 }));
  fc.assert(
    fc.property(lists, ([plains, others]) => {
      const outcomes = [...others, ...plains] as FitOutcome[];
      const passed = unpackFrom(packFrom({ kind: "done", outcomes }));
      expect(passed).toEqual({ kind: "done", outcomes: [...plains, ...others] as FitOutcome[] });
    }),
  );
});

test("other messages pass as they are", () => {
  const ready = { kind: "ready", light: null } as const;
  expect(unpackFrom(packFrom(ready))).toBe(ready);
  const warmUp = { kind: "warmUp" } as const;
  expect(unpackTo(packTo(warmUp))).toBe(warmUp);
});
