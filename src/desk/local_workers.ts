// The desk's own clients, one for each fit process: each can be sent to a scan of its own.
import { getPriority, setPriority } from "node:os";
import { consola } from "consola";
import { runClient } from "../client/client.ts";
import { runDeskClient } from "../client/desk_client.ts";
import { type SpawnFitProcess, spawnFitProcess } from "../client/pool.ts";
import { Spare } from "../client/spare.ts";
import { systemClock } from "../config/clock.ts";
import type { BrokerAddress } from "../mq/address.ts";
import { connect } from "../mq/connection.ts";
import { newClientId } from "../mq/topics.ts";

export interface LocalWorkersOptions {
  readonly count: number;
  readonly broker: BrokerAddress;
  /** The desk's name on the broker. */
  readonly desk: string;
  /** The command line of one fit process. */
  readonly fitCommand: readonly string[];
  readonly photonTables?: string;
  readonly gcdDir?: string;
  /** Called with the name of every client before it comes. */
  readonly expect: (id: string) => void;
}

/** A worker that ended by an error is replaced after so long, s. */
const pause = 5;
/** Fits leave the processor to the desk, and to the browser of whoever sits at this machine: steps of "nice". */
const behindDesk = 5;
const lowestPriority = 19;

const spawnBehindDesk: SpawnFitProcess = (command, onMessage) => {
  const child = spawnFitProcess(command, onMessage);
  try {
    setPriority(child.pid, Math.min(lowestPriority, getPriority() + behindDesk));
  } catch {
    // It has died already, or this system does not let us.
  }
  return child;
};

/** Starts them. @returns what ends them */
export function startLocalWorkers(options: LocalWorkersOptions): () => Promise<void> {
  const end = new AbortController();
  const workers = Array.from({ length: options.count }, () => keepWorking(options, end.signal));
  return async () => {
    end.abort();
    await Promise.all(workers);
  };
}

async function keepWorking(options: LocalWorkersOptions, end: AbortSignal): Promise<void> {
  const { broker, desk, fitCommand, photonTables, gcdDir, expect } = options;
  const newId = () => {
    const id = newClientId();
    expect(id);
    return id;
  };
  const spare = new Spare(spawnBehindDesk, fitCommand);
  end.addEventListener("abort", () => spare.close());
  const surroundings = { clock: systemClock, connect, newId: newClientId, spawn: spare.spawn };
  while (!end.aborted) {
    try {
      await runDeskClient(
        {
          ...{ broker, desk, fitCommand, workers: 1, now: end },
          patience: Number.POSITIVE_INFINITY,
          ...(photonTables !== undefined && { photonTables }),
          ...(gcdDir !== undefined && { gcdDir }),
        },
        {
          ...{ clock: systemClock, connect, newId },
          work: (client) => runClient(client, surroundings),
        },
      );
    } catch (error) {
      if (end.aborted) return;
      consola.warn(
        `a worker of this machine ended: ${error instanceof Error ? error.message : error}`,
      );
      await new Promise<void>((resolve) => {
        systemClock.after(pause, resolve);
        end.addEventListener("abort", () => resolve());
      });
    }
  }
}
