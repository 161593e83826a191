import { consola } from "consola";
import { Interrupted } from "../config/errors.ts";
import { casual, type SkyDriver } from "./client.ts";
import { member } from "./event.ts";

/** How often SkyDriver is asked for its workers, s: it looks itself every 60. */
const lookEvery = 30;

/**
 * Waits until a scan's workers run, without end: the queue of a pool may be long. A SkyDriver that does not answer
 * is not waited for, since tasks wait in their queue as well.
 * @throws Interrupted
 */
export async function waitForWorkers(skydriver: SkyDriver, scanId: string): Promise<void> {
  for (let isFirst = true; ; isFirst = false) {
    try {
      const path = `/scan/${scanId}/ewms/workforce`;
      const running = member(await skydriver.request("GET", path, casual), "n_running");
      if (typeof running === "number" && running > 0) {
        consola.info(`${running} workers are running`);
        return;
      }
      if (isFirst) consola.info("waiting for workers to run");
    } catch (error) {
      if (error instanceof Interrupted) throw error;
      consola.warn(`workers are not known of, tasks go out: ${(error as Error).message}`);
      return;
    }
    await skydriver.pause(lookEvery);
  }
}
