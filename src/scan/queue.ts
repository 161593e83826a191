import Denque from "denque";
import type { OpenTask } from "./leases.ts";

/** How many failed tasks are looked through for one that suits a client. */
const retryLook = 16;

/** The tasks that wait to be handed out: those that failed before first, the others in their order. */
export class TaskQueue {
  readonly #fresh = new Denque<OpenTask>();
  /** In no order. */
  readonly #failed: OpenTask[] = [];
  #size = 0;

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /** Does nothing when the task waits already, or a client has it. */
  add(task: OpenTask): void {
    if (task.isQueued || task.leases.size > 0) return;
    task.isQueued = true;
    this.#size++;
    if (task.failures === undefined) this.#fresh.push(task);
    else this.#failed.push(task);
  }

  /** The task need not be handed out any more. O(1): it is skipped when it comes up. */
  withdraw(task: OpenTask): void {
    if (!task.isQueued) return;
    task.isQueued = false;
    this.#size--;
  }

  /** @param suits whether a task that failed before is one for this client now */
  take(suits: (failed: OpenTask) => boolean): OpenTask | undefined {
    const task = this.#takeFailed(suits) ?? this.#takeFresh();
    if (task) this.withdraw(task);
    return task;
  }

  #takeFresh(): OpenTask | undefined {
    let task = this.#fresh.shift();
    while (task !== undefined && !task.isQueued) task = this.#fresh.shift();
    return task;
  }

  #takeFailed(suits: (failed: OpenTask) => boolean): OpenTask | undefined {
    for (let at = 0; at < Math.min(this.#failed.length, retryLook); ) {
      const task = this.#failed[at]!;
      if (task.isQueued && !suits(task)) {
        at++;
        continue;
      }
      this.#failed[at] = this.#failed.at(-1)!;
      this.#failed.pop();
      if (task.isQueued) return task;
    }
    return undefined;
  }
}
