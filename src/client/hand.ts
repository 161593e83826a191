import type { TaskEntry } from "../mq/messages.ts";
import type { Task } from "../scan/task.ts";
import type { FitTask } from "./protocol.ts";

/** A task this client has been handed. */
export interface TaskInHand extends Task {
  readonly lease: number;
  /** The server's session that gave the lease. */
  readonly session: number;
}

/** The tasks a client has in hand, by the number its pool knows them by. */
export interface Hand {
  /** Takes tasks; one that is in hand already only gets its new lease. @returns the others */
  take(tasks: readonly TaskEntry[], session: number): FitTask[];
  /** A task is done, or has been given back. @returns undefined for one that was not in hand */
  drop(id: number): TaskInHand | undefined;
  /** Leases of a session. */
  leases(session: number): number[];
}

export function createHand(): Hand {
  const tasks = new Map<number, TaskInHand>();
  const ids = new Map<string, number>();
  const keyOf = ({ nside, pixel, posvar }: Task) => `${nside}/${pixel}/${posvar}`;
  let nextId = 1;
  return {
    take(entries, session) {
      const fresh: FitTask[] = [];
      for (const [lease, nside, pixel, posvar, parent] of entries) {
        const task = { lease, session, nside, pixel, posvar };
        const known = ids.get(keyOf(task));
        const id = known ?? nextId++;
        tasks.set(id, task);
        if (known !== undefined) continue;
        ids.set(keyOf(task), id);
        fresh.push({ id, nside, pixel, posvar, parent });
      }
      return fresh;
    },
    drop(id) {
      const task = tasks.get(id);
      if (task === undefined) return undefined;
      tasks.delete(id);
      ids.delete(keyOf(task));
      return task;
    },
    leases: (session) =>
      [...tasks.values()].filter((task) => task.session === session).map(({ lease }) => lease),
  };
}
