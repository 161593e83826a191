import { rmSync } from "node:fs";
import { join } from "node:path";
import { endsWell, openServer } from "./distributed.ts";
import {
  fitsDoneIn,
  manifestIn,
  mapIn,
  type Running,
  simulatedEvent,
  skyscan,
  startMosquitto,
  stopAll,
  temporaryDirectory,
  until,
} from "./programs.ts";

export interface Chaos {
  readonly nsides: readonly string[];
  readonly clients: number;
  /** Chance that a fit crashes or hangs. */
  readonly probability: number;
  /** Longest time of one fit, s: what a hang costs. */
  readonly recoTimeout: number;
  readonly dummySeconds: string;
  /** A client is killed this often, s. */
  readonly killEvery: number;
  readonly brokerRestarts: number;
  readonly serverKills: number;
  /** Everything must be over by then, s. */
  readonly patience: number;
}

export interface Outcome {
  readonly isSameMap: boolean;
  readonly table: Readonly<Record<string, number | string>>;
}

/**
 * Runs a scan of crashing and hanging fits over a Mosquitto, kills clients, broker and server all the while, and
 * compares the map with an undisturbed one.
 */
export async function runChaos(chaos: Chaos): Promise<Outcome> {
  const directory = temporaryDirectory();
  const path = (...names: string[]) => join(directory, ...names);
  const broker = await startMosquitto();
  const url = `mqtt://127.0.0.1:${broker.port}`;
  const common = ["--seed", 11, "--nsides", ...chaos.nsides];
  const counts = { clientsKilled: 0, brokerRestarts: 0, serverKills: 0 };
  const clients: Running[] = [];
  let isOver = false;

  const share = (): number => {
    if (fitsDoneIn(path("out")) === 0) return 0;
    const { done, estimated } = manifestIn(path("out")).progress.recos;
    return done / estimated;
  };
  const startServer = () =>
    openServer(
      directory,
      [
        ...["--reco-algo", "crash_dummy", ...common, "--broker", url, "--max-failures", 1000],
        ...["--reco-timeout", chaos.recoTimeout],
      ],
      { SKYSCAN_PROGRESS_INTERVAL_SEC: "0.25" },
    );
  const startClient = () => {
    clients.push(
      skyscan(["client", "--broker", url, "--startup-json", path("startup", "startup.json")], {
        SKYSCAN_DUMMY_SECONDS: chaos.dummySeconds,
        _SKYSCAN_CI_CRASH_DUMMY_PROBABILITY: `${chaos.probability}`,
      }),
    );
  };

  try {
    const calm = ["scan", simulatedEvent, "--reco-algo", "dummy", ...common, "-o", path("calm")];
    await endsWell(skyscan(calm, { SKYSCAN_DUMMY_SECONDS: "0,0" }));

    const began = performance.now();
    let server = await startServer();
    for (let n = 0; n < chaos.clients; n++) startClient();
    const killing = setInterval(() => {
      const victim = clients.shift();
      if (victim === undefined || isOver) return;
      victim.process.kill("SIGKILL");
      counts.clientsKilled++;
      startClient();
    }, chaos.killEvery * 1000);

    // Disturbances spread over the scan, broker and server in turn.
    const disturbances = [
      ...Array(chaos.brokerRestarts).fill("broker"),
      ...Array(chaos.serverKills).fill("server"),
    ].sort((a, b) => (a === b ? 0 : Math.random() - 0.5));
    for (const [n, victim] of disturbances.entries()) {
      const at = (n + 1) / (disturbances.length + 1);
      await until(`${Math.round(100 * at)} %`, () => share() >= at * 0.9, chaos.patience);
      if (victim === "broker") {
        await broker.restart();
        counts.brokerRestarts++;
      } else {
        server.process.kill("SIGKILL");
        await server.exited;
        server = await startServer();
        counts.serverKills++;
      }
    }
    const timer = setTimeout(() => server.process.kill("SIGINT"), chaos.patience * 1000);
    const { code, stderr } = await server.exited;
    clearTimeout(timer);
    isOver = true;
    clearInterval(killing);
    const seconds = (performance.now() - began) / 1000;
    if (code !== 0) throw new Error(`server ended with ${code}: ${stderr}`);
    const { progress, leases, messages, failed } = manifestIn(path("out"));
    return {
      isSameMap: mapIn(path("out")).equals(mapIn(path("calm"))),
      table: {
        ...counts,
        fitsSent: progress.recos.sent,
        fitsDone: progress.recos.done,
        lost: progress.recos.sent - progress.recos.done,
        givenUp: failed.given_up,
        "failed attempts (last server)": leases.failed_attempts,
        "leases lost (last server)": leases.lost,
        "leases expired (last server)": leases.expired,
        "duplicates dropped (last server)": messages.duplicates,
        malformed: messages.malformed,
        seconds: Number(seconds.toFixed(1)),
      },
    };
  } finally {
    isOver = true;
    await stopAll();
    rmSync(directory, { recursive: true, force: true });
  }
}
