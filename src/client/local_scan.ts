import { randomBytes } from "node:crypto";
import { startBroker } from "../mq/broker.ts";
import type { ScanPlan } from "../server/plan.ts";
import { runServer, type ServerOptions, type ServerOutcome } from "../server/server.ts";
import { type ClientOptions, runClient } from "./client.ts";

export interface LocalScanOptions
  extends Omit<ServerOptions, "broker" | "startup" | "onOpen" | "stop">,
    Pick<ClientOptions, "workers" | "fitCommand" | "photonTables" | "gcdDir"> {
  /** Aborted: save what there is and stop. */
  readonly stop: AbortSignal;
}

/**
 * Runs broker, server and clients of a scan in this process, its fits in others: the same code as with many machines.
 * Throws what the server throws, or what keeps the client from working.
 */
export async function runLocalScan(
  plan: ScanPlan,
  options: LocalScanOptions,
): Promise<ServerOutcome> {
  // Other users of this machine reach the port as well.
  const authToken = randomBytes(16).toString("hex");
  const broker = await startBroker({ host: "127.0.0.1", port: 0, authToken });
  const address = {
    protocol: "mqtt",
    host: "127.0.0.1",
    port: broker.port,
    path: "/",
    username: "skyscan",
    password: authToken,
  } as const;
  const end = new AbortController();
  const stop = AbortSignal.any([options.stop, end.signal]);
  const leave = new AbortController();
  let client: Promise<unknown> = Promise.resolve();
  let clientError: unknown;
  try {
    return await runServer(plan, {
      ...options,
      broker: address,
      isAlone: true,
      stop,
      onOpen: (basename) => {
        client = runClient({
          basename,
          broker: address,
          workers: options.workers,
          fitCommand: options.fitCommand,
          ...(options.photonTables !== undefined && { photonTables: options.photonTables }),
          ...(options.gcdDir !== undefined && { gcdDir: options.gcdDir }),
          recoTimeout: options.recoTimeout,
          // It is alone: there is work until the end.
          timeoutToClients: options.timeoutFromClients,
          now: leave.signal,
        }).catch((error) => {
          if (leave.signal.aborted) return;
          clientError = error;
          end.abort();
        });
      },
    });
  } catch (error) {
    throw clientError ?? error;
  } finally {
    leave.abort();
    await client;
    await broker.close();
  }
}
