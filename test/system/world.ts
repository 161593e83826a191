import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runClient } from "../../src/client/client.ts";
import type { SpawnFitProcess } from "../../src/client/pool.ts";
import type { FitOutcome, FitTask } from "../../src/client/protocol.ts";
import { Interrupted } from "../../src/config/errors.ts";
import { randomIntegers, uniformNumbers } from "../../src/config/random.ts";
import {
  parseMessage,
  protocolVersion,
  ResultMessage,
  type TaskEntry,
  type TaskMessage,
} from "../../src/mq/messages.ts";
import { topicsOf } from "../../src/mq/topics.ts";
import { fitValues } from "../../src/scan/fit_values.ts";
import { passedOn } from "../../src/scan/minima.ts";
import type { PixelResult, Task } from "../../src/scan/task.ts";
import { type ScanPlan, startScan } from "../../src/server/plan.ts";
import { runServer, type ServerOutcome } from "../../src/server/server.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { SimulatedNetwork, type Weather } from "./network.ts";
import { SimulatedProcess } from "./process.ts";
import { VirtualTime } from "./virtual_time.ts";

/** What a world is like. All times in s. */
export interface Conditions {
  readonly weather: Weather;
  /** Mean time of a fit. */
  readonly fit: number;
  readonly workers: number;
  readonly honest: number;
  /** Clients on broken machines: every fit fails at once. */
  readonly broken: number;
  /** Clients that take all they can get, say that they live, and do nothing. */
  readonly hoarders: number;
  /** Clients that make things up, also in others' names. */
  readonly liars: number;
  /** Share of fits whose process crashes, or hangs; never the same fit more than twice. */
  readonly crashes: number;
  /** Mean times between two such events in the whole world; Infinity: never. */
  readonly betweenKills: number;
  readonly betweenPauses: number;
  readonly betweenServerKills: number;
  readonly betweenBrokerRestarts: number;
  readonly betweenFullDisks: number;
  /** Of a server; a client's is no longer than a quarter of an hour. */
  readonly longestPause: number;
  /** When the server's machine sleeps for an hour and more; Infinity: never. */
  readonly sleepAt: number;
  /** When everybody is asked to stop; Infinity: never. */
  readonly stopAt: number;
}

/** How a world went. */
export interface Course {
  /** When the scan was complete, s; NaN: stopped before. */
  readonly seconds: number;
  readonly events: number;
  readonly outcome: ServerOutcome | undefined;
  readonly serverStarts: number;
}

/** A rule that must never be broken was. */
export class Broken extends Error {}

const never = Number.POSITIVE_INFINITY;
const calm: Conditions = {
  weather: { delay: [0.001, 0.02], betweenBreaks: never, away: [0.5, 5] },
  ...{ fit: 0.2, workers: 2, honest: 3, broken: 0, hoarders: 0, liars: 0, crashes: 0 },
  ...{ betweenKills: never, betweenPauses: never, betweenServerKills: never },
  ...{ betweenBrokerRestarts: never, betweenFullDisks: never, longestPause: 0, sleepAt: never },
  stopAt: never,
};

/** Conditions drawn by a seed: each trouble is there in some worlds and away in others. */
export function conditionsOf(seed: number): Conditions {
  const random = uniformNumbers(seed, 1);
  const oneIn = (n: number) => random() < 1 / n;
  const between = (least: number, most: number) => least * (most / least) ** random();
  return {
    weather: {
      delay: [0.0005, between(0.002, 0.5)],
      betweenBreaks: oneIn(2) ? between(5, 200) : never,
      away: [0.1, between(0.5, 20)],
    },
    fit: between(0.005, 5),
    workers: 1 + Math.floor(4 * random()),
    honest: 1 + Math.floor(5 * random()),
    broken: oneIn(3) ? 1 + Math.floor(6 * random()) : 0,
    hoarders: oneIn(4) ? 1 : 0,
    liars: oneIn(3) ? 1 : 0,
    crashes: oneIn(3) ? between(0.001, 0.1) : 0,
    betweenKills: oneIn(3) ? between(10, 100) : never,
    betweenPauses: oneIn(4) ? between(20, 200) : never,
    betweenServerKills: oneIn(4) ? between(10, 100) : never,
    betweenBrokerRestarts: oneIn(5) ? between(20, 200) : never,
    betweenFullDisks: oneIn(5) ? between(20, 200) : never,
    longestPause: between(1, 4000),
    sleepAt: oneIn(20) ? between(0.1, 5) : never,
    stopAt: oneIn(6) ? between(0.01, 60) : never,
  };
}

