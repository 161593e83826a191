import { createServer, connect as openSocket, type Socket } from "node:net";
import { freePort } from "./programs.ts";

/**
 * Passes bytes on, until it is cut: then it swallows them, and says nothing, as a dead network does.
 * @param port where it listens; default: anywhere
 */
export async function startCable(target: number, port?: number) {
  const chosen = port ?? (await freePort());
  const ends = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) return;
    const far = openSocket(target, "127.0.0.1");
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      ends.add(from);
      from.on("data", (bytes) => {
        if (!isCut) to.write(bytes);
      });
      from.on("error", () => {});
      from.on("close", () => to.destroy());
    }
  });
  await new Promise<void>((done) => server.listen(chosen, "127.0.0.1", done));
  return {
    port: chosen,
    cut() {
      isCut = true;
    },
    /** New connections pass again; the old ones stay dead, as after a router's restart. */
    mend() {
      for (const end of ends) end.destroy();
      ends.clear();
      isCut = false;
    },
    /** Refuses new connections; those there are stay. */
    close: () => server.close(),
  };
}
