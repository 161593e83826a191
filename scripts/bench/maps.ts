/** Seconds per map, and how low it reaches: whole scans by the executable, as a user starts them. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { readResult } from "../../src/result/files.ts";
import { shared } from "../../test/reference.ts";
import { type Alert, alerts, lights } from "./alerts.ts";
import { type Comparison, judge, missedBy, recordsFolder } from "./minima.ts";
import type { Row } from "./row.ts";

const program = resolve(import.meta.dir, "../../dist/skyscan");

export interface WholeScan {
  readonly reco: string;
  /** As the executable takes them; none: a whole default scan. */
  readonly nsides: readonly string[];
  /** Of so many alerts, the first. */
  readonly alerts: number;
}

/**
 * @param lowersRecords writes the minima that are lower than any before
 */
export async function mapRows(
  { reco, nsides, alerts: count }: WholeScan,
  lowersRecords = false,
): Promise<Row[]> {
  const rows: Row[] = [];
  const workers = availableParallelism();
  const scan = nsides.length > 0 ? `scan of ${nsides.join(" ")}` : "default scan";
  const scans = alerts
    .slice(0, count)
    .flatMap((alert) =>
      lights
        .filter((light) => light === "built-in" || (reco === "splinempe" && hasRecords(alert)))
        .map((light) => ({ alert, light })),
    );
  for (const { alert, light } of scans) {
    const folder = mkdtempSync(join(tmpdir(), "skyscan-bench-"));
    try {
      const start = performance.now();
      const child = Bun.spawn(
        [
          ...[program, "scan", shared("events", alert.file), "--reco-algo", reco, "--seed", "1"],
          ...["--output-dir", folder, "--workers", `${workers}`, "--log", "ERROR"],
          ...(nsides.length > 0 ? ["--nsides", ...nsides] : []),
          ...(light === "tables" ? ["--photon-tables", shared("oracle/tables")] : []),
        ],
        { stdout: "ignore", stderr: "inherit" },
      );
      if ((await child.exited) !== 0) throw new Error(`${program} scan ${alert.file} failed`);
      const seconds = (performance.now() - start) / 1e3;
      // Of the scan and the fit processes it has waited for.
      const cpu = Number(child.resourceUsage()!.cpuTime.total) / 1e6;
      const manifest = await Bun.file(join(folder, "scan-manifest.json")).json();
      const fits: number = manifest.progress.recos.done;
      const on = alert.run;
      const what = `${reco}: ${scan}, ${workers} workers`;
      rows.push(
        { what: `${what}: wall time`, on, light, value: seconds },
        { what: `${what}: CPU time`, on, light, value: cpu },
        { what: `${what}: ${fits} fits`, on, light, value: fits / seconds, unit: "fits/s" },
        ...minimaRows(await comparisonOf(folder, lowersRecords)).map((row) => ({
          ...{ ...row, what: `${what}: ${row.what}`, on, light },
        })),
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
  return rows;
}

/** Whether minima on photon tables are recorded of an alert: such a scan takes twice as long. */
const hasRecords = ({ run }: Alert): boolean =>
  existsSync(join(recordsFolder, `splinempe.tables.${run.replace(/\D/g, "")}.tsv`));

/** The map a scan left in a folder, beside the lowest minima known; undefined: none are recorded of it. */
async function comparisonOf(folder: string, isWritten: boolean): Promise<Comparison | undefined> {
  const file = readdirSync(folder).find((name) => name.endsWith(".npz"))!;
  return judge(await readResult(join(folder, file)), isWritten);
}

const minimaRows = (found: Comparison | undefined): Pick<Row, "what" | "value" | "unit">[] =>
  found === undefined || found.compared === 0
    ? []
    : missedBy.map((limit, i) => ({
        what: `of ${found.compared} recorded minima missed by > ${limit}`,
        value: found.missed[i]!,
        unit: "pixels",
      }));
