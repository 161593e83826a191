/** `skyscan skydriver`, against a desk: it has SkyDriver's routes. */
import { afterAll, beforeAll, expect, test } from "bun:test";

import { join } from "node:path";
import { readResult } from "../../src/result/files.ts";
import { startDesk, type TestDesk } from "../desk/service.ts";
import { testFolder } from "../folder.ts";
import { simulatedEvent, skyscan } from "../programs.ts";

const directory = testFolder();
const token = "a-token-of-the-tests-own-long-enough";
let desk: TestDesk;
beforeAll(async () => {
  desk = await startDesk(join(directory, "desk"), { token });
});
afterAll(async () => {
  await desk.stop();
}, 60_000);

const ask = async (...args: (string | number)[]) => {
  const env = { SKYSCAN_SKYDRIVER_ADDRESS: desk.address, SKYSCAN_SKYDRIVER_AUTH: token };
  return await skyscan(["skydriver", ...args], env).exited;
};

test("a scan is asked for, followed to its end, found; its map fetched; and aborted", async () => {
  const requested = await ask(
    ...["scan", simulatedEvent, "--reco-algo", "dummy", "--nsides", "1:0", "2:6"],
    ...["--workers", "osg=3,nm=1", "--max-pixel-reco-time", 60, "--classifier", "why=test", "n=7"],
  );
  expect(requested.code).toBe(0);
  expect(requested.stdout).toMatch(/^\w+\n$/);
  const id = requested.stdout.trim();

  const followed = await ask("status", id, "--follow");
  expect({ code: followed.code, stderr: followed.stderr }).toEqual({ code: 0, stderr: "" });
  expect(followed.stdout).toMatch(/SCAN_HAS_FINAL_RESULT, \d+ workers\n$/);

  const out = join(directory, "map.npz");
  const fetched = await ask("result", id, "--out", out);
  expect({ code: fetched.code, stdout: fetched.stdout }).toEqual({ code: 0, stdout: "" });
  const onStdout = await ask("result", id);
  expect(Object.keys(JSON.parse(onStdout.stdout))).toEqual(["nside-1", "nside-2"]);
  expect([...(await readResult(out)).nsides.keys()]).toEqual([1, 2]);

  const filter = JSON.stringify({ scan_id: id });
  const found = await ask("find", filter, "--projection", "scan_id", "classifiers");
  expect(
    found.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
  ).toEqual([{ scan_id: id, classifiers: { why: "test", n: 7 } }]);

  expect((await ask("abort", id, "--delete-completed-scan")).code).toBe(0);
  expect((await ask("find", filter)).stdout).toBe("");
}, 120_000);

test.each([
  [["status", "nobody"], 3, /GET .*\/scan\/nobody\/status: 404/],
  [["status", "../x"], 2, /"\.\.\/x" is no scan's id/],
  [["scan"], 2, /expected an alert, or --i3-event-id/],
  [["scan", simulatedEvent, "--workers", "osg"], 2, /expected NAME=VALUE, not "osg"/],
  [["find", "{"], 2, /the filter is no JSON/],
  [["status", "x", "--skydriver-address", "nowhere"], 2, /expected an http\(s\) URL/],
] as const)(
  "%j: code %d, one line",
  async (args, code, says) => {
    const { stdout, ...ended } = await ask(...args);
    expect({ ...ended, stdout }).toEqual({ code, stdout: "", stderr: expect.stringMatching(says) });
    expect(ended.stderr.trim().split("\n").length).toBe(1);
  },
  30_000,
);
