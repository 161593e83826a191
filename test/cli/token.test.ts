import { afterEach, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { addBrokerFlags, brokerOf } from "../../src/cli/broker_flags.ts";
import { InputError } from "../../src/config/errors.ts";
import { testFolder } from "../folder.ts";

const folder = testFolder();
const path = (name: string) => join(folder, name);
writeFileSync(path("token"), "from the file\n", { mode: 0o600 });
writeFileSync(path("other"), "from the other file", { mode: 0o600 });
writeFileSync(path("empty"), "\n", { mode: 0o600 });
writeFileSync(path("huge"), "x".repeat(70_000), { mode: 0o600 });

const variables = ["SKYSCAN_AUTH_TOKEN", "SKYSCAN_AUTH_TOKEN_FILE"] as const;
afterEach(() => {
  for (const name of variables) delete process.env[name];
});

/** The password a command line ends up with. */
function passwordOf(
  args: readonly string[],
  env: Partial<Record<(typeof variables)[number], string>> = {},
) {
  Object.assign(process.env, env);
  const command = addBrokerFlags(new Command()).exitOverride();
  command.parse(["--broker", "b", ...args], { from: "user" });
  return brokerOf(command.opts(), command).password;
}

describe("the broker's password", () => {
  const file = { SKYSCAN_AUTH_TOKEN_FILE: path("token") };
  const token = { SKYSCAN_AUTH_TOKEN: "from the environment" };
  test.each([
    ["none", [], {}, undefined],
    ["a flag", ["-a", "from the flag"], {}, "from the flag"],
    [
      "a file, its line end no part of it",
      ["--auth-token-file", path("token")],
      {},
      "from the file",
    ],
    ["a file by its variable", [], file, "from the file"],
    ["flag over variable", ["--auth-token-file", path("other")], file, "from the other file"],
    [
      "file by flag over token by variable",
      ["--auth-token-file", path("token")],
      token,
      "from the file",
    ],
    ["token by flag over file by variable", ["-a", "from the flag"], file, "from the flag"],
  ] as const)("%s", (_, args, env, expected) => {
    expect(passwordOf(args, env)).toBe(expected);
  });

  test.each([
    ["two flags", ["-a", "x", "--auth-token-file", path("token")], {}, /exclude each other/],
    ["two variables", [], { ...file, ...token }, /exclude each other/],
    ["no such file", ["--auth-token-file", path("none")], {}, /none: cannot be read \(ENOENT\)/],
    ["a folder", ["--auth-token-file", folder], {}, /cannot be read \(EISDIR\)/],
    ["nothing in it", ["--auth-token-file", path("empty")], {}, /empty: expected one password/],
    ["no password", ["--auth-token-file", path("huge")], {}, /huge: expected one password/],
  ] as const)("%s: refused in one line that does not hold it", (_, args, env, message) => {
    expect(() => passwordOf(args, env)).toThrow(InputError);
    expect(() => passwordOf(args, env)).toThrow(message);
    expect(() => passwordOf(args, env)).not.toThrow(/from the|xxx/);
  });
});
