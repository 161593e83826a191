import { createHmac } from "node:crypto";
import type { Task } from "../scan/task.ts";

/** Bits of a lease's number: a JSON number holds them exactly, and nobody guesses them. */
const bits = 48;

/**
 * Numbers leases so that only the client who was handed a task can answer for it, also after the server has
 * been started again: a keyed hash of client and task (HMAC, RFC 2104, with SHA-256, cut short).
 * @param secret known to the scan's server alone
 */
export const leaseIds =
  (secret: string) =>
  (client: string, { nside, pixel, posvar, count = 1, round = 0 }: Task): number =>
    createHmac("sha256", secret)
      .update(`${nside}/${pixel}/${posvar}/${count}/${round}/${client}`)
      .digest()
      .readUIntBE(0, bits / 8);
