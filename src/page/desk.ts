/** The desk as this page knows it: what it was told, kept up to date by one stream of events. Knows no document. */
import type {
  Best,
  DeskInfo,
  FirstDirection,
  Problem,
  Queue,
  ScanPage,
  ScanRow,
  ServerEvent,
  ServerEventName,
} from "../desk/messages.ts";
import type { Contour } from "../result/contours.ts";
import type { Listen } from "./feed.ts";
import { type KnownContour, knownContour } from "./map/known_contours.ts";
import { readMapBody, SkyMap } from "./map/sky_map.ts";
import type { Traced } from "./map/tracing.ts";
import { toTrace } from "./map/tracing.ts";

/** The desk sends something every 15 s; after this long without, s, what is shown is old. */
export const SILENCE = 35;
/** Between attempts to connect again, s. */
const RETRIES = [0.5, 1, 2, 3, 5];
/** Contours are not traced more often, ms. */
const TRACE_INTERVAL = 250;

export type Connection = "connecting" | "live" | "lost";

/** The page's surroundings. */
export interface Surroundings {
  /** Address of the desk, with a slash at its end. */
  readonly base: string;
  readonly now: () => number;
  readonly listen: Listen;
  readonly trace: (traced: Traced) => Promise<readonly Contour[]>;
}

/** One scan that is shown. */
export interface Shown {
  readonly id: string;
  page?: ScanPage;
  map?: SkyMap;
  best?: Best;
  first?: FirstDirection;
  rate?: number | null;
  contours: readonly KnownContour[];
  /** Why it cannot be shown. */
  problem?: string;
}

export class Desk {
  connection: Connection = "connecting";
  /** When something came last, ms. */
  heard: number;
  info: DeskInfo | undefined;
  rows = new Map<string, ScanRow>();
  /** The list of scans is here, be it empty. */
  hasRows = false;
  clients: ServerEvent<"clients"> | undefined;
  queue: Queue | undefined;
  shown = new Map<string, Shown>();
  /** The desk's version when the page came, and whether another one runs now. */
  version: string | undefined;
  isOutdated = false;
  needsToken = false;
  /** Nobody looks, and no stream is held. */
  isAsleep = false;
  /** The desk's clock less this one's, s. */
  #ahead = 0;
  #listeners = new Set<() => void>();
  #stream: AbortController | undefined;
  #attempt = 0;
  #isWide = false;
  /** When the desk was asked for its events last, ms. */
  #askedAt = 0;
  #tracing = new Map<string, { at: number; isBusy: boolean; isDue: boolean }>();
  #heralds = new Set<(row: ScanRow, before: ScanRow | undefined) => void>();

  constructor(readonly surroundings: Surroundings) {
    this.heard = surroundings.now();
  }