type WireTask = Omit<FitTask, "id">;

/** A fit's llh and values: of the pixel, its parent and where it starts alone, as they must be. */
function fitOf(task: WireTask, posvar: number) {
  const next = randomIntegers(
    ...[task.nside, task.pixel, posvar, task.round],
    Math.round((task.parent?.[3] ?? 0) * 1e3),
    ...(task.starts ?? []).flat().map((number) => Math.round(100 * (number ?? 7))),
  );
  const number = () => (next() % 1_000_000) / 1000;
  const nan = Number.NaN;
  return [number(), number(), number(), number(), number(), nan, nan, nan] as const;
}

/** The best of a task's fits, and minima that its neighbours start from. */
function answerOf(
  task: WireTask,
): Pick<Required<FitOutcome>, "values"> & Pick<FitOutcome, "minima" | "direction"> {
  const fits = Array.from({ length: task.count }, (_, n) => fitOf(task, task.posvar + n));
  const values = fits.reduce((best, fit) => (fit[0] < best[0] ? fit : best));
  const [llh, x, y, z] = values;
  if (task.free !== null)
    return { values, direction: { ra: llh / 1000, dec: 0, ee: 1e-4, en: 0, nn: 1e-4 } };
  return {
    values,
    minima: passedOn([
      [x, y, z, llh],
      [y, z, x, llh + 1],
    ]),
  };
}

/** A map as text, to compare it with another to the last bit. */
export const mapText = (map: ReadonlyMap<number, readonly PixelResult[]>): string =>
  JSON.stringify(
    [...map].map(([nside, pixels]) => [nside, pixels.map(({ pixel, llh, x }) => [pixel, llh, x])]),
  );

/** The map of a world without trouble. */
export function undisturbed(plan: ScanPlan): ReadonlyMap<number, readonly PixelResult[]> {
  const scan = startScan(plan);
  const tasks = scan.start();
  let looks = 0;
  for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) {
    const { parent: p, starts = null, free = null, count = 1, round = 0, ...pixel } = task;
    const parent: FitTask["parent"] =
      p && !Number.isNaN(p.llh) ? [p.x, p.y, p.z, p.time, p.energy] : null;
    if (round > 0) looks++;
    const { values, ...found } = answerOf({ ...pixel, count, round, parent, starts, free });
    const fit = fitValues((_, at) => values[at]!);
    tasks.push(...scan.add({ ...pixel, count, round, ...fit, ...found }));
  }
  if (plan.reco.freeStarts !== undefined && scan.freeFit?.direction === undefined)
    throw new Error("no direction of this plan is left free");
  if (plan.reco.flood && looks === 0) throw new Error("no pixel of this plan is looked at again");
  return scan.pixels();
}

const address = { protocol: "mqtt", host: "simulated", port: 1883, path: "/" } as const;
const diskFull = "disk full";
/** A client or server that was told to stop has ended by then, s. */
const deadline = 10;
/**
 * Whatever happens, no scan of this size takes longer, s; with a server that sleeps most of the time, so many times longer
 * as it sleeps than wakes (one of five processes or so is chosen at a time).
 */
const tooLong = ({ longestPause, betweenPauses }: Conditions): number =>
  50_000 * (1 + longestPause / 2 / (5 * betweenPauses));
