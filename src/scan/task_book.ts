import type { SchedulerCounts } from "./scheduler.ts";
import type { ReleasedTask, Task } from "./task.ts";

/** Which tasks are out and which are done, however they reach those who do them. */
export interface TaskBook {
  /** New tasks, to be handed out in this order. */
  add(tasks: readonly ReleasedTask[]): void;
  /** A task whose outcome is known. */
  markDone(task: Task): void;
  readonly counts: SchedulerCounts;
  /** Time from handing out a task to its result, s; NaN: nothing is known. */
  readonly expectedRoundTrip: number;
  /** Tasks not done. */
  unfinished(): Task[];
}
