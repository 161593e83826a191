import { describe, expect, test } from "bun:test";

import { join } from "node:path";
import { testFolder } from "../folder.ts";
import { mapIn, program, simulatedEvent, start } from "../programs.ts";

const folder = testFolder();

const quick = { SKYSCAN_DUMMY_SECONDS: "0,0" };
const scan = "--reco-algo dummy --seed 3 --nsides 1:0 -o";
const self = program.map((word) => `'${word}'`).join(" ");

/** Runs a line of shell in which `skyscan` is the program, and $ALERT an alert. */
const shell = (line: string) =>
  start(["bash", "-c", `skyscan() { ${self} "$@"; }; cd '${folder}'; ${line}`], {
    ...quick,
    ALERT: simulatedEvent,
  }).exited;

describe("an alert may come through a pipe", () => {
  test.each([
    'cat "$ALERT" | skyscan event -',
    'cat "$ALERT" | skyscan event /dev/stdin',
    'skyscan event - < "$ALERT"',
    'skyscan event <(cat "$ALERT")',
    'mkfifo fifo && { cat "$ALERT" > fifo & skyscan event fifo; }',
    'gzip -c "$ALERT" | skyscan event -',
    'while IFS= read -r -n 1 -d "" c; do printf %s "$c"; done < <(head -c 3 "$ALERT") | cat - <(tail -c +4 "$ALERT") | skyscan event -',
  ])("%s", async (line) => {
    const [piped, plain] = await Promise.all([shell(line), shell('skyscan event "$ALERT"')]);
    expect(piped).toEqual({ ...plain, stderr: piped.stderr });
    expect(plain.code).toBe(0);
  });

  test("to a scan", async () => {
    const results = await Promise.all([
      shell(`skyscan scan "$ALERT" ${scan} plain`),
      shell(`cat "$ALERT" | skyscan scan - ${scan} piped`),
      // The words after --nsides end where no stage stands.
      shell(`skyscan scan --reco-algo dummy --seed 3 -o swallowed --nsides 1:0 "$ALERT"`),
    ]);
    expect(results.map(({ code }) => code)).toEqual([0, 0, 0]);
    for (const other of ["piped", "swallowed"])
      expect(mapIn(join(folder, other)).equals(mapIn(join(folder, "plain")))).toBe(true);
  });

  test("to reco", async () => {
    const pixel = "--reco-algo dummy --nside 1 --pixel 3 --seed 3";
    const piped = await shell(`cat "$ALERT" | skyscan reco - ${pixel}`);
    expect(piped.code).toBe(0);
    expect(JSON.parse(piped.stdout)).toHaveProperty("llh");
  });
});
