import { hostname } from "node:os";
import { consola } from "consola";
import type { Clock } from "../config/clock.ts";
import { InputError, MachineError, TimedOut } from "../config/errors.ts";
import { version } from "../config/version.ts";
import {
  type ClientStatus,
  Control,
  MalformedMessage,
  parseMessage,
  protocolVersion,
  type ResultMessage,
  type StartupData,
  TaskMessage,
} from "../mq/messages.ts";
import { partOfStartup, type Topics } from "../mq/topics.ts";

import { LeasedTasks } from "./leased_tasks.ts";
import { createOutbox } from "./outbox.ts";
import type { Pool, PoolOptions } from "./pool.ts";
import type { FitOutcome, Light } from "./protocol.ts";
import { createStartupParts } from "./startup_parts.ts";
import { tasksWanted } from "./tasks_wanted.ts";

/** What a client needs of the event. */
export type Startup = Pick<StartupData, "baseline_GCD_file" | "GCDQp_packet">;

export interface WorkOptions {
  readonly id: string;
  readonly topics: Topics;
  readonly workers: number;
  /** undefined: fetched over MQTT. */
  readonly startup?: Startup;
  /** How long to wait for work, s; undefined: as long as the server says. */
  readonly timeoutToClients?: number;
  /** Starts the fit processes. */
  readonly openPool: (
    control: Control,
    startup: Startup,
    events: Pick<PoolOptions, "onOutcome" | "onFatal">,
  ) => Pool;
  readonly publish: (topic: string, message: object, retain?: boolean) => void;
  /** Returns false as long as there is no connection to subscribe with. */
  readonly subscribe: (topics: readonly string[]) => boolean;
  readonly clock: Clock;
  /** Called once the work is over; with an error, when it cannot be done. */
  readonly onOver: (why: string) => void;
  readonly onError: (error: unknown) => void;
}

/** A client's work: the server's messages come in, fits are done, results go out. */
export interface Work {
  /** One message of the server. */
  receive(topic: string, payload: Uint8Array): void;
  /** Says what we want and what we hold, so that nothing that got lost on the way is waited for. */
  announce(): void;
  /** Fetches what is still missing of the start-up data, and begins when all of it is there. */
  begin(): void;
  /** Finishes what runs, hands back the rest. */
  drain(): void;
  /** Whatever kept work away has changed: patience begins anew. */
  expectTasks(): void;
  /** Ends when no work came for too long. To be called about once a second. */
  endWhenIdle(): void;
  /** Sends results that still wait for company. */
  flush(): void;
  status(state: ClientStatus["state"], holding?: number[]): ClientStatus;
  readonly fits: number;
  readonly failures: number;
  close(): Promise<void>;
}

/** Until the server has said how long to wait for work, s. */
const firstTimeout = 60;

