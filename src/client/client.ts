import { hostname } from "node:os";
import { consola } from "consola";
import { brokerPatience, heartbeatInterval } from "../config/environment.ts";
import { InputError, Interrupted, TimedOut } from "../config/errors.ts";
import { version } from "../config/version.ts";
import type { BrokerAddress } from "../mq/address.ts";
import { type Connection, connect } from "../mq/connection.ts";
import {
  type ClientStatus,
  Control,
  type FailureEntry,
  MalformedMessage,
  maxBatch,
  parseMessage,
  protocolVersion,
  type ResultEntry,
  type ResultMessage,
  type StartupData,
  TaskMessage,
} from "../mq/messages.ts";
import { joinStartup } from "../mq/startup.ts";
import { newClientId, partOfStartup, topicsOf } from "../mq/topics.ts";
import { openDebug } from "./debug.ts";
import { createPool, type Pool } from "./pool.ts";
import type { FitOutcome, Light } from "./protocol.ts";

export interface ClientOptions {
  readonly basename: string;
  readonly broker: BrokerAddress;
  /** The event; undefined: fetched over MQTT. */
  readonly startup?: Pick<StartupData, "baseline_GCD_file" | "GCDQp_packet">;
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

/** Tasks in hand are worth this many seconds of work: longer than any round trip through a broker. */
const handSeconds = 1;
/** Fits longer than this are not kept waiting in hand at all, s: elsewhere they may run at once. */
const longFit = 5;
const mostPerWorker = 250;
/** Results wait this long for company, ms. */
const gather = 25;
const sendAt = 200;
/** After a reconnection what we hold is said again, s: longer than the server counts messages as on their way. */
const settle = 3;
/** Until the server has said how long to wait for work, s. */
const firstTimeout = 60;

interface InHand {
  readonly key: string;
  lease: number;
  session: number;
  readonly nside: number;
  readonly pixel: number;
  readonly posvar: number;
}

/**
 * Works for one scan until it is over, there is no more work, or it is told to stop.
 * Throws TimedOut when there never was work, BrokerError, InputError (this client cannot do the fits),
 * Interrupted when stopped at once.
 */
export async function runClient(options: ClientOptions): Promise<ClientOutcome> {
  const topics = topicsOf(options.basename);
  const id = newClientId();
  const debug = openDebug(options.debugDirectory);
  const inHand = new Map<number, InHand>();
  const byKey = new Map<string, number>();
  const startupParts = new Map<number, Uint8Array>();
  const over = Promise.withResolvers<string>();
  over.promise.catch(() => {});
  let connection: Connection | undefined;
  let control: Control | undefined;
  let startup = options.startup;
  let pool: Pool | undefined;
  let light: Light | null | undefined;
  let session = 0;
  let nextId = 1;
  let results: ResultEntry[] = [];
  let failures: FailureEntry[] = [];
  let gatherTimer: ReturnType<typeof setTimeout> | undefined;
  let isDraining = false;
  let subscribedParts = 0;
  let fitCount = 0;
  let failureCount = 0;
  let busyAt = performance.now();

  const want = (): number => {
    if (isDraining || pool === undefined) return 0;
    const usual = pool.usualSeconds;
    if (Number.isNaN(usual) || usual > longFit) return options.workers;
    return options.workers * (1 + Math.min(mostPerWorker, Math.ceil(handSeconds / usual)));
  };
  const publish = (topic: string, message: object | string, retain = false) => {
    if (options.debugDirectory !== undefined)
      debug("out", topic, typeof message === "string" ? message : JSON.stringify(message));
    connection?.publish(topic, message, { retain });
  };
  const statusMessage = (state: ClientStatus["state"], holding?: number[]): ClientStatus => ({
    protocol: protocolVersion,
    state,
    version,
    host: hostname().slice(0, 255),
    workers: options.workers,
    want: want(),
    light: light ?? null,
    session,
    ...(holding && { holding }),
  });
  const leasesInHand = () =>
    [...inHand.values()].filter((task) => task.session === session).map((task) => task.lease);
  /** Says what we want and what we hold, so that nothing that got lost on the way is waited for. */
  const announce = () => {
    if (pool === undefined || light === undefined || connection === undefined) return;
    const state = isDraining ? "draining" : "ready";
    publish(topics.status(id), statusMessage(state, leasesInHand()), true);
  };
  const sendResults = () => {
    clearTimeout(gatherTimer);
    gatherTimer = undefined;
    while (results.length + failures.length > 0) {
      const message: ResultMessage = {
        client: id,
        session,
        want: want(),
        results: results.slice(0, maxBatch),
        failures: failures.slice(0, maxBatch),
      };
      results = results.slice(maxBatch);
      failures = failures.slice(maxBatch);
      publish(topics.result, message);
    }
  };
  const gatherResults = () => {
    if (results.length + failures.length >= sendAt || pool?.size === 0) sendResults();
    else gatherTimer ??= setTimeout(sendResults, gather);
  };

  const onOutcome = (outcome: FitOutcome) => {
    const task = inHand.get(outcome.id);
    if (task === undefined) return;
    inHand.delete(outcome.id);
    byKey.delete(task.key);
    busyAt = performance.now();
    const { lease, nside, pixel, posvar } = task;
    if (outcome.values === undefined) {
      failureCount++;
      const reason = outcome.reason ?? "failed";
      failures.push([lease, nside, pixel, posvar, reason.slice(0, 500), outcome.seconds]);
    } else {
      fitCount++;
      const [llh, x, y, z, time, energy, eIn, eTot] = outcome.values;
      const reason = outcome.reason?.slice(0, 500) ?? null;
      const { seconds, evaluations } = outcome;
      results.push([
        ...[lease, nside, pixel, posvar, llh, x, y, z, time, energy, eIn, eTot],
        seconds,
        evaluations,
        reason,
      ] as unknown as ResultEntry);
    }
    gatherResults();
    if (isDraining && pool?.size === 0) over.resolve("drained");
  };

  /** A restarted server hands everything out anew: what has not begun is not ours any more. */
  const enterSession = (next: number) => {
    if (next === session) return;
    session = next;
    for (const taskId of pool?.takeBack() ?? []) forget(taskId);
    announce();
  };
  const forget = (taskId: number) => {
    const task = inHand.get(taskId);
    inHand.delete(taskId);
    if (task) byKey.delete(task.key);
  };

  const startPool = () => {
    if (pool !== undefined || control === undefined || startup === undefined) return;
    pool = createPool({
      command: options.fitCommand,
      workers: options.workers,
      recoTimeout: options.recoTimeout ?? control.recoTimeout,
      setup: {
        startup,
        reco: control.reco,
        ...(control.seed !== null && { seed: control.seed }),
        isRealEvent: control.isRealEvent,
        miniTest: control.miniTest,
        ...(options.photonTables !== undefined && { photonTables: options.photonTables }),
        ...(options.gcdDir !== undefined && { gcdDir: options.gcdDir }),
      },
      onOutcome,
      onFatal: (error) => over.reject(error),
    });
    consola.info(`${control.event}: ${control.reco}, ${options.workers} workers, client ${id}`);
    pool.ready.then(
      (opened) => {
        light = opened;
        busyAt = performance.now();
        if (opened) consola.debug(`light: ${opened.description}`);
        announce();
      },
      () => {},
    );
  };

  const onControl = (message: Control) => {
    if (message.protocol !== protocolVersion) {
      over.reject(
        new InputError(
          `the server (version ${message.version}) speaks protocol ${message.protocol}, this client (version ${version}) ${protocolVersion}`,
        ),
      );
      return;
    }
    control = message;
    if (message.state !== "open") {
      over.resolve(message.state === "done" ? "the scan is done" : (message.reason ?? "failed"));
      return;
    }
    if (message.session > session) enterSession(message.session);
    fetchStartup();
  };
  const fetchStartup = () => {
    if (startup === undefined && control !== undefined) {
      // Part by part: RabbitMQ gives what is retained to subscriptions without wildcards only.
      const known = subscribedParts;
      const fresh = Array.from(
        { length: Math.max(0, control.startup.parts - known) },
        (_, n) => known + n,
      );
      if (fresh.length > 0 && connection !== undefined) {
        subscribedParts = control.startup.parts;
        connection.subscribe(fresh.map((part) => topics.startup(part)));
      }
      startup = joinStartup(startupParts, control.startup);
      if (startup !== undefined) startupParts.clear();
    }
    startPool();
  };
  const onTasks = (message: TaskMessage) => {
    if (message.refused !== undefined) {
      over.reject(new InputError(`the server refuses this client: ${message.refused}`));
      return;
    }
    // Left over in the broker from before the server's restart.
    if (message.session < session) return;
    enterSession(message.session);
    if (isDraining || pool === undefined) return;
    busyAt = performance.now();
    const fresh = [];
    for (const [lease, nside, pixel, posvar, parent] of message.tasks) {
      const key = `${nside}/${pixel}/${posvar}`;
      const known = byKey.get(key);
      if (known !== undefined) {
        Object.assign(inHand.get(known)!, { lease, session });
        continue;
      }
      const taskId = nextId++;
      inHand.set(taskId, { key, lease, session, nside, pixel, posvar });
      byKey.set(key, taskId);
      fresh.push({ id: taskId, nside, pixel, posvar, parent });
    }
    pool.submit(fresh);
  };

  const onMessage = (topic: string, payload: Uint8Array) => {
    try {
      debug("in", topic, payload);
      const part = partOfStartup(topic);
      if (payload.length === 0) return;
      if (topic === topics.control) onControl(parseMessage(Control, payload));
      else if (topic === topics.task(id)) onTasks(parseMessage(TaskMessage, payload));
      else if (part !== undefined && startup === undefined) {
        startupParts.set(part, payload.slice());
        fetchStartup();
      }
    } catch (error) {
      if (error instanceof MalformedMessage)
        consola.warn(`malformed message on ${topic} ignored: ${error.message}`);
      else over.reject(error);
    }
  };

  const drain = () => {
    if (isDraining) return;
    isDraining = true;
    consola.info(`finishing ${pool?.running().length ?? 0} fits, handing back the rest`);
    for (const taskId of pool?.takeBack() ?? []) forget(taskId);
    announce();
    if (pool === undefined || pool.size === 0) over.resolve("drained");
  };
  const stopNow = () => over.reject(new Interrupted());

  const gone = statusMessage("gone");
  connection = await connect(
    options.broker,
    {
      clientId: id,
      will: { topic: topics.status(id), payload: gone },
      subscriptions: [topics.control, topics.task(id)],
      patience: brokerPatience(),
    },
    {
      onMessage,
      onConnect: (isFirst) => {
        busyAt = performance.now();
        if (!isFirst) consola.info("connected to the broker again");
        announce();
        // What was on its way when the connection broke counts as on its way for a while.
        if (!isFirst) setTimeout(announce, settle * 1000);
      },
      onLost: () => consola.warn("connection to the broker lost, trying again"),
      onGivenUp: (error) => over.reject(error),
    },
  );
  // What came before the connection was in our hands.
  fetchStartup();
  announce();
  options.drain?.addEventListener("abort", drain);
  options.now?.addEventListener("abort", stopNow);
  if (options.now?.aborted) stopNow();
  else if (options.drain?.aborted) drain();

  const heartbeat = setInterval(() => announce(), heartbeatInterval() * 1000);
  const idleCheck = setInterval(() => {
    const timeout = options.timeoutToClients ?? control?.timeoutToClients ?? firstTimeout;
    // Nobody is idle who still opens the event, works, or has lost the broker.
    const isOpening = pool !== undefined && light === undefined;
    if (isOpening || (pool?.size ?? 0) > 0 || connection?.isConnected === false)
      busyAt = performance.now();
    if ((performance.now() - busyAt) / 1000 < timeout) return;
    if (fitCount + failureCount > 0) over.resolve(`no work for ${timeout} s`);
    else if (control === undefined)
      over.reject(new TimedOut(`no server found under this --mq-basename within ${timeout} s`));
    else over.reject(new TimedOut(`no work within ${timeout} s`));
  }, 500);

  try {
    const why = await over.promise;
    sendResults();
    return { fits: fitCount, failures: failureCount, why };
  } finally {
    clearInterval(heartbeat);
    clearInterval(idleCheck);
    clearTimeout(gatherTimer);
    options.drain?.removeEventListener("abort", drain);
    options.now?.removeEventListener("abort", stopNow);
    if (connection.isConnected) {
      publish(topics.status(id), gone);
      // Nothing stays behind on the broker.
      publish(topics.status(id), "", true);
    }
    await Promise.all([connection.close(), pool?.close()]);
  }
}
