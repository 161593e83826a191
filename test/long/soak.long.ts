import { expect, test } from "bun:test";
import { readdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { consola } from "consola";
import { runClient } from "../../src/client/client.ts";
import type { SpawnFitProcess } from "../../src/client/pool.ts";
import { systemClock } from "../../src/config/clock.ts";
import { parseAddress } from "../../src/mq/address.ts";
import { startBroker } from "../../src/mq/broker.ts";
import { connect } from "../../src/mq/connection.ts";
import { newClientId } from "../../src/mq/topics.ts";
import { planScan } from "../../src/server/plan.ts";
import { runServer } from "../../src/server/server.ts";
import { testFolder } from "../folder.ts";

const directory = testFolder();

/** Fits that are done at once, in this process. */
const spawn: SpawnFitProcess = (_command, onMessage) => {
  const exited = Promise.withResolvers<string>();
  return {
    pid: 0,
    send(message) {
      setImmediate(() => {
        if (message.kind === "open") return onMessage({ kind: "ready", light: null });
        if (message.kind !== "fit") return;
        const outcomes = message.tasks.map(({ id, pixel }) => ({
          ...{ id, evaluations: 1, seconds: 0.001 },
          values: [100 + pixel, 1, 2, 3, 4, 5, 6, 7] as const,
        }));
        onMessage({ kind: "done", outcomes });
      });
    },
    kill: () => exited.resolve("SIGKILL"),
    exited: exited.promise,
  };
};

test("a thousand scans through one broker leave no handles and no memory behind", async () => {
  consola.level = 0;
  const broker = await startBroker({ host: "127.0.0.1", port: 0 });
  const address = parseAddress(`127.0.0.1:${broker.port}`);
  const plan = await planScan({
    eventFile: resolve(import.meta.dir, "../data/simulated_muon.json"),
    ...{ reco: "dummy", miniTest: false, threshold: 1, seed: 1 },
    progression: [{ nside: 1, extension: 0 }],
  });
  const measure = () => {
    Bun.gc(true);
    const { rss } = process.memoryUsage();
    return { handles: readdirSync("/proc/self/fd").length, megabytes: rss / 2 ** 20 };
  };
  const scan = async (n: number) => {
    let client: Promise<unknown> = Promise.resolve();
    const times = { timeoutToClients: 60, timeoutFromClients: 60, recoTimeout: 60, maxFailures: 3 };
    const outcome = await runServer(plan, {
      ...{ broker: address, outputDir: join(directory, "out"), ...times },
      cacheDir: join(directory, `cache${n}`),
      onOpen(basename) {
        client = runClient(
          { basename, broker: address, workers: 2, fitCommand: [] },
          { clock: systemClock, connect, spawn, newId: newClientId },
        );
      },
    });
    await client;
    expect(outcome.result.nsides.get(1)).toHaveLength(12);
    rmSync(join(directory, `cache${n}`), { recursive: true });
  };
  // What is loaded lazily and grown to its working size is not lost.
  for (let n = 0; n < 200; n++) await scan(n);
  const early = measure();
  for (let n = 200; n < 1000; n++) await scan(n);
  const late = measure();
  await broker.close();
  console.log("after 200 scans", early, "after 1000", late);
  expect(late.handles - early.handles).toBeLessThanOrEqual(2);
  // Of a leak of 100 kB a scan, 80 MB would be left.
  expect(late.megabytes - early.megabytes).toBeLessThan(40);
});