export function createWork(options: WorkOptions): Work {
  const { id, topics, workers, publish, clock, onOver, onError } = options;
  const leased = new LeasedTasks();
  const parts = createStartupParts((numbers) => options.subscribe(numbers.map(topics.startup)));
  let { startup } = options;
  let control: Control | undefined;
  let pool: Pool | undefined;
  /** undefined: the first fit process is not ready yet. */
  let light: Light | null | undefined;
  let session = 0;
  let isDraining = false;
  let isClosed = false;
  let fits = 0;
  let failures = 0;
  let busyAt = clock.now();

  const wanted = () =>
    isDraining || pool === undefined ? 0 : tasksWanted(workers, pool.usualSeconds);
  const outbox = createOutbox(clock, (results, failed) => {
    const message: ResultMessage = {
      ...{ client: id, session, want: wanted(), results, failures: failed },
    };
    publish(topics.result, message);
  });
  const status: Work["status"] = (state, holding) => ({
    protocol: protocolVersion,
    state,
    version,
    host: hostname().slice(0, 255),
    workers,
    want: wanted(),
    light: light ?? null,
    session,
    ...(holding && { holding }),
  });
  const announce = () => {
    if (pool === undefined || light === undefined) return;
    const state = isDraining ? "draining" : "ready";
    publish(topics.status(id), status(state, leased.leases(session)), true);
  };
  const giveBack = () => {
    for (const task of pool?.takeBack() ?? []) leased.remove(task);
  };

  const onOutcome = (outcome: FitOutcome) => {
    const task = leased.remove(outcome.id);
    if (task === undefined) return;
    busyAt = clock.now();
    if (outcome.values === undefined) failures++;
    else fits++;
    outbox.add(task, outcome, pool?.size === 0);
    if (isDraining && pool?.size === 0) onOver("drained");
  };
  const begin = () => {
    // What is over needs no fit processes, though the event comes late.
    if (control?.state !== "open" || pool !== undefined || isClosed) return;
    startup ??= parts.collect(control.startup);
    if (startup === undefined) return;
    pool = options.openPool(control, startup, { onOutcome, onFatal: onError });
    consola.info(`${control.event}: ${control.reco}, ${workers} workers, client ${id}`);
    pool.ready.then(
      (opened) => {
        light = opened;
        busyAt = clock.now();
        if (opened) consola.debug(`light: ${opened.description}`);
        announce();
      },
      () => {},
    );
  };
  /** A restarted server hands everything out anew: what has not begun is not ours any more. */
  const enterSession = (next: number) => {
    if (next === session) return;
    session = next;
    giveBack();
    announce();
  };

  const onControl = (message: Control) => {
    if (message.protocol !== protocolVersion)
      throw new InputError(
        `the server (version ${message.version}) speaks protocol ${message.protocol}, this client (version ${version}) ${protocolVersion}`,
      );
    control = message;
    if (message.state !== "open") {
      onOver(message.state === "done" ? "the scan is done" : (message.reason ?? "failed"));
      return;
    }
    if (message.session > session) enterSession(message.session);
    begin();
  };
  const onTasks = (message: TaskMessage) => {
    if (message.refused !== undefined)
      throw new MachineError(`the server refuses this client: ${message.refused}`);
    // Left over in the broker from before the server's restart.
    if (message.session < session) return;
    enterSession(message.session);
    if (isDraining || pool === undefined) return;
    busyAt = clock.now();
    pool.submit(leased.add(message.tasks, session));
  };

  return {
    receive(topic, payload) {
      // A retained message taken away.
      if (payload.length === 0) return;
      try {
        const part = partOfStartup(topic);
        if (topic === topics.control) onControl(parseMessage(Control, payload));
        else if (topic === topics.task(id)) onTasks(parseMessage(TaskMessage, payload));
        else if (part !== undefined && startup === undefined) {
          parts.add(part, payload);
          begin();
        }
      } catch (error) {
        if (!(error instanceof MalformedMessage)) throw error;
        consola.warn(`malformed message on ${topic} ignored: ${error.message}`);
      }
    },
    announce,
    begin,
    drain() {
      if (isDraining) return;
      isDraining = true;
      consola.info(`finishing ${pool?.running().length ?? 0} fits, handing back the rest`);
      giveBack();
      announce();
      if (pool === undefined || pool.size === 0) onOver("drained");
    },
    expectTasks() {
      busyAt = clock.now();
    },
    endWhenIdle() {
      // Nobody is idle who still opens the event, or works.
      const isOpening = pool !== undefined && light === undefined;
      if (isOpening || (pool?.size ?? 0) > 0) busyAt = clock.now();
      const timeout = options.timeoutToClients ?? control?.timeoutToClients ?? firstTimeout;
      if (clock.now() - busyAt < timeout) return;
      if (fits + failures > 0) onOver(`no work for ${timeout} s`);
      else if (control === undefined)
        onError(new TimedOut(`no server found under this --mq-basename within ${timeout} s`));
      else onError(new TimedOut(`no work within ${timeout} s`));
    },
    flush: outbox.flush,
    status,
    get fits() {
      return fits;
    },
    get failures() {
      return failures;
    },
    async close() {
      isClosed = true;
      outbox.close();
      await pool?.close();
    },
  };
}