/** A server's patience with its clients, and theirs with it, s. */
const patience = 1800;
const longestClientPause = 900;

/**
 * Lets a world run until its scan is over: the real server and clients under virtual time, on a simulated
 * network, disk and fit processes. The same seed and conditions give the same course.
 * @throws Broken when a rule was broken
 */
export async function live(
  plan: ScanPlan,
  seed: number,
  conditions: Partial<Conditions> = conditionsOf(seed),
): Promise<Course> {
  const world = new World(plan, seed, { ...calm, ...conditions });
  try {
    return await world.run();
  } finally {
    world.close();
  }
}

class World {
  readonly #plan: ScanPlan;
  readonly #is: Conditions;
  readonly #random: () => number;
  readonly #time = new VirtualTime();
  readonly #network: SimulatedNetwork;
  readonly #folder: string;
  readonly #clients = new Map<SimulatedProcess, AbortController>();
  readonly #fitsOf = new Map<SimulatedProcess, SimulatedProcess[]>();
  readonly #crashesOf = new Map<string, number>();
  readonly #stop = new AbortController();
  #server: { process: SimulatedProcess; store: Store | undefined } | undefined;
  #serverStarts = 0;
  #basename: string | undefined;
  #isDiskFull = false;
  #ids = 0;
  #outcome: ServerOutcome | undefined;
  #doneAt = Number.NaN;
  #failure: unknown;
  #running = 0;

  constructor(plan: ScanPlan, seed: number, conditions: Conditions) {
    this.#plan = plan;
    this.#is = conditions;
    this.#random = uniformNumbers(seed, 2);
    this.#network = new SimulatedNetwork(this.#time, this.#random, conditions.weather);
    this.#folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "world-"));
  }

  close(): void {
    this.#server?.store?.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async run(): Promise<Course> {
    const is = this.#is;
    this.#startServer();
    for (let n = 0; n < is.honest; n++) this.#comes(2, () => this.#startClient(false));
    for (let n = 0; n < is.broken; n++) this.#comes(2, () => this.#startClient(true));
    for (let n = 0; n < is.hoarders; n++) this.#comes(2, () => this.#startHoarder());
    for (let n = 0; n < is.liars; n++) this.#comes(2, () => this.#startLiar());
    this.#nowAndThen(is.betweenKills, () => this.#killAClient());
    this.#nowAndThen(is.betweenPauses, () => this.#pauseSomebody());
    this.#nowAndThen(is.betweenServerKills, () => this.#killServer());
    this.#nowAndThen(is.betweenBrokerRestarts, () => this.#network.restart());
    this.#nowAndThen(is.betweenFullDisks, () => this.#fillDisk());
    if (is.sleepAt < never)
      this.#time.after(is.sleepAt, () => this.#server?.process.pause(3 * patience));
    if (is.stopAt < never) this.#time.after(is.stopAt, () => this.#stopAll());

    let events = 0;
    while (!this.#isOver) {
      if (!this.#time.step(tooLong(is))) throw new Broken(this.#where("the scan never ends"));
      events++;
      await microtasks();
      if (this.#failure !== undefined) throw this.#failure;
    }
    return {
      seconds: this.#doneAt,
      events,
      outcome: this.#outcome,
      serverStarts: this.#serverStarts,
    };
  }

  /** The scan is done, or was stopped, and everybody has gone home. */
  get #isOver(): boolean {
    const isStopped = this.#stop.signal.aborted && this.#server === undefined;
    return (this.#outcome !== undefined || isStopped) && this.#running === 0;
  }

  #where(what: string): string {
    return `${what} (at ${this.#time.now.toFixed(3)} s)`;
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
  }

  #comes(within: number, who: () => void): void {
    this.#time.after(within * this.#random(), who);
  }

