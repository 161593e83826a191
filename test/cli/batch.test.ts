import { expect, test } from "bun:test";
import { copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import { testFolder } from "../folder.ts";
import { simulatedEvent, skyscan } from "../programs.ts";
import { python, testWithNumpy } from "../result/python.ts";

const directory = testFolder();

const quick = { SKYSCAN_DUMMY_SECONDS: "0,0.002" };
const alerts = join(directory, "alerts");
mkdirSync(alerts);
copyFileSync(simulatedEvent, join(alerts, "a.json"));
writeFileSync(join(alerts, "b.json.gz"), gzipSync(readFileSync(simulatedEvent)));
writeFileSync(join(alerts, "notes.txt"), "no alert");

const batch = (out: string, ...more: string[]) =>
  skyscan(
    ["batch", alerts, "--out", join(directory, out), "--reco-algo", "dummy", "--seed", 7].concat([
      ...["--nsides", "2:0", "8:12", "--workers", 2, "-o", join(directory, "scans")],
      ...more,
    ]),
    quick,
  ).exited;

const rowsOf = (out: string): Record<string, string>[] =>
  parse(readFileSync(join(directory, out), "utf8"), { columns: true, comment: "#" });

test("a folder of events becomes a catalogue, and the second time nothing is scanned again", async () => {
  expect((await batch("one.csv")).code).toBe(0);
  const rows = rowsOf("one.csv");
  expect(rows.map(({ file }) => file)).toEqual(["a.json", "b.json.gz"]);
  for (const row of rows) {
    expect(Number(row.ra)).toBeGreaterThanOrEqual(0);
    expect(row.reco_algo).toBe("dummy");
    expect(row.is_real_event).toBe("false");
    // The event's true direction is known.
    expect(Number(row.searched_probability)).toBeGreaterThan(0);
    expect(row.problem).toBe("");
  }
  const npz = join(directory, "scans/a/scan-manifest.json");
  const { mtimeMs } = statSync(npz);
  const again = await batch("one.ecsv");
  expect(again.code).toBe(0);
  expect(again.stderr).toMatch(/2 of 2: b\.json\.gz: RA /);
  expect(statSync(npz).mtimeMs).toBe(mtimeMs);
  expect(rowsOf("one.ecsv")).toEqual(rows);
}, 120_000);

test("what is no event has its problem in its row, and stops no other", async () => {
  writeFileSync(join(alerts, "0.json"), "{");
  const { code, stderr } = await batch("two.csv");
  expect(code).toBe(2);
  expect(stderr).toMatch(/1 of 3 events could not be scanned/);
  const [broken, ...sound] = rowsOf("two.csv");
  expect(broken!.problem).toMatch(/0\.json/);
  expect(sound).toHaveLength(2);
  expect((await batch("two.txt")).stderr).toMatch(/a catalogue ends in \.csv or \.ecsv/);
}, 120_000);

testWithNumpy("astropy reads the ECSV with its units", () => {
  const seen = python(
    `import sys
from astropy.table import Table
t = Table.read(sys.argv[1])
print(len(t), t["ra"].unit, t["area_90"].unit, t["run_id"].dtype, t["file"][0])`,
    join(directory, "one.ecsv"),
  );
  expect(seen.trim()).toBe("2 deg deg2 int64 a.json");
});
