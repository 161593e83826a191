/**
 * What the desk costs and how soon it answers: `bun scripts/bench/desk.ts first|pages|attacks|ATTACK [--pairs 5] [--reco dummy]`.
 *
 * first: alerts dropped on its page in a browser, one after the other, until their first pixels are on the screen; each
 * round at a new desk, so that its first alert finds a desk that has seen none.
 *
 * The others: what a crowd costs a running scan. Each pair is a scan with nobody there and one with the crowd, one after
 * the other, each at a desk of its own with one worker; the crowd is a process of its own, of the lowest priority, since
 * it would be elsewhere. ATTACK: one of the attacks alone, by its name in crowd.ts.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { shared } from "../../test/reference.ts";
import { alerts } from "./alerts.ts";
import { attacks } from "./crowd.ts";

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
const rounds = Number(values.pairs);
const request = requests[values.reco as keyof typeof requests];
if (request === undefined) throw new Error("--reco: expected dummy or splinempe");

/** A desk with an empty folder. */
async function openDesk(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "skyscan-bench-"));
  const desk = Bun.spawn(
    [
      ...[join(repository, "dist/skyscan"), "serve", "--data", folder, "--port", "0"],
      ...["--seed", "1", "--log", "CRITICAL", ...args],
    ],
    { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, ...env } },
  );
  const line = await desk.stdout.getReader().read();
  return {
    address: new TextDecoder().decode(line.value).trim(),
    pid: desk.pid,
    async close() {
      desk.kill();
      await desk.exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;

/** A line of test/page/first_pixels.ts: what happened, ms after the drop. */
type Moment = { readonly at: number; readonly what: string };

/** A desk has been there for a while before an alert comes, ms. */
const settling = 3000;

async function timeFirstPixels(): Promise<void> {
  const files = alerts.map(({ file }) => shared("events", file));
  const drops: { readonly isFirst: boolean; readonly moments: readonly Moment[] }[] = [];
  for (let round = 0; round < rounds; round++) {
    const desk = await openDesk([]);
    await Bun.sleep(settling);
    const script = join(repository, "test/page/first_pixels.ts");
    const child = Bun.spawn([process.execPath, script, desk.address, ...files], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const lines = (await new Response(child.stdout).text()).trim().split("\n");
    drops.push(...lines.map((line, i) => ({ isFirst: i === 0, moments: JSON.parse(line) })));
    await desk.close();
    // Others begin with another one.
    files.push(files.shift()!);
  }
  const say = (title: string, some: readonly (readonly Moment[])[]) => {
    const names = [...new Set(some.flatMap((moments) => moments.map(({ what }) => what)))];
    const times = names.map((name) => {
      const at = some.flatMap((moments) => moments.filter(({ what }) => what === name));
      return { name, at: at.map((moment) => moment.at), middle: median(at.map(({ at }) => at)) };
    });
    console.log(`${title}, ms after the drop, median (least to most) of ${some.length}:`);
    for (const { name, at, middle } of times.sort((a, b) => a.middle - b.middle))
      console.log(
        `  ${middle.toFixed(0).padStart(5)} (${Math.min(...at).toFixed(0)} to ${Math.max(...at).toFixed(0)})  ${name}`,
      );
  };
  const of = (isFirst: boolean) =>
    drops.filter((drop) => drop.isFirst === isFirst).map(({ moments }) => moments);
  say("the first alert of a desk", of(true));
  say("a later one", of(false));
}

interface Cost {
  /** From the scan's start to its end, s. */
  readonly wall: number;
  /** Processor time of the desk and of its fits, s. */
  readonly desk: number;
  readonly fits: number;
  /** The most the desk had, MB. */
  readonly memory: number;
}

/** Processor time, s, of a process, and of those it started that have ended. */
function processorTimeOf(pid: number): { readonly own: number; readonly ended: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ").map(Number);
  const [user, system, endedUser, endedSystem] = fields.slice(11, 15) as [
    ...[number, number, number, number],
  ];
  return { own: (user + system) / 100, ended: (endedUser + endedSystem) / 100 };
}

const peakOf = (pid: number): number =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1024;

/** @param crowd undefined: nobody comes */
async function scan(crowd: string | undefined): Promise<Cost> {
  const { address, pid, close } = await openDesk(["--workers", "1", "--public-read"], {
    ...{ SKYSCAN_AUTH_TOKEN: token, SKYSCAN_DUMMY_SECONDS: "0.01,0.01" },
  });
  const alert = await Bun.file(join(repository, "test/data/simulated_muon.json")).json();
  const answer = await fetch(`${address}scan`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization },
    body: JSON.stringify({ event_i3live_json: alert, ...request }),
  });
  const { scan_id } = (await answer.json()) as { scan_id: string };
  const script = join(import.meta.dir, "crowd.ts");
  const others =
    crowd === undefined
      ? undefined
      : Bun.spawn(["nice", "-n", "19", process.execPath, script, crowd, address, scan_id], {
          stdio: ["ignore", "pipe", "inherit"],
        });
  for (;;) {
    await Bun.sleep(500);
    const page = await fetch(`${address}scan/${scan_id}/page`, { headers: { authorization } });
    const { row } = (await page.json()) as {
      row: { state: string; started: number; ended: number };
    };
    if (row.state !== "done") continue;
    // The scan's fit process has ended with it.
    const { own, ended } = processorTimeOf(pid);
    const cost = { wall: row.ended - row.started, desk: own, fits: ended, memory: peakOf(pid) };
    others?.kill();
    if (others) console.log("  crowd:", (await new Response(others.stdout).text()).trim());
    await close();
    return cost;
  }
}

const text = ({ wall, desk, fits, memory }: Cost): string =>
  `wall ${wall.toFixed(1)} s, desk ${desk.toFixed(2)} s, fits ${fits.toFixed(2)} s, ${memory.toFixed(0)} MB`;

async function compare(crowd: string): Promise<void> {
  const pairs: [Cost, Cost][] = [];
  for (let i = 0; i < rounds; i++) {
    const pair: [Cost, Cost] = [await scan(undefined), await scan(crowd)];
    pairs.push(pair);
    console.log(`alone: ${text(pair[0])}\n${crowd}: ${text(pair[1])}`);
  }
  for (const what of ["wall", "fits", "desk", "memory"] as const)
    console.log(
      `${what}: median ratio ${median(pairs.map(([a, b]) => b[what] / a[what])).toFixed(3)}, least ` +
        `${Math.min(...pairs.map(([a]) => a[what])).toFixed(2)} and ${Math.min(...pairs.map(([, b]) => b[what])).toFixed(2)}`,
    );
}

const [mode] = positionals;
const crowds = ["pages", "attacks", ...Object.keys(attacks)];
if (mode === "first") await timeFirstPixels();
else if (mode !== undefined && crowds.includes(mode)) await compare(mode);
else throw new Error(`expected one of first, ${crowds.join(", ")}`);
