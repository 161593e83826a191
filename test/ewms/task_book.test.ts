import { expect, test } from "bun:test";
import { QueuedTasks } from "../../src/ewms/task_book.ts";

const pixel = { nside: 1, pixel: 4, posvar: 0, count: 3 };
const fit = (posvar: number) => ({ nside: 1, pixel: 4, posvar });

test("a pixel's task is as many fits; each is done once, whoever sends it how often", () => {
  const book = new QueuedTasks();
  book.add([pixel]);
  book.add([pixel]);
  expect(book.counts).toMatchObject({ released: 3, done: 0, pending: 3, leased: 0 });
  const taken = [book.take()!, book.take()!];
  expect(taken.map(({ task }) => task.posvar)).toEqual([0, 1]);
  expect(book.counts).toMatchObject({ pending: 1, leased: 2 });
  // One that was never sent in this session may be answered from an earlier one's message.
  for (const posvar of [0, 1, 2]) {
    expect(book.answered(fit(posvar))?.task.posvar).toBe(posvar);
    expect(book.answered(fit(posvar))).toBe(undefined);
    book.markDone(fit(posvar));
    expect(book.answered(fit(posvar))).toBe(undefined);
  }
  expect(book.take()).toBe(undefined);
  expect(book.answered(fit(3))).toBe(undefined);
  expect(book.counts).toMatchObject({ released: 3, done: 3, duplicates: 6, foreign: 1 });
  expect(book.unfinished()).toEqual([]);
});

test("what is out too long goes out again, later each time; what waits, or is answered, does not", () => {
  const book = new QueuedTasks();
  book.add([pixel]);
  const publish = (now: number) => {
    const fits = [];
    for (let next = book.take(); next; next = book.take()) {
      next.publishedAt = now;
      next.times++;
      fits.push(next.task.posvar);
    }
    return fits;
  };
  expect(book.expire(1000, 10)).toBe(0);
  expect(publish(0)).toEqual([0, 1, 2]);
  book.answered(fit(1));
  expect(book.expire(9.9, 10)).toBe(0);
  expect(book.expire(10, 10)).toBe(2);
  expect(book.expire(1000, 10)).toBe(0);
  expect(publish(10)).toEqual([0, 2]);
  expect(book.expire(29, 10)).toBe(0);
  expect(book.expire(30, 10)).toBe(2);
  expect(book.counts.expired).toBe(4);
});

test("what is not published goes back, and is skipped once its result is here", () => {
  const book = new QueuedTasks();
  book.add([pixel]);
  const first = book.take()!;
  book.putBack(first);
  book.answered(fit(0));
  book.markDone(fit(0));
  expect([book.take()!.task.posvar, book.take()!.task.posvar, book.take()]).toEqual([
    1,
    2,
    undefined,
  ]);
});
