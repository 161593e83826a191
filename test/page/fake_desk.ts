/** A desk of fake scans on a free port of loopback: says what a desk says, when the test wants it to. */
import type { DeskInfo, PixelAnswer, Queue, ScanRow } from "../../src/desk/messages.ts";
import { type PageFile, pageFiles } from "../../src/desk/page_files.ts";
import { pageDocuments } from "../../src/page/documents.ts";
import { pixelCentre } from "../../src/sky/healpix.ts";
import { FakeScan, type FakeSettings } from "./fake_scan.ts";

export const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data: blob:; connect-src 'self'; worker-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'";

let files: ReadonlyMap<string, PageFile> | undefined;

export class FakeDesk {
  readonly scans = new Map<string, FakeScan>();
  /** Bodies of POST /scan, and how they are answered. */
  readonly posted: unknown[] = [];
  refusal: { code: number; error: string } | undefined;
  version = "0.1.0";
  /** s since 1970: the desk's clock stands. */
  now = Date.UTC(2022, 4, 24, 7, 43, 48) / 1000;
  requests: string[] = [];
  doms: Uint8Array<ArrayBuffer> | undefined;
  #streams = new Set<ReadableStreamDefaultController<string>>();
  #server: Bun.Server<undefined> | undefined;
  port = 0;

  /** Streams that are open. */
  get streams(): number {
    return this.#streams.size;
  }

