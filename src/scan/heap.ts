/** A binary heap: the item with the smallest key first. O(log n) per operation. */
export interface Heap<T> {
  readonly size: number;
  push(key: number, item: T): void;
  /** The smallest key; Infinity when empty. */
  readonly smallest: number;
  pop(): T | undefined;
  /** Drops what is of no use any more; O(n). */
  keep(isOfUse: (item: T) => boolean): void;
}

export function createHeap<T>(): Heap<T> {
  const keys: number[] = [];
  const items: T[] = [];
  const swap = (a: number, b: number) => {
    [keys[a], keys[b]] = [keys[b]!, keys[a]!];
    [items[a], items[b]] = [items[b]!, items[a]!];
  };
  const heap: Heap<T> = {
    get size() {
      return keys.length;
    },
    get smallest() {
      return keys[0] ?? Number.POSITIVE_INFINITY;
    },
    push(key, item) {
      let at = keys.push(key) - 1;
      items.push(item);
      while (at > 0) {
        const above = (at - 1) >> 1;
        if (keys[above]! <= keys[at]!) break;
        swap(at, above);
        at = above;
      }
    },
    pop() {
      if (keys.length === 0) return undefined;
      swap(0, keys.length - 1);
      keys.pop();
      const item = items.pop();
      for (let at = 0; ; ) {
        const left = 2 * at + 1;
        if (left >= keys.length) break;
        const smaller = left + 1 < keys.length && keys[left + 1]! < keys[left]! ? left + 1 : left;
        if (keys[at]! <= keys[smaller]!) break;
        swap(at, smaller);
        at = smaller;
      }
      return item;
    },
    keep(isOfUse) {
      const oldKeys = keys.splice(0);
      const oldItems = items.splice(0);
      for (const [n, item] of oldItems.entries()) if (isOfUse(item)) heap.push(oldKeys[n]!, item);
    },
  };
  return heap;
}
