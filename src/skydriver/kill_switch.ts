import { consola } from "consola";
import type { Clock } from "../config/clock.ts";
import { casual, type SkyDriver } from "./client.ts";
import { member } from "./event.ts";

/**
 * Asks from time to time whether the scan is still wanted. An answer that does not come changes nothing.
 * @param onKilled called once, with the reason
 * @returns the function that ends it
 */
export function watchKillSwitch(
  skydriver: SkyDriver,
  scanId: string,
  interval: number,
  clock: Clock,
  onKilled: (why: string) => void,
): () => void {
  let isOver = false;
  const look = async () => {
    const status = await skydriver
      .request("GET", `/scan/${scanId}/status`, casual)
      .catch((error) => {
        consola.debug(`kill switch: ${error.message}`);
      });
    const isDeleted = Boolean(member(status, "is_deleted"));
    const deactivated = member(status, "ewms_deactivated");
    if (isOver || !(isDeleted || deactivated)) return;
    isOver = true;
    onKilled(isDeleted ? "the scan was deleted" : `its workers were called off (${deactivated})`);
  };
  const end = clock.every(interval, () => void look());
  void look();
  return () => {
    isOver = true;
    end();
  };
}