  /** Trouble that comes at random times, as long as the scan runs. */
  #nowAndThen(mean: number, what: () => void): void {
    if (mean === never) return;
    this.#time.after(-Math.log(this.#random()) * mean, () => {
      if (this.#outcome !== undefined || this.#stop.signal.aborted) return;
      what();
      this.#nowAndThen(mean, what);
    });
  }

  /** Watches a program to its end. */
  #watch<T>(process: SimulatedProcess, program: Promise<T>, ended: (how: T | Error) => void): void {
    this.#running++;
    const over = (how: T | Error) => {
      if (process.isDead) return;
      this.#running--;
      process.kill();
      try {
        ended(how);
      } catch (error) {
        this.#fail(error);
      }
    };
    program.then(over, over);
  }

  #kill(process: SimulatedProcess): void {
    if (process.isDead) return;
    this.#running--;
    process.kill();
    this.#network.killed(process);
  }

  #startServer(): void {
    if (this.#stop.signal.aborted || this.#outcome !== undefined) return;
    this.#serverStarts++;
    const process = new SimulatedProcess(this.#time);
    const server = { process, store: undefined as Store | undefined };
    this.#server = server;
    const program = runServer(
      this.#plan,
      {
        ...{ broker: address, outputDir: "/out", cacheDir: this.#folder },
        ...{ timeoutToClients: 60, timeoutFromClients: patience, recoTimeout: 60, maxFailures: 3 },
        stop: this.#stop.signal,
        onOpen: (basename) => {
          this.#basename ??= basename;
          if (this.#basename !== basename) this.#fail(new Broken("the scan's name changed"));
        },
      },
      {
        clock: process.clock(),
        connect: this.#network.connectFor(process),
        examine: async () => undefined,
        openStore: (path, identity) => {
          server.store = this.#disk(openStore(path, identity));
          return server.store;
        },
        write: async () => {
          if (this.#isDiskFull) throw new Error(diskFull);
        },
        newSecret: () => `secret${this.#ids++}`,
      },
    );
    this.#watch(process, program, (how) => {
      this.#server = undefined;
      if (!(how instanceof Error)) {
        this.#outcome = how;
        this.#doneAt = this.#time.now;
        this.#wakeAll();
        this.#time.after(200, () => {
          if (this.#running === 0) return;
          // A broker that forgot what it was told leaves clients to their own patience.
          if (this.#is.betweenBrokerRestarts < never) this.#stopAll();
          else this.#fail(new Broken(this.#where("clients stay after the end")));
        });
        return;
      }
      // Whoever runs servers starts them again; but no other reason is good enough to end.
      if (!(how instanceof Interrupted || how.message === diskFull)) this.#fail(how);
      this.#time.after(5, () => this.#startServer());
    });
  }

  /** A store on a disk that can be full. */
  #disk(store: Store): Store {
    return {
      ...store,
      get count() {
        return store.count;
      },
      append: (results) => {
        if (this.#isDiskFull) throw new Error(diskFull);
        for (const { nside, pixel, llh } of results) {
          if (!(pixel < 12 * nside ** 2)) throw new Broken(this.#where(`pixel ${pixel} is stored`));
          if (Number.isNaN(llh))
            throw new Broken(this.#where("a fit is given up beside sound clients"));
        }
        store.append(results);
      },
      results: () => store.results(),
    };
  }

  #killServer(): void {
    const server = this.#server;
    if (server === undefined) return;
    this.#kill(server.process);
    server.store?.close();
    this.#server = undefined;
    this.#time.after(1 + 10 * this.#random(), () => this.#startServer());
  }

  #startClient(isBroken: boolean): void {
    if (this.#stop.signal.aborted || this.#outcome !== undefined) return;
    if (this.#basename === undefined) {
      this.#comes(1, () => this.#startClient(isBroken));
      return;
    }
    const process = new SimulatedProcess(this.#time);
    const drain = new AbortController();
    this.#clients.set(process, drain);
    const program = runClient(
      {
        ...{ basename: this.#basename, broker: address, workers: this.#is.workers },
        ...{ fitCommand: [], timeoutToClients: 10 * patience },
        drain: AbortSignal.any([drain.signal, this.#stop.signal]),
      },
      {
        clock: process.clock(),
        connect: this.#network.connectFor(process),
        spawn: this.#fits(process, isBroken),
        newId: () => `${isBroken ? "broken" : "honest"}${this.#ids++}`,
      },
    );
    this.#watch(process, program, (how) => {
      this.#clients.delete(process);
      if (this.#fitsOf.get(process)?.some((fits) => !fits.isDead))
        throw new Broken(this.#where("fit processes outlive their client"));
      const isAsked = this.#stop.signal.aborted || this.#outcome !== undefined;
      if (!(how instanceof Error) || isAsked || isBroken) return;
      // A forged status made the server refuse an honest client: whoever runs clients starts another.
      if (this.#is.liars > 0 && /refuses this client/.test(how.message))
        this.#comes(5, () => this.#startClient(false));
      else this.#fail(how);
    });
  }

  /** Fit processes of one client. */
  #fits(client: SimulatedProcess, isBroken: boolean): SpawnFitProcess {
    return (_command, onMessage) => {
      const exited = Promise.withResolvers<string>();
      const process = new SimulatedProcess(this.#time);
      this.#fitsOf.set(client, [...(this.#fitsOf.get(client) ?? []), process]);
      const tell = (message: Parameters<typeof onMessage>[0]) =>
        client.run(() => onMessage(message));
      const end = (how: string) => {
        if (process.isDead) return;
        process.kill();
        client.run(() => exited.resolve(how));
      };
      const waiting: FitTask[] = [];
      let isBusy = false;
      const next = () => {
        const task = waiting.shift();
        isBusy = task !== undefined;
        if (task === undefined) return;
        const fate = isBroken ? "broken" : this.#fateOf(task);
        if (fate === "hangs") return;
        const fits = task.round > 0 ? 1 : task.count;
        const seconds = isBroken ? 0.01 : this.#is.fit * fits * (0.5 + this.#random());
        process.after(seconds, () => {
          if (fate === "crashes" || (isBroken && this.#random() < 0.5)) return end("SIGILL");
          const outcome: FitOutcome = isBroken
            ? { id: task.id, evaluations: 0, seconds, reason: "no such library" }
            : { id: task.id, ...answerOf(task), evaluations: 10, seconds };
          tell({ kind: "done", outcomes: [outcome] });
          next();
        });
      };
      return {
        pid: 0,
        send: (message) => {
          if (process.isDead) throw new Error("dead");
          if (message.kind === "open")
            process.after(0.1 + this.#random(), () => tell({ kind: "ready", light: null }));
          else if (message.kind === "fit") {
            waiting.push(...message.tasks);
            if (!isBusy) next();
          }
        },
        kill: () => end("SIGKILL"),
        exited: exited.promise,
      };
    };
  }

  #fateOf({ nside, pixel, posvar }: Task): "succeeds" | "crashes" | "hangs" {
    if (this.#random() >= this.#is.crashes) return "succeeds";
    const key = `${nside}/${pixel}/${posvar}`;
    const before = this.#crashesOf.get(key) ?? 0;
    if (before >= 2) return "succeeds";
    this.#crashesOf.set(key, before + 1);
    return this.#random() < 0.2 ? "hangs" : "crashes";
  }

  #killAClient(): void {
    const all = [...this.#clients.keys()];
    const process = all[Math.floor(this.#random() * all.length)];
    if (process === undefined) return;
    this.#clients.delete(process);
    this.#kill(process);
    this.#comes(20, () => this.#startClient(false));
  }

  #pauseSomebody(): void {
    const clients = [...this.#clients.keys()];
    const chosen = Math.floor(this.#random() * (clients.length + 1));
    const seconds = this.#is.longestPause * this.#random();
    const client = clients[chosen];
    if (client) client.pause(Math.min(seconds, longestClientPause));
    else this.#server?.process.pause(seconds);
  }

  #fillDisk(): void {
    this.#isDiskFull = true;
    this.#time.after(5 * this.#random(), () => {
      this.#isDiskFull = false;
    });
  }

  #wakeAll(): void {
    for (const process of this.#clients.keys()) process.resume();
    this.#server?.process.resume();
  }

  #stopAll(): void {
    this.#stop.abort();
    this.#wakeAll();
    this.#time.after(deadline, () => {
      if (this.#running > 0) this.#fail(new Broken(this.#where("not ended in time after a stop")));
    });
  }

  /** Joins the scan's topics as a stranger who knows the basename. */
  async #join(id: string, onMessage: (topic: string, payload: Uint8Array) => void) {
    const topics = topicsOf(this.#basename!);
    const process = new SimulatedProcess(this.#time);
    const connection = await this.#network.connectFor(process)(
      address,
      { clientId: id, subscriptions: [topics.control, topics.task(id)], patience: never },
      { onMessage },
    );
    const status = (of: string, more: object) =>
      connection.publish(
        topics.status(of),
        {
          ...{ protocol: protocolVersion, state: "ready", version: "?", host: "?" },
          ...{ workers: 1, want: 0, light: null, session: 1, ...more },
        },
        { retain: true },
      );
    return { topics, connection, status };
  }

  #startHoarder(): void {
    if (this.#basename === undefined) {
      this.#comes(1, () => this.#startHoarder());
      return;
    }
    let session = 1;
    void this.#join("hoarder", (topic, payload) => {
      if (topic.endsWith("control") && payload.length > 0)
        session = JSON.parse(new TextDecoder().decode(payload)).session;
    }).then(({ status }) => {
      const beat = () => {
        if (this.#outcome !== undefined || this.#stop.signal.aborted) return;
        status("hoarder", { want: 100_000, workers: 100_000, session });
        this.#time.after(10, beat);
      };
      beat();
    });
  }

  #startLiar(): void {
    if (this.#basename === undefined) {
      this.#comes(1, () => this.#startLiar());
      return;
    }
    const tasks: TaskEntry[] = [];
    void this.#join("liar", (topic, payload) => {
      if (topic.endsWith("task") && payload.length > 0)
        tasks.push(...(JSON.parse(new TextDecoder().decode(payload)) as TaskMessage).tasks);
    }).then(({ topics, connection, status }) => {
      const tell = () => {
        if (this.#outcome !== undefined || this.#stop.signal.aborted) return;
        const whole = (below: number) => Math.floor(below * this.#random());
        const nside = 2 ** whole(4);
        const pixel = this.#random() < 0.5 ? whole(12 * nside ** 2) : 2 ** 36 + whole(100);
        const value = this.#random() < 0.2 ? "1e999" : "-1e9";
        const task = `${whole(1000)},${nside},${pixel},${whole(2)},${1 + whole(2)},${whole(3)}`;
        const entry = `[${task},${value},1,2,3,4,null,null,null,1,1,null,null,null]`;
        const lie = `{"client":"liar","session":${whole(3)},"want":0,"results":[${entry}],"failures":[]}`;
        // What the schema alone refuses would not try what is behind it.
        if (value === "-1e9" && pixel < 12 * nside ** 2)
          parseMessage(ResultMessage, new TextEncoder().encode(lie));
        connection.publish(topics.result, lie);
        if (this.#random() < 0.2) status("liar", { want: 0 });
        if (this.#random() < 0.05) status(`honest${whole(20)}`, { state: "ready", protocol: 99 });
        this.#time.after(0.2 + 2 * this.#random(), tell);
      };
      tell();
    });
  }
}

/** Lets everything that waits for promises go on. */
async function microtasks(): Promise<void> {
  for (let n = 0; n < 12; n++) await Promise.resolve();
}
