// A desk of the tests' own: the whole service in this process, on loopback, its fits dummies.
import { join } from "node:path";
import type { ScanRow } from "../../src/desk/messages.ts";
import { runService, type ServiceOptions } from "../../src/desk/service.ts";
import { program, simulatedEvent } from "../programs.ts";

export interface TestDesk {
  /** "http://127.0.0.1:PORT/". */
  readonly address: string;
  readonly data: string;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  send(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Response>;
  rows(): Promise<ScanRow[]>;
  /** The repository's own alert as a page sends it. */
  submit(more?: object): Promise<string[]>;
  /** Waits until a scan is over, or as it should be. */
  until(id: string, isSo: (row: ScanRow) => boolean): Promise<ScanRow>;
  stop(): Promise<void>;
}

/** A map of 48 pixels: seconds with dummies. */
export const quick = { reco_algo: "dummy", nsides: { "1": 0, "2": 6 } } as const;

export async function startDesk(
  data: string,
  more: Partial<ServiceOptions> = {},
): Promise<TestDesk> {
  process.env.SKYSCAN_DUMMY_SECONDS = "0.001,0.002";
  const stop = new AbortController();
  const listening = Promise.withResolvers<string>();
  const ended = runService({
    ...{ host: "127.0.0.1", port: 0, base: "/", isPublicRead: false, hosts: [], workers: 2 },
    intake: {
      ...{ data, recoTimeout: 30, seed: 1 },
      recipe: [{ reco: "dummy", nsides: [{ nside: 1, extension: 0 }], priority: 0 }],
    },
    fitCommand: [...program, "fit-process"],
    documents: {},
    runSelf: async (args) => {
      const child = Bun.spawn([...program, ...args], { stdio: ["ignore", "ignore", "pipe"] });
      const words = await new Response(child.stderr).text();
      return (await child.exited) === 0 ? undefined : words;
    },
    askSelf: async () => undefined,
    simulate: async () => ({ bytes: await Bun.file(simulatedEvent).bytes(), name: "muon" }),
    stop: stop.signal,
    onListening: listening.resolve,
    ...more,
  });
  ended.catch(listening.reject);
  const address = await listening.promise;
  const token = more.token;
  const known = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const get: TestDesk["get"] = (path, headers = {}) =>
    fetch(new URL(path, address), { headers: { ...known, ...headers } });
  const send: TestDesk["send"] = (method, path, body, headers = {}) =>
    fetch(new URL(path, address), {
      method,
      headers: { "content-type": "application/json", ...known, ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  const rows = async () => ((await (await get("scans")).json()) as { scans: ScanRow[] }).scans;
  return {
    ...{ address, data, get, send, rows },
    async submit(body = {}) {
      const base64 = (await Bun.file(simulatedEvent).bytes()).toBase64();
      const event_file = { name: "muon.json", base64 };
      const answer = await send("POST", "scan", { event_file, again: true, ...quick, ...body });
      const text = await answer.text();
      if (!answer.ok) throw new Error(text);
      return JSON.parse(text).scan_ids;
    },
    async until(id, isSo) {
      for await (const { event, data } of listened(await get("events"))) {
        // The stream is open: what is so already is in the list.
        if (event === "hello") {
          const row = (await rows()).find((one) => one.id === id);
          if (row !== undefined && isSo(row)) return row;
        }
        if (event === "scan" && data.row.id === id && isSo(data.row)) return data.row;
      }
      throw new Error("the stream ended");
    },
    async stop() {
      stop.abort();
      await ended;
    },
  };
}

/** An answer's body, whatever it is. */
// biome-ignore lint/suspicious/noExplicitAny: tests say what they expect of it
export const json = (answer: Response): Promise<any> => answer.json();

export interface Heard {
  readonly id: string | undefined;
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: each event has data of its own
  readonly data: any;
}

/** The events of a stream, until it ends or nobody listens any more. */
export async function* listened(answer: Response): AsyncGenerator<Heard> {
  if (!answer.ok || answer.body === null) throw new Error(await answer.text());
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const parts = (rest + value).split("\n\n");
      rest = parts.pop()!;
      for (const part of parts) {
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(part)?.[1];
        const event = field("event");
        if (event !== undefined)
          yield { id: field("id"), event, data: JSON.parse(field("data") ?? "null") };
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

export const outputOf = (desk: TestDesk, id: string): string => join(desk.data, "scans", id, "out");
