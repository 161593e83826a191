import { hostname } from "node:os";
import { consola } from "consola";
import type { Clock } from "../config/clock.ts";
import { InputError, MachineError, TimedOut } from "../config/errors.ts";
import { version } from "../config/version.ts";
import type { Payload } from "../mq/connection.ts";
import {
  batchWithin,
  type ClientStatus,
  Control,
  leasesWithin,
  longestText,
  MalformedMessage,
  parseMessage,
  protocolVersion,
  type ResultMessage,
  type StartupData,
  TaskMessage,
} from "../mq/messages.ts";
import { partOfStartup, type Topics } from "../mq/topics.ts";

import { LeasedTasks } from "./leased_tasks.ts";
import { createOutbox, type Outbox } from "./outbox.ts";
import type { Pool, PoolOptions } from "./pool.ts";
import type { FitOutcome, Light } from "./protocol.ts";
import { createStartupParts, type StartupParts } from "./startup_parts.ts";
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

/** Fits that run when the client is told to end may take so long, s: batch systems kill soon after asking. */
const drainPatience = 4;
/** Until the server has said how long to wait for work, s. */
const firstTimeout = 60;

/** A client's work: the server's messages come in, fits are done, results go out. */
export class Work {
  readonly #options: WorkOptions;
  readonly #leased = new LeasedTasks();
  readonly #parts: StartupParts;
  readonly #outbox: Outbox;
  #startup: Startup | undefined;
  #control: Control | undefined;
  #pool: Pool | undefined;
  /** undefined: the first fit process is not ready yet. */
  #light: Light | null | undefined;
  /** The server's, whose leases are ours. */
  #session = 0;
  #isDraining = false;
  #isClosed = false;
  #fits = 0;
  #failures = 0;
  /** When there was work last, by the clock. */
  #busyAt: number;

