import { consola } from "consola";
import { type Clock, systemClock, wakingClock } from "../config/clock.ts";
import { brokerPatience, heartbeatInterval } from "../config/environment.ts";
import { Interrupted } from "../config/errors.ts";
import type { BrokerAddress } from "../mq/address.ts";
import { type Connect, type Connection, connect } from "../mq/connection.ts";
import { newClientId, topicsOf } from "../mq/topics.ts";
import { openDebug } from "./debug.ts";
import { FitPool, type SpawnFitProcess, spawnFitProcess } from "./pool.ts";
import { type Startup, Work, type WorkOptions } from "./work.ts";

export interface ClientOptions {
  readonly basename: string;
  readonly broker: BrokerAddress;
  /** The event; undefined: fetched over MQTT. */
  readonly startup?: Startup;
  readonly workers: number;
  /** The command line of one fit process. */
  readonly fitCommand: readonly string[];
  readonly photonTables?: string;
  readonly gcdDir?: string;
  /** Longest fit, s; undefined: the server's. */
  readonly recoTimeout?: number;
  /** How long to wait for work, s; undefined: the server's. */
  readonly timeoutToClients?: number;
  readonly debugDirectory?: string;
  /** Aborted: finish what runs, hand back the rest. Reason "now": at once. */
  readonly drain?: AbortSignal;
  readonly now?: AbortSignal;
}

/** What a client did, for its last log line. */
export interface ClientOutcome {
  readonly fits: number;
  readonly failures: number;
  readonly why: string;
}

/** So long after a reconnection what we hold is said again, s: longer than the server counts messages as on their way. */
const announceAgainAfter = 3;
/** How often idleness is looked at, s. */
const idleCheck = 0.5;
/** The machine slept when the clock jumps by more than this between two looks, s. */
const longestGap = 5;

/** What a client needs of the world around it. */
export interface ClientSurroundings {
  readonly clock: Clock;
  readonly connect: Connect;
  readonly spawn: SpawnFitProcess;
  readonly newId: () => string;
}

export const clientSurroundings: ClientSurroundings = {
  clock: systemClock,
  connect,
  spawn: spawnFitProcess,
  newId: newClientId,
};

/**
 * Works for one scan until it is over, there is no more work, or it is told to stop.
 * Throws TimedOut when there never was work, BrokerError, InputError (this client cannot do the fits),
 * Interrupted when stopped at once.
 */
export async function runClient(
  options: ClientOptions,
  surroundings: ClientSurroundings = clientSurroundings,
): Promise<ClientOutcome> {
  const topics = topicsOf(options.basename);
  const clock = wakingClock(surroundings.clock, longestGap);
  const id = surroundings.newId();
  const over = Promise.withResolvers<string>();
  over.promise.catch(() => {});
  const debug = openDebug(options.debugDirectory, over.reject);
  let connection: Connection | undefined;
  const publish = (topic: string, message: object | string, retain = false) => {
    if (options.debugDirectory !== undefined)
      debug("out", topic, typeof message === "string" ? message : JSON.stringify(message));
    connection?.publish(topic, message, { retain });
  };
  const { startup, timeoutToClients, workers } = options;
  const work = new Work({
    ...{ id, topics, workers, publish },
    ...(startup && { startup }),
    ...(timeoutToClients !== undefined && { timeoutToClients }),
    openPool: poolOf(options, surroundings),
    subscribe(more) {
      connection?.subscribe(more);
      return connection !== undefined;
    },
    clock,
    onOver: over.resolve,
    onError: over.reject,
  });
  const gone = work.status("gone");
  // As long as there is no connection there is nothing to hand back: either signal ends it.
  const signals = [options.drain, options.now].filter((signal) => signal !== undefined);
  const whenToLeave = signals.length > 0 ? AbortSignal.any(signals) : undefined;

  connection = await surroundings.connect(
    options.broker,
    {
      clientId: id,
      will: { topic: topics.status(id), payload: gone },
      subscriptions: [topics.control, topics.task(id)],
      patience: brokerPatience(),
      ...(whenToLeave !== undefined && { stop: whenToLeave }),
    },
    {
      onMessage(topic, payload) {
        debug("in", topic, payload);
        try {
          work.receive(topic, payload);
        } catch (error) {
          over.reject(error);
        }
      },
      onConnect(isFirst) {
        work.expectTasks();
        work.announce();
        if (isFirst) return;
        consola.info("connected to the broker again");
        // What was on its way when the connection broke counts as on its way for a while.
        clock.after(announceAgainAfter, work.announce);
      },
      onLost: () => consola.warn("connection to the broker lost, trying again"),
      onGivenUp: over.reject,
    },
  );
  // What came before the connection was in our hands.
  work.begin();
  work.announce();
  const stopNow = () => over.reject(new Interrupted());
  options.drain?.addEventListener("abort", work.drain);
  options.now?.addEventListener("abort", stopNow);
  if (options.now?.aborted) stopNow();
  else if (options.drain?.aborted) work.drain();
  const timers = [
    clock.every(heartbeatInterval(), work.announce),
    clock.every(idleCheck, () => {
      if (!connection.isConnected) work.expectTasks();
      work.endWhenIdle();
    }),
  ];

  try {
    const why = await over.promise;
    work.flush();
    return { fits: work.fits, failures: work.failures, why };
  } finally {
    for (const end of timers) end();
    options.drain?.removeEventListener("abort", work.drain);
    options.now?.removeEventListener("abort", stopNow);
    if (connection.isConnected) {
      publish(topics.status(id), gone);
      // Nothing stays behind on the broker.
      publish(topics.status(id), "", true);
    }
    await Promise.all([connection.close(), work.close()]);
  }
}

/** How this client starts its fit processes. */
function poolOf(
  options: ClientOptions,
  { clock, spawn }: ClientSurroundings,
): WorkOptions["openPool"] {
  const { fitCommand, workers, recoTimeout, photonTables, gcdDir } = options;
  return (control, startup, events) =>
    new FitPool({
      ...{ command: fitCommand, workers, ...events },
      recoTimeout: recoTimeout ?? control.recoTimeout,
      ...{ clock, spawn },
      setup: {
        startup,
        reco: control.reco,
        ...(control.seed !== null && { seed: control.seed }),
        isRealEvent: control.isRealEvent,
        miniTest: control.miniTest,
        ...(control.choice !== undefined && { choice: control.choice }),
        ...(control.experiments !== undefined && { experiments: control.experiments }),
        ...(photonTables !== undefined && { photonTables }),
        ...(gcdDir !== undefined && { gcdDir }),
      },
    });
}