  /** The desk's time, s since 1970. */
  now(): number {
    return this.surroundings.now() / 1000 + this.#ahead;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls back for each row that changes, with what it was. */
  onRow(herald: (row: ScanRow, before: ScanRow | undefined) => void): () => void {
    this.#heralds.add(herald);
    return () => this.#heralds.delete(herald);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Shows these scans: their maps and details follow. */
  show(ids: readonly string[]): void {
    const wanted = [...new Set(ids)];
    if (wanted.length === this.shown.size && wanted.every((id) => this.shown.has(id))) return;
    const kept = new Map<string, Shown>();
    for (const id of wanted) kept.set(id, this.shown.get(id) ?? { id, contours: [] });
    this.shown = kept;
    this.#attempt = 0;
    this.#listen(false);
  }

  /** Connects, or connects anew. */
  connect(): void {
    this.#listen(true);
  }

  /** Ends the stream, for a window nobody looks at: what is shown is as of now. */
  sleep(): void {
    this.#stream?.abort();
    this.#stream = undefined;
    this.isAsleep = true;
  }

  /** Goes on after sleep(). */
  wake(): void {
    if (!this.isAsleep) return;
    this.isAsleep = false;
    this.connect();
  }

  /** @param isAnew what there is of a stream is to be doubted */
  #listen(isAnew: boolean): void {
    this.#stream?.abort();
    const controller = new AbortController();
    this.#stream = controller;
    this.#askedAt = this.surroundings.now();
    const ended = (status?: number) => {
      if (controller.signal.aborted) return;
      controller.abort();
      this.#lost(status);
    };
    this.surroundings
      .listen(
        [...this.shown.keys()],
        controller.signal,
        {
          onByte: () => {
            this.heard = this.surroundings.now();
          },
          onEvent: (name, data) => {
            if (!controller.signal.aborted) this.receive(name, data);
          },
        },
        isAnew,
      )
      .then(ended, () => ended());
  }

  #lost(status?: number): void {
    if (status === 401 || status === 403) this.needsToken = true;
    if (this.connection === "live" || this.#attempt > 1) this.connection = "lost";
    const pause = RETRIES[Math.min(this.#attempt++, RETRIES.length - 1)]!;
    this.#changed();
    const waiting = this.#stream;
    setTimeout(() => {
      if (this.#stream === waiting && !this.needsToken) this.#listen(false);
    }, 1000 * pause);
  }

  /** To be called about once a second: notices a silence, which no event announces. */
  tick(): void {
    const silent = this.surroundings.now() - Math.max(this.heard, this.#askedAt);
    if (silent < 1000 * SILENCE || this.needsToken || this.isAsleep) return;
    this.connection = "lost";
    this.connect();
    this.#changed();
  }

  /** One event of the stream. */
  receive(name: string, data: unknown): void {
    const take = this.#receivers[name as ServerEventName] as ((data: unknown) => void) | undefined;
    if (take === undefined) return;
    take(data);
    this.#changed();
  }

  readonly #receivers: { [Name in ServerEventName]: (data: ServerEvent<Name>) => void } = {
    hello: ({ version, now }) => {
      this.#ahead = now - this.surroundings.now() / 1000;
      this.isOutdated ||= this.version !== undefined && this.version !== version;
      this.version ??= version;
      this.connection = "live";
      this.#attempt = 0;
      this.#catchUp();
    },
    scan: ({ row }) => this.#takeRow(row),
    gone: ({ scan }) => {
      this.rows.delete(scan);
      this.shown.delete(scan);
    },
    progress: (progress) => {
      const row = this.rows.get(progress.scan);
      const { done, estimated, seconds_left, stages, rate } = progress;
      if (row) this.#takeRow({ ...row, progress: { done, estimated }, seconds_left });
      const shown = this.shown.get(progress.scan);
      if (shown) shown.rate = rate;
      if (shown?.page) shown.page = { ...shown.page, stages };
    },
    first: ({ scan, ...first }) => {
      const shown = this.shown.get(scan);
      if (shown) shown.first = first;
    },
    best: ({ scan, ...best }) => {
      const row = this.rows.get(scan);
      if (row) this.#takeRow({ ...row, best: { ra: best.ra, dec: best.dec } });
      const shown = this.shown.get(scan);
      if (shown) shown.best = best;
    },
    state: ({ scan, state, reason }) => {
      const row = this.rows.get(scan);
      if (row) this.#takeRow({ ...row, state, reason });
      // Files and the time line change with the state.
      if (this.shown.has(scan)) void this.#loadPage(scan);
    },
    pixels: ({ scan, block }) => {
      const shown = this.shown.get(scan);
      if (shown?.map === undefined) return;
      shown.map.take(readMapBody(Uint8Array.fromBase64(block).buffer), this.surroundings.now());
      this.#trace(shown);
    },
    behind: ({ scan }) => void this.#loadMap(scan),
    clients: (clients) => {
      this.clients = clients;
    },
  };

  #takeRow(row: ScanRow): void {
    const before = this.rows.get(row.id);
    this.rows.set(row.id, row);
    const shown = this.shown.get(row.id);
    if (shown?.page) shown.page = { ...shown.page, row };
    for (const herald of this.#heralds) herald(row, before);
  }

  /** Asks for all that may have changed while nobody listened. */
  #catchUp(): void {
    void this.#get<DeskInfo>("desk").then((info) => {
      this.info = info ?? this.info;
    });
    void this.#get<{ scans: ScanRow[] }>("scans?limit=200").then((list) => {
      if (list === undefined) return;
      const before = this.rows;
      this.rows = new Map(list.scans.map((row) => [row.id, row]));
      // What came while nobody listened is news as well; the first list is not.
      if (this.hasRows)
        for (const row of list.scans)
          for (const herald of this.#heralds) herald(row, before.get(row.id));
      this.hasRows = true;
      this.#changed();
    });
    for (const id of this.shown.keys()) {
      void this.#loadPage(id).then(() => this.#loadMap(id));
    }
  }