  constructor(options: WorkOptions) {
    const { id, topics, clock, publish, subscribe, startup } = options;
    this.#options = options;
    this.#startup = startup;
    this.#busyAt = clock.now();
    this.#parts = createStartupParts((numbers) => subscribe(numbers.map(topics.startup)));
    this.#outbox = createOutbox(
      clock,
      (results, failures) => {
        const about = { client: id, session: this.#session, want: this.#wanted };
        publish(topics.result, { ...about, results, failures } satisfies ResultMessage);
      },
      () => batchWithin(this.#control?.longestMessage),
    );
  }

  get fits(): number {
    return this.#fits;
  }

  get failures(): number {
    return this.#failures;
  }

  status(state: ClientStatus["state"], holding?: number[]): ClientStatus {
    return {
      protocol: protocolVersion,
      state,
      version,
      host: hostname().slice(0, 255),
      workers: this.#options.workers,
      want: this.#wanted,
      light: this.#light
        ? { ...this.#light, description: this.#light.description.slice(0, longestText) }
        : null,
      session: this.#session,
      ...(holding && { holding }),
    };
  }

  /** One message of the server. */
  receive(topic: string, payload: Payload): void {
    const { id, topics } = this.#options;
    // A retained message taken away.
    if (payload.length === 0) return;
    try {
      const part = partOfStartup(topic);
      if (topic === topics.control) this.#receiveControl(parseMessage(Control, payload));
      else if (topic === topics.task(id)) this.#receiveTasks(parseMessage(TaskMessage, payload));
      else if (part !== undefined && this.#startup === undefined && payload instanceof Uint8Array) {
        this.#parts.add(part, payload);
        this.begin();
      }
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      consola.warn(`malformed message on ${topic} ignored: ${error.message}`);
    }
  }

  /** Says what we want and what we hold, so that nothing that got lost on the way is waited for. */
  readonly announce = (): void => {
    if (this.#pool === undefined || this.#light === undefined) return;
    const { id, topics, publish } = this.#options;
    const state = this.#isDraining ? "draining" : "ready";
    publish(topics.status(id), this.status(state, this.#leased.leases(this.#session)), true);
  };

  /** Fetches what is still missing of the start-up data, and begins when all of it is there. */
  begin(): void {
    const { id, workers, openPool, onError } = this.#options;
    const control = this.#control;
    // What is over needs no fit processes, though the event comes late.
    if (control?.state !== "open" || this.#pool !== undefined || this.#isClosed) return;
    this.#startup ??= this.#parts.collect(control.startup);
    if (this.#startup === undefined) return;
    this.#pool = openPool(control, this.#startup, {
      onOutcome: (outcome) => this.#receiveOutcome(outcome),
      onFatal: onError,
    });
    consola.info(`${control.event}: ${control.reco}, ${workers} workers, client ${id}`);
    this.#pool.ready.then(
      (light) => {
        this.#light = light;
        this.expectTasks();
        if (light) consola.debug(`light: ${light.description}`);
        this.announce();
      },
      () => {},
    );
  }

  /** Finishes what runs, hands back the rest. */
  readonly drain = (): void => {
    if (this.#isDraining) return;
    this.#isDraining = true;
    const running = this.#pool?.running().length ?? 0;
    consola.info(`finishing ${running} fits, handing back the rest`);
    const { clock, onOver } = this.#options;
    clock.after(drainPatience, () => onOver("drained; what still ran goes to others"));
    this.#giveBack();
    this.announce();
    if (this.#pool === undefined || this.#pool.size === 0) onOver("drained");
  };

  /** Whatever kept work away has changed: patience begins anew. */
  expectTasks(): void {
    this.#busyAt = this.#options.clock.now();
  }

  /** Ends when no work came for too long. To be called about once a second. */
  endWhenIdle(): void {
    const { clock, timeoutToClients, onOver, onError } = this.#options;
    // Nobody is idle who still opens the event, or works.
    const isOpening = this.#pool !== undefined && this.#light === undefined;
    if (isOpening || (this.#pool?.size ?? 0) > 0) this.expectTasks();
    const timeout = timeoutToClients ?? this.#control?.timeoutToClients ?? firstTimeout;
    if (clock.now() - this.#busyAt < timeout) return;
    if (this.#fits + this.#failures > 0) onOver(`no work for ${timeout} s`);
    else if (this.#control === undefined)
      onError(new TimedOut(`no server found under this --mq-basename within ${timeout} s`));
    else onError(new TimedOut(`no work within ${timeout} s`));
  }

  /** Sends results that still wait for company. */
  flush(): void {
    this.#outbox.flush();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#outbox.close();
    await this.#pool?.close();
  }

  get #wanted(): number {
    if (this.#isDraining || this.#pool === undefined) return 0;
    const wanted = tasksWanted(this.#options.workers, this.#pool.usualSeconds);
    // What is held is named in the status, which must pass as well.
    return Math.min(wanted, leasesWithin(this.#control?.longestMessage));
  }

  #receiveControl(control: Control): void {
    if (control.protocol !== protocolVersion)
      throw new InputError(
        `the server (version ${control.version}) speaks protocol ${control.protocol}, this client (version ${version}) ${protocolVersion}`,
      );
    const { longestMessage } = control;
    if (longestMessage !== undefined && this.#control === undefined)
      consola.warn(
        `the broker refuses messages of more than ${longestMessage} bytes: ours are made shorter`,
      );
    this.#control = control;
    if (control.state !== "open") {
      const what = control.experiments === undefined ? "scan" : "calibration";
      const why = control.state === "done" ? `the ${what} is done` : (control.reason ?? "failed");
      this.#options.onOver(why);
      return;
    }
    if (control.session > this.#session) this.#enterSession(control.session);
    this.begin();
  }

  #receiveTasks(message: TaskMessage): void {
    if (message.refused !== undefined)
      throw new MachineError(`the server refuses this client: ${message.refused}`);
    // Left over in the broker from before the server's restart.
    if (message.session < this.#session) return;
    this.#enterSession(message.session);
    if (this.#isDraining || this.#pool === undefined) return;
    this.expectTasks();
    this.#pool.submit(this.#leased.add(message.tasks, this.#session));
  }

  #receiveOutcome(outcome: FitOutcome): void {
    const task = this.#leased.remove(outcome.id);
    if (task === undefined) return;
    this.expectTasks();
    const fits = task.round === 0 ? task.count : 0;
    if (outcome.values === undefined) this.#failures += fits;
    else this.#fits += fits;
    const { size = 0, usualSeconds = Number.NaN } = this.#pool ?? {};
    this.#outbox.add(task, outcome, (size * usualSeconds) / this.#options.workers);
    if (this.#isDraining && size === 0) this.#options.onOver("drained");
  }

  /** A restarted server hands everything out anew: what has not begun is not ours any more. */
  #enterSession(next: number): void {
    if (next === this.#session) return;
    this.#session = next;
    this.#giveBack();
    this.announce();
  }

  #giveBack(): void {
    for (const id of this.#pool?.takeBack() ?? []) this.#leased.remove(id);
  }
}