  get address(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  add(settings: FakeSettings): FakeScan {
    const scan = new FakeScan(settings);
    this.scans.set(settings.id, scan);
    this.send("scan", { row: scan.row });
    return scan;
  }

  async start(): Promise<void> {
    files ??= await pageFiles(pageDocuments, "/");
    this.#server = Bun.serve({
      hostname: "127.0.0.1",
      port: this.port,
      idleTimeout: 0,
      fetch: (request) => this.#answer(request),
    });
    this.port = this.#server.port!;
  }

  /** As kill -9 would: connections break. */
  async stop(): Promise<void> {
    this.#streams.clear();
    await this.#server?.stop(true);
    this.#server = undefined;
  }

  send(name: string, data: unknown): void {
    const text = `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
    for (const stream of this.#streams) {
      try {
        stream.enqueue(text);
      } catch {
        this.#streams.delete(stream);
      }
    }
  }

  /** The next pixels of a scan are in. */
  advance(id: string, count: number): void {
    const scan = this.scans.get(id)!;
    const from = scan.done;
    scan.done = Math.min(scan.pixels.length, from + count);
    this.send("pixels", {
      scan: id,
      n: scan.done - from,
      block: scan.body(from, scan.done).toBase64(),
    });
    const { row } = scan;
    this.send("progress", {
      ...{ scan: id, ...row.progress, sent: row.progress.done, stages: scan.stages, rate: 307 },
      ...{ seconds_left: row.seconds_left, clients: 1, failed: 0 },
    });
    if (scan.first) this.send("first", { scan: id, ...scan.first });
    if (scan.best) this.send("best", { scan: id, ...scan.best });
  }

  setState(id: string, state: ScanRow["state"], reason: string | null = null): void {
    const scan = this.scans.get(id)!;
    Object.assign(scan, { state, reason });
    this.send("scan", { row: scan.row });
    this.send("state", { scan: id, state, reason, at: this.now });
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    this.requests.push(`${request.method} ${pathname}`);
    const [, first = "", second = "", third = "", ...rest] = pathname.split("/");
    if (request.method === "POST" && first === "scan") return this.#post(await request.json());
    if (first === "events") return this.#stream();
    if (first === "desk") return Response.json(this.#info());
    const isDocument = /text\/html/.test(request.headers.get("accept") ?? "");
    if (first === "queue" && !isDocument) return Response.json(this.#queue());
    if (first === "scans")
      return Response.json({ scans: [...this.scans.values()].map(({ row }) => row) });
    if (first === "event" && this.doms) return new Response(this.doms);
    if (first === "scan") {
      const scan = this.scans.get(second);
      if (!scan)
        return Response.json({ code: 404, error: "There is no such scan." }, { status: 404 });
      if (request.method === "DELETE") {
        this.setState(second, "cancelled");
        return Response.json({});
      }
      return this.#scan(scan, third, rest, searchParams);
    }
    const file = files!.get(/^(e|queue|)$/.test(first) ? "" : first);
    if (!file) return new Response("no such file", { status: 404 });
    return new Response(file.body, {
      headers: { "content-type": file.mediaType, "content-security-policy": POLICY },
    });
  }

  #post(body: unknown): Response {
    this.posted.push(body);
    if (this.refusal) return Response.json(this.refusal, { status: this.refusal.code });
    const id = [...this.scans.keys()][0]!;
    return Response.json({ scan_id: id, scan_ids: [id] });
  }

  #scan(scan: FakeScan, what: string, rest: readonly string[], query: URLSearchParams): Response {
    if (what === "page")
      return Response.json(scan.page([...this.scans.values()].map(({ row }) => row)));
    if (what === "map.bin")
      return new Response(scan.body(Number(query.get("since") ?? 0), scan.done));
    if (what === "files" && rest[0] === "log.txt") return new Response(logOf(scan));
    if (what === "files") return new Response(`${rest[0]} of ${scan.settings.id}`);
    if (what === "pixel") return Response.json(pixelOf(scan, Number(rest[0]), Number(rest[1])));
    return new Response("", { status: 404 });
  }

  #stream(): Response {
    const streams = this.#streams;
    let mine: ReadableStreamDefaultController<string>;
    const hello = { version: this.version, now: this.now, may_write: true };
    const stream = new ReadableStream<string>({
      start: (controller) => {
        mine = controller;
        streams.add(controller);
        controller.enqueue(`event: hello\ndata: ${JSON.stringify(hello)}\n\n`);
        const clients = { clients: 1, workers: 2, busy: 2, rate: 307, running: 2, waiting: 1 };
        controller.enqueue(`event: clients\ndata: ${JSON.stringify(clients)}\n\n`);
      },
      cancel: () => void streams.delete(mine),
    });
    return new Response(stream.pipeThrough(new TextEncoderStream()), {
      headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
    });
  }

  #info(): DeskInfo {
    return {
      ...{
        version: this.version,
        may_write: true,
        may_read: true,
        needs_token: false,
        workers: 2,
        watch: null,
        now: this.now,
      },
      recos: ["splinempe", "millipede_original", "millipede_wilks"],
      recipe: [{ reco: "splinempe", nsides: "8:0 64:12 512:24" }],
    };
  }

  #queue(): Queue {
    return {
      clients: [
        {
          id: "a1",
          host: "here",
          is_local: true,
          workers: 2,
          state: "working",
          scan: "s1",
          since: this.now - 80,
        },
      ],
      workers: { all: 2, busy: 2 },
      rate: 307,
      order: [{ scan: "s1", priority: 0, workers: 2, served: 150, rate: 307 }],
    };
  }
}

function logOf({ settings, state, reason }: FakeScan): string {
  const lines = ["received", "started", "first pixel", "nside 8", "nside 64"].map(
    (what, i) => `${new Date(1000 * (settings.created + 2 * i)).toISOString()} ${what}`,
  );
  if (reason)
    lines.push(`${new Date(1000 * (settings.created + 300)).toISOString()} ${state}: ${reason}`);
  return `${lines.join("\n")}\n`;
}

function pixelOf(scan: FakeScan, nside: number, pixel: number): PixelAnswer {
  const known = scan.pixels.find((one) => one.nside === nside && one.pixel === pixel);
  return {
    ...{ nside, pixel, ...pixelCentre(nside, pixel), zenith: 1.5, azimuth: 0.7 },
    fits: Array.from({ length: 7 }, (_, posvar) => ({
      ...{ posvar, variations: 1, round: 0 },
      llh: known && !Number.isNaN(known.llh) ? known.llh + ((posvar + 3) % 7) * 0.21 : null,
      ...{
        x: 120.5 + posvar,
        y: -88.2,
        z: -240,
        time: 10404.2,
        energy: null,
        E_in: null,
        E_tot: 20_500,
      },
      ...{
        evaluations: 412,
        seconds: 0.05,
        reason: known && Number.isNaN(known.llh) ? "no light" : null,
      },
    })),
    minima: known ? [known.llh, known.llh + 0.84, known.llh + 3.1] : [],
    losses: Array.from({ length: 60 }, (_, i) => ({
      ...{ x: -400 + 14 * i, y: -80, z: -250, time: 9000 + 50 * i },
      energy: 4000 * Math.exp(-(((i - 24) / 7) ** 2)) + (i % 5 === 0 ? 60 : 0),
    })),
    command: `skyscan reco alert.json --reco-algo ${scan.settings.reco} --nside ${nside} --pixel ${pixel}`,
  };
}
