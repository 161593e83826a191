import { expect, test } from "bun:test";

import { join } from "node:path";
import { testFolder } from "../folder.ts";
import { simulatedEvent, skyscan } from "../programs.ts";

const directory = testFolder();

const file = (name: string) => join(directory, name);

/** Flags that would change nothing: whoever gave them expects something, and is told. */
const withoutEffect: [string, (string | number)[], RegExp][] = [
  ["a GCD for an event only shown", ["event", simulatedEvent, "--gcd-dir", "."], /--prepare/],
  [
    "two ways to choose nsides",
    ["scan", simulatedEvent, "--nsides", "1:0", "--min-nside", 8],
    /--nsides and --min-nside, --max-nside exclude each other/,
  ],
  [
    "an event that comes twice",
    [
      ...["client", "-b", "127.0.0.1:1", "--startup-json", file("a.json")],
      ...["--gcdqp-packet-json", file("b.json")],
    ],
    /--startup-json and --gcdqp-packet-json exclude each other/,
  ],
  [
    "the reference's rounding for a fit",
    ["reco", simulatedEvent, "--reco-algo", "splinempe", "--nside", 1, "--pixel", 0, "--exact"],
    /--exact goes with --evaluate/,
  ],
  [
    "a real and simulated event",
    ["scan", simulatedEvent, "--real-event", "--simulated-event"],
    /exclude each other/,
  ],
];

test.each(withoutEffect)("%s is refused in one line", async (_what, args, problem) => {
  const { code, stdout, stderr } = await skyscan(args).exited;
  expect({ code, stdout, stderr: stderr.trim() }).toEqual({
    code: 2,
    stdout: "",
    stderr: expect.stringMatching(problem),
  });
  expect(stderr.trim().split("\n").length).toBe(1);
});
