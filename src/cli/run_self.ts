import { selfCommand } from "../config/self.ts";

/** The longest that a picture or a file may take to be made, ms. */
const makingPatience = 120_000;

/** Runs this program with other arguments, in a process of its own. @returns its last line on stderr where it fails */
export async function runSelf(args: readonly string[]): Promise<string | undefined> {
  const child = Bun.spawn([...selfCommand(), ...args], {
    stdio: ["ignore", "ignore", "pipe"],
    timeout: makingPatience,
    killSignal: "SIGKILL",
  });
  const words = await new Response(child.stderr).text();
  const code = await child.exited;
  if (code === 0) return undefined;
  return words.trim().split("\n").at(-1) || `it ended with ${code}`;
}

/** The same. @returns what it prints; undefined where it fails */
export async function askSelf(args: readonly string[]): Promise<string | undefined> {
  const child = Bun.spawn([...selfCommand(), ...args], {
    stdio: ["ignore", "pipe", "ignore"],
    timeout: makingPatience,
    killSignal: "SIGKILL",
  });
  const text = await new Response(child.stdout).text();
  return (await child.exited) === 0 ? text : undefined;
}
