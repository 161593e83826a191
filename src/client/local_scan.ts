import { createExchange, withinProcess } from "../mq/exchange.ts";
import type { ScanPlan } from "../server/plan.ts";
import {
  runServer,
  type ServerOptions,
  type ServerOutcome,
  serverSurroundings,
} from "../server/server.ts";
import { type ClientOptions, clientSurroundings, runClient } from "./client.ts";
import type { SpawnFitProcess } from "./pool.ts";

export interface LocalScanOptions
  extends Omit<ServerOptions, "broker" | "startup" | "onOpen" | "stop">,
    Pick<ClientOptions, "workers" | "fitCommand" | "photonTables" | "gcdDir"> {
  /** Gives the fit processes; default: starts them. */
  readonly spawn?: SpawnFitProcess;
  /** Aborted: save what there is and stop. */
  readonly stop: AbortSignal;
}

/**
 * Runs server and client of a scan in this process, its fits in others: the same code as with many machines, but for the
 * broker, whose place an exchange takes.
 * Throws what the server throws, or what keeps the client from working.
 */
export async function runLocalScan(
  plan: ScanPlan,
  options: LocalScanOptions,
): Promise<ServerOutcome> {
  const connect = createExchange();
  const end = new AbortController();
  const stop = AbortSignal.any([options.stop, end.signal]);
  const leave = new AbortController();
  let client: Promise<unknown> = Promise.resolve();
  let clientError: unknown;
  try {
    return await runServer(
      plan,
      {
        ...options,
        broker: withinProcess,
        isAlone: true,
        stop,
        onOpen: (basename, startup) => {
          client = runClient(
            {
              ...{ basename, broker: withinProcess, startup, workers: options.workers },
              fitCommand: options.fitCommand,
              ...(options.photonTables !== undefined && { photonTables: options.photonTables }),
              ...(options.gcdDir !== undefined && { gcdDir: options.gcdDir }),
              recoTimeout: options.recoTimeout,
              // It is alone: there is work until the end.
              timeoutToClients: options.timeoutFromClients,
              now: leave.signal,
            },
            { ...clientSurroundings, connect, ...(options.spawn && { spawn: options.spawn }) },
          ).catch((error) => {
            if (leave.signal.aborted) return;
            clientError = error;
            end.abort();
          });
        },
      },
      { ...serverSurroundings, connect },
    );
  } catch (error) {
    throw clientError ?? error;
  } finally {
    leave.abort();
    await client;
  }
}
