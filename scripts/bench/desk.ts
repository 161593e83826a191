/**
 * What a crowd costs a running scan of the desk: `bun scripts/bench/desk.ts pages|attacks [--pairs 5] [--reco dummy]`.
 * Each pair is a scan with nobody there and one with the crowd, one after the other, each at a desk of its own with one
 * worker; the crowd is a process of its own, of the lowest priority, since it would be elsewhere.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

const repository = resolve(import.meta.dir, "../..");
const token = "a-token-of-the-benchmark";
const authorization = `Bearer ${token}`;
/** Long enough for what starts and ends it not to count. Dummies of a known time show what the desk itself delays. */
const requests = {
  dummy: { reco_algo: "dummy", nsides: { "16": 0 } },
  splinempe: { reco_algo: "splinempe", nsides: { "8": 0, "16": 4 } },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pairs: { type: "string", default: "5" },
    reco: { type: "string", default: "splinempe" },
  },
});
const crowd = positionals[0];
const request = requests[values.reco as keyof typeof requests];
if (request === undefined) throw new Error("--reco: expected dummy or splinempe");
if (crowd !== "pages" && crowd !== "attacks") throw new Error("expected pages or attacks");

interface Cost {
  /** From the scan's start to its end, s. */
  readonly wall: number;
  /** Processor time of the desk and of its worker, s. */
  readonly desk: number;
  readonly worker: number;
  /** The most the desk had, MB. */
  readonly memory: number;
}

/** Processor time, s, of a process. */
function processorTimeOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .trim()
    .split(" ")
    .filter(Boolean)
    .map(Number);

const peakOf = (pid: number): number =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1024;

async function scan(isCrowded: boolean): Promise<Cost> {
  const folder = mkdtempSync(join(tmpdir(), "skyscan-bench-"));
  const desk = Bun.spawn(
    [
      ...[join(repository, "dist/skyscan"), "serve", "--data", folder, "--port", "0"],
      ...["--workers", "1", "--seed", "1", "--public-read", "--log", "ERROR"],
    ],
    {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, SKYSCAN_AUTH_TOKEN: token, SKYSCAN_DUMMY_SECONDS: "0.01,0.01" },
    },
  );
  const line = await desk.stdout.getReader().read();
  const address = new TextDecoder().decode(line.value).trim();
  const alert = await Bun.file(join(repository, "test/data/simulated_muon.json")).json();
  const post = (body: object) =>
    fetch(`${address}scan`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization },
      body: JSON.stringify(body),
    });
  const { scan_id } = (await (await post({ event_i3live_json: alert, ...request })).json()) as {
    scan_id: string;
  };
  const others = isCrowded
    ? Bun.spawn(
        [
          "nice",
          "-n",
          "19",
          process.execPath,
          join(import.meta.dir, "crowd.ts"),
          crowd!,
          address,
          scan_id,
        ],
        { stdio: ["ignore", "pipe", "inherit"] },
      )
    : undefined;
  for (;;) {
    await Bun.sleep(500);
    const answer = await fetch(`${address}scan/${scan_id}/page`, { headers: { authorization } });
    const { row } = (await answer.json()) as {
      row: { state: string; started: number; ended: number };
    };
    if (row.state !== "done") continue;
    const cost = {
      wall: row.ended - row.started,
      desk: processorTimeOf(desk.pid),
      worker: childrenOf(desk.pid)
        .map(processorTimeOf)
        .reduce((a, b) => a + b, 0),
      memory: peakOf(desk.pid),
    };
    others?.kill();
    if (others) console.log("  crowd:", (await new Response(others.stdout).text()).trim());
    desk.kill();
    await desk.exited;
    rmSync(folder, { recursive: true, force: true });
    return cost;
  }
}

const text = ({ wall, desk, worker, memory }: Cost): string =>
  `wall ${wall.toFixed(1)} s, desk ${desk.toFixed(2)} s, worker ${worker.toFixed(2)} s, ${memory.toFixed(0)} MB`;
const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;

const pairs: [Cost, Cost][] = [];
for (let i = 0; i < Number(values.pairs); i++) {
  const pair: [Cost, Cost] = [await scan(false), await scan(true)];
  pairs.push(pair);
  console.log(`alone: ${text(pair[0])}\n${crowd}: ${text(pair[1])}`);
}
for (const what of ["wall", "worker", "desk", "memory"] as const)
  console.log(
    `${what}: median ratio ${median(pairs.map(([a, b]) => b[what] / a[what])).toFixed(3)}, least ` +
      `${Math.min(...pairs.map(([a]) => a[what])).toFixed(2)} and ${Math.min(...pairs.map(([, b]) => b[what])).toFixed(2)}`,
  );