  async #loadPage(id: string): Promise<void> {
    const page = await this.#get<ScanPage>(`scan/${encodeURIComponent(id)}/page`, (problem) => {
      const shown = this.shown.get(id);
      if (shown) shown.problem = problem.error;
    });
    const shown = this.shown.get(id);
    if (page === undefined || shown === undefined) return this.#changed();
    shown.page = page;
    if (page.best) shown.best = page.best;
    if (page.first) shown.first = page.first;
    this.rows.set(id, page.row);
    shown.map ??= new SkyMap(page.stages.map(({ nside }) => nside));
    this.#changed();
  }

  async #loadMap(id: string): Promise<void> {
    const map = this.shown.get(id)?.map;
    if (map === undefined) return;
    const since = map.seq > 0 ? `?since=${map.seq}` : "";
    const answer = await this.#fetch(`scan/${encodeURIComponent(id)}/map.bin${since}`);
    if (!answer?.ok) return;
    let body = readMapBody(await answer.arrayBuffer());
    if (since !== "" && body.header.epoch !== map.epoch) {
      const whole = await this.#fetch(`scan/${encodeURIComponent(id)}/map.bin`);
      if (!whole?.ok) return;
      body = readMapBody(await whole.arrayBuffer());
    }
    map.take(body);
    const shown = this.shown.get(id);
    if (shown) this.#trace(shown);
    this.#changed();
  }

  /** Traces a map's contours, when the last time is done and long enough ago. */
  #trace(shown: Shown): void {
    const { map, page } = shown;
    if (map?.best === undefined || page === undefined) return;
    const state = this.#tracing.get(shown.id) ?? { at: 0, isBusy: false, isDue: false };
    this.#tracing.set(shown.id, state);
    const wait = state.at + TRACE_INTERVAL - this.surroundings.now();
    if (state.isBusy || wait > 0) {
      if (!state.isDue && !state.isBusy) setTimeout(() => this.#trace(shown), wait);
      state.isDue = true;
      return;
    }
    Object.assign(state, { isBusy: true, isDue: false });
    const levels = this.#isWide ? page.levels.list : drawnLevels(page);
    void this.surroundings.trace(toTrace(map.cells, levels)).then((contours) => {
      shown.contours = contours.map((contour) => knownContour(contour, map.cells));
      Object.assign(state, { isBusy: false, at: this.surroundings.now() });
      if (state.isDue) {
        state.isDue = false;
        this.#trace(shown);
      }
      this.#changed();
    });
  }

  /** Draws all contours there are levels for, or those that are published. */
  drawWide(isWide: boolean): void {
    this.#isWide = isWide;
    for (const shown of this.shown.values()) this.#trace(shown);
  }

  /** The queue, as it is now. */
  async loadQueue(): Promise<void> {
    this.queue = (await this.#get<Queue>("queue")) ?? this.queue;
    this.#changed();
  }

  async #fetch(path: string): Promise<Response | undefined> {
    try {
      return await fetch(this.surroundings.base + path, {
        headers: { accept: "application/json, */*" },
      });
    } catch {
      return undefined;
    }
  }

  async #get<T>(path: string, onProblem?: (problem: Problem) => void): Promise<T | undefined> {
    const answer = await this.#fetch(path);
    if (answer === undefined) return undefined;
    if (answer.ok) return (await answer.json()) as T;
    if (answer.status === 401) this.needsToken = true;
    onProblem?.(await problemOf(answer));
    return undefined;
  }

  /** Asks something of the desk. @returns its answer, or why not, in words */
  async ask<T>(method: string, path: string, body?: unknown): Promise<T | Problem> {
    let answer: Response;
    try {
      answer = await fetch(this.surroundings.base + path, {
        method,
        ...(body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
      });
    } catch {
      return { code: 0, error: "The desk does not answer. Nothing was done." };
    }
    if (!answer.ok) return await problemOf(answer);
    const text = await answer.text();
    return (text === "" ? {} : JSON.parse(text)) as T;
  }
}

/** The levels that are stated, and drawn without being asked for: operators publish 50 and 90 %. */
export const drawnLevels = ({ levels }: ScanPage) =>
  levels.list.filter(({ percent }) => percent <= 95);

export const isProblem = (answer: unknown): answer is Problem =>
  typeof answer === "object" && answer !== null && "error" in answer && "code" in answer;

async function problemOf(answer: Response): Promise<Problem> {
  const text = await answer.text();
  try {
    const problem: unknown = JSON.parse(text);
    if (isProblem(problem)) return problem;
  } catch {
    // Said below.
  }
  return { code: answer.status, error: `The desk answered ${answer.status}.` };
}
