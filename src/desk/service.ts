// `skyscan serve`: the desk with its broker, its workers, its memory and its page, from start to end.
import { randomBytes } from "node:crypto";
import { join, resolve } from "node:path";
import { consola } from "consola";
import { systemClock } from "../config/clock.ts";
import { brokerPatience } from "../config/environment.ts";
import { InputError } from "../config/errors.ts";
import { type BrokerAddress, describeAddress } from "../mq/address.ts";
import { type Identity, startBroker } from "../mq/broker.ts";
import { type Connection, connect } from "../mq/connection.ts";
import { examineBroker } from "../mq/examination.ts";
import { newBasename, newClientId, topicsOf } from "../mq/topics.ts";
import { recoNames } from "../reco/registry.ts";
import { formatProgression } from "../sky/progression.ts";
import { Access } from "./access.ts";
import { Archive } from "./archive.ts";
import { CondorClients } from "./condor.ts";
import { Desk } from "./desk.ts";
import { FileMaker } from "./files.ts";
import { type HttpServer, startHttp } from "./http.ts";
import type { Alert, IntakeOptions } from "./intake.ts";
import { startLocalWorkers } from "./local_workers.ts";
import { Losses } from "./losses.ts";
import { MapBodies } from "./maps.ts";
import { Notices } from "./notices.ts";
import { type PageDocument, pageFiles } from "./page_files.ts";
import { routes } from "./routes.ts";
import { Subscribers } from "./subscribers.ts";
import { watchFolder } from "./watch.ts";

export interface ServiceOptions {
  readonly host: string;
  readonly port: number;
  readonly identity?: Identity;
  /** "/" or "/name/". */
  readonly base: string;
  readonly token?: string;
  readonly isPublicRead: boolean;
  /** Everyone comes through a proxy, which says whom it speaks for. */
  readonly trustsProxy?: boolean;
  /** Names the desk may be called by. */
  readonly hosts: readonly string[];
  readonly intake: IntakeOptions;
  /** Fits at a time on this machine. */
  readonly workers: number;
  readonly fitCommand: readonly string[];
  /** undefined: one of our own, for this machine's workers only. */
  readonly broker?: BrokerAddress;
  /** The desk's name on the broker; undefined: one nobody guesses. */
  readonly name?: string;
  readonly documents: Readonly<Record<string, PageDocument>>;
  /** Runs this program with these arguments. @returns what went wrong; undefined: nothing */
  readonly runSelf: (args: readonly string[]) => Promise<string | undefined>;
  /** The same. @returns its standard output; undefined where it fails */
  readonly askSelf: (args: readonly string[]) => Promise<string | undefined>;
  readonly simulate: () => Promise<Alert>;
  /** Folder whose new files are taken in. */
  readonly watch?: string;
  readonly webhook?: string;
  /** Run by a shell. */
  readonly hook?: string;
  /** Address of the page as others know it, for links. */
  readonly address?: string;
  /** Clients asked of an HTCondor pool while there is work, and how long without it they stay, s. */
  readonly condor?: { readonly jobs: number; readonly idleWait: number };
  /** The private authority by which the broker is known. */
  readonly caFile?: string;
  readonly stop: AbortSignal;
  /** Called when it listens. */
  readonly onListening: (address: string) => void;
}

