import type { TaskEntry } from "../mq/messages.ts";
import { type FreeStart, type Task, taskKey } from "../scan/task.ts";
import type { FitTask } from "./protocol.ts";

/** A task the server has leased to this client. */
export interface LeasedTask extends Required<Task> {
  readonly lease: number;
  /** The server's session that gave the lease. */
  readonly session: number;
}

/** The tasks leased to a client, by the number its pool knows them by. */
export class LeasedTasks {
  readonly #tasks = new Map<number, LeasedTask>();
  readonly #ids = new Map<number, number>();
  #nextId = 1;

  /** Adds tasks; one that is there already only gets its new lease. @returns the others */
  add(entries: readonly TaskEntry[], session: number): FitTask[] {
    const fresh: FitTask[] = [];
    for (const [lease, nside, pixel, posvar, count, round, parent, starts, free] of entries) {
      const task = { lease, session, nside, pixel, posvar, count, round };
      const key = taskKey(task);
      const known = this.#ids.get(key);
      const id = known ?? this.#nextId++;
      this.#tasks.set(id, task);
      if (known !== undefined) continue;
      this.#ids.set(key, id);
      fresh.push({
        ...{ id, nside, pixel, posvar, count, round },
        parent,
        starts,
        free: free?.map(freeStart) ?? null,
      });
    }
    return fresh;
  }

  /** A task is done, or has been given back. @returns undefined for one that is not there */
  remove(id: number): LeasedTask | undefined {
    const task = this.#tasks.get(id);
    if (task === undefined) return undefined;
    this.#tasks.delete(id);
    this.#ids.delete(taskKey(task));
    return task;
  }

  /** Leases of a session. */
  leases(session: number): number[] {
    return [...this.#tasks.values()]
      .filter((task) => task.session === session)
      .map(({ lease }) => lease);
  }
}

const freeStart = ([nside, pixel, ...at]: NonNullable<TaskEntry[8]>[number]): FreeStart => ({
  ...{ nside, pixel, at },
});