/** Serves until it is told to stop. Throws InputError, BrokerError. */
export async function runService(options: ServiceOptions): Promise<void> {
  const { intake, base, host, identity } = options;
  const archive = new Archive(join(intake.data, "desk.sqlite"));
  const ends: (() => Promise<void> | void)[] = [() => archive.close()];
  try {
    const page = await pageFiles(options.documents, base);
    const { broker, longestMessage } = await meetBroker(options, ends);
    const subscribers = new Subscribers(systemClock);
    const session = Number(archive.about("session") ?? 0) + 1;
    archive.remember("session", String(session));
    const name = options.name ?? archive.about("name") ?? newBasename();
    archive.remember("name", name);
    const topics = topicsOf(name);
    let connection: Connection | undefined;
    const desk = new Desk({
      ...{ archive, intake, subscribers, broker, topics, session, clock: systemClock },
      ...(longestMessage !== undefined && { longestMessage }),
      publish: (...message) => connection?.publish(...message),
      onNews: (scan, what, reason) => notices.add(scan, what, reason),
    });
    const notices = new Notices({
      ...{ archive, clock: systemClock, post: postJson, run: runShell },
      folderOf: (record) => desk.folder(record),
      ...(options.webhook !== undefined && { webhook: options.webhook }),
      ...(options.hook !== undefined && { hook: options.hook }),
      ...(options.address !== undefined && { address: options.address }),
    });
    ends.push(() => notices.close());
    connection = await connect(
      broker,
      {
        clientId: newClientId(),
        subscriptions: [topics.status("+")],
        patience: brokerPatience(),
        stop: options.stop,
      },
      {
        onMessage: (topic, payload) => desk.pool.receive(topic, payload),
        onConnect: () => desk.pool.announce(),
        onLost: () => consola.warn("connection to the broker lost, trying again"),
        onGivenUp: (error) => consola.error(error.message),
      },
    );
    desk.pool.announce();
    ends.push(() => connection.close());
    const http = listen(options, desk, page);
    ends.push(() => http.close());
    desk.start();
    ends.push(startWorkers(options, desk, broker, name));
    ends.push(() => desk.close());
    const condor = condorClients(options, desk, name);
    if (condor !== undefined) ends.push(() => condor.close());
    if (options.watch !== undefined) ends.push(watch(options.watch, desk));
    if (options.broker !== undefined)
      consola.info(`clients may come: skyscan client --desk ${name} --broker …`);
    options.onListening(
      `${identity ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${http.port}${base}`,
    );
    await new Promise<void>((resolve) => {
      options.stop.addEventListener("abort", () => resolve());
      if (options.stop.aborted) resolve();
    });
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

/** The broker given, or one of our own. */
async function meetBroker(
  { broker, stop }: ServiceOptions,
  ends: (() => Promise<void> | void)[],
): Promise<{ broker: BrokerAddress; longestMessage: number | undefined }> {
  if (broker !== undefined) {
    const somewhere = topicsOf(newBasename()).status(newClientId());
    return { broker, longestMessage: await examineBroker(broker, somewhere, stop) };
  }
  // Other users of this machine reach the port as well.
  const authToken = randomBytes(16).toString("hex");
  const own = await startBroker({ host: "127.0.0.1", port: 0, authToken });
  ends.push(() => own.close());
  return {
    broker: {
      ...{ protocol: "mqtt", host: "127.0.0.1", port: own.port, path: "/" },
      ...{ username: "skyscan", password: authToken },
    },
    longestMessage: undefined,
  };
}

function listen(
  options: ServiceOptions,
  desk: Desk,
  page: Awaited<ReturnType<typeof pageFiles>>,
): HttpServer {
  const { host, port, identity, base, token, isPublicRead, hosts, intake, runSelf } = options;
  return startHttp({
    ...{ host, port, base, page, routes, trustsProxy: options.trustsProxy ?? false },
    ...(identity && { identity }),
    context: {
      desk,
      files: new FileMaker({ desk, data: intake.data, run: runSelf }),
      maps: new MapBodies(desk, intake.data),
      losses: new Losses({
        ...{ desk, ask: options.askSelf, clock: systemClock },
        ...(intake.photonTables !== undefined && { photonTables: intake.photonTables }),
        ...(intake.gcdDir !== undefined && { gcdDir: intake.gcdDir }),
      }),
      access: new Access({
        ...{ isPublicRead, hosts: [host, ...hosts], base, isSecure: identity !== undefined },
        trustsProxy: options.trustsProxy ?? false,
        ...(token !== undefined && { token }),
      }),
      info: {
        recos: [...recoNames],
        recipe: intake.recipe.map(({ reco, nsides }) => ({
          reco,
          nsides: formatProgression(nsides),
        })),
        watch: options.watch ?? null,
      },
      simulate: options.simulate,
      now: systemClock.date,
    },
  });
}

/** Throws InputError where the pool cannot be given what it needs. */
function condorClients(
  { condor, broker, caFile, intake }: ServiceOptions,
  desk: Desk,
  name: string,
): CondorClients | undefined {
  if (condor === undefined) return undefined;
  if (broker === undefined)
    throw new InputError("--condor needs a --broker that the pool's machines reach");
  return new CondorClients({
    ...{ ...condor, executable: process.execPath, desk: name, clock: systemClock },
    ...(caFile !== undefined && { caFile: resolve(caFile) }),
    broker: describeAddress(broker),
    password: broker.password,
    folder: resolve(intake.data, "condor"),
    hasWork: () => desk.claims().some(({ open }) => open !== 0),
    run: runCommand,
  });
}

/** A scheduler that takes longer does not answer, ms. */
const schedulerPatience = 60_000;

async function runCommand(command: readonly string[]): Promise<string> {
  const child = Bun.spawn([...command], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: schedulerPatience,
    killSignal: "SIGKILL",
  });
  const [out, words] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  const code = await child.exited;
  if (code !== 0)
    throw new Error(`${command[0]} ended with ${code}: ${words.trim().slice(0, 200)}`);
  return out;
}

/** Takes in what is laid in a folder. */
function watch(folder: string, desk: Desk): () => void {
  consola.info(`new alerts in ${folder} are scanned`);
  return watchFolder({
    ...{ folder, clock: systemClock },
    saw: (key) => desk.archive.saw(key),
    remember: (key) => desk.archive.rememberSeen(key),
    take: (alert) => desk.submit(alert, {}, { isOnce: true }),
  });
}

/** A webhook that takes longer does not take it, ms. */
const webhookPatience = 10_000;

async function postJson(address: string, body: object): Promise<void> {
  const answer = await fetch(address, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    redirect: "manual",
    signal: AbortSignal.timeout(webhookPatience),
  });
  await answer.body?.cancel();
  if (!answer.ok) throw new Error(`answered ${answer.status}`);
}

/** A hook that takes longer is killed, ms. */
const hookPatience = 600_000;
/** What opens the desk and its broker is not the hooks' business. */
const secrets = /^SKYSCAN_.*(TOKEN|AUTH|BROKER)/;

async function runShell(command: string, environment: Record<string, string>): Promise<void> {
  const inherited = Object.entries(process.env).filter(([name]) => !secrets.test(name));
  const child = Bun.spawn(["/bin/sh", "-c", command], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...Object.fromEntries(inherited), ...environment },
    timeout: hookPatience,
    killSignal: "SIGKILL",
  });
  const code = await child.exited;
  if (code !== 0) throw new Error(`ended with ${child.signalCode ?? code}`);
}

function startWorkers(
  { workers, fitCommand, intake }: ServiceOptions,
  desk: Desk,
  broker: BrokerAddress,
  name: string,
): () => Promise<void> {
  return startLocalWorkers({
    ...{ count: workers, broker, desk: name, fitCommand },
    ...(intake.photonTables !== undefined && { photonTables: intake.photonTables }),
    ...(intake.gcdDir !== undefined && { gcdDir: intake.gcdDir }),
    expect: (id) => desk.pool.expectLocal(id),
  });
}
