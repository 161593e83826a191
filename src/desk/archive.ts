// The desk's memory of its scans on disk: what was asked for, how it stands, what became of it. Each scan's fits are in
// a store of its own, as with `skyscan server`.
import { Database } from "bun:sqlite";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { InputError } from "../config/errors.ts";
import { secret } from "../result/files.ts";
import type { ContourLevel } from "../result/levels.ts";
import type { Area, Best, EventLabel, FirstDirection, Place, Stage } from "./messages.ts";

/** How a scan stands, as it is remembered. */
export type RecordedState = "waiting" | "running" | "done" | "failed" | "cancelled";

/** A scan that goes on when the desk is started again. */
export const isUnfinished = (state: RecordedState): boolean =>
  state === "waiting" || state === "running";

/** What a scan is to be done with. */
export interface ScanSettings {
  readonly reco: string;
  /** "8:0 64:12 512:24". */
  readonly nsides: string;
  readonly threshold: number;
  /** Longest time one fit may take, s. */
  readonly recoTimeout: number;
  readonly seed: number;
  /** null: what the event says of itself. */
  readonly isRealEvent: boolean | null;
  /** Beyond its nsides until the contour is resolved; absent: not. */
  readonly refineToContour?: boolean;
}

/** How far a scan is, or was when it ended. */
export interface ScanFacts {
  readonly done: number;
  readonly estimated: number;
  readonly failedPixels: number;
  readonly stages: readonly Stage[];
  readonly best: Best | null;
  /** Absent: none, or by a version before 0.3. */
  readonly first?: FirstDirection;
  readonly areas: readonly Area[];
  /** Of a finished map, but of those finished by versions before 0.3. */
  readonly place?: Place;
  readonly light: string | null;
  readonly detector: string | null;
  readonly energy: { readonly value: number; readonly source: string } | null;
  readonly variations: number | null;
  /** Results counted. */
  readonly seq: number;
  /** The pictures' and result files' stem. */
  readonly stem: string | null;
  /** Levels of the event's own contours, from its calibration; absent: there is none. */
  readonly calibration?: {
    readonly experiments: number;
    readonly levels: readonly ContourLevel[];
  };
}

export const noFacts: ScanFacts = {
  ...{ done: 0, estimated: 0, failedPixels: 0, stages: [], best: null, areas: [] },
  ...{ light: null, detector: null, energy: null, variations: null, seq: 0, stem: null },
};

/** One scan as it is remembered. */
export interface ScanRecord {
  readonly id: string;
  /** The alert it is about: the name of its folder. */
  readonly alert: string;
  readonly event: EventLabel;
  readonly settings: ScanSettings;
  readonly priority: number;
  readonly state: RecordedState;
  readonly reason: string | null;
  /** s since 1970. */
  readonly created: number;
  readonly started: number | null;
  readonly ended: number | null;
  readonly changed: number;
  readonly isDeleted: boolean;
  readonly rescanOf: string | null;
  readonly replacedBy: string | null;
  readonly classifiers: Readonly<Record<string, unknown>>;
  /** SkyDriver's request, without the event. */
  readonly request: Readonly<Record<string, unknown>>;
  readonly facts: ScanFacts;
  /** Worker time it has had, s. */
  readonly served: number;
}

/** What happened to a scan, and when. */
export interface HistoryEntry {
  readonly at: number;
  readonly what: string;
  readonly reason: string | null;
}

/** What of a scan may change. */
export type ScanChange = Partial<
  Pick<
    ScanRecord,
    | "priority"
    | "state"
    | "reason"
    | "started"
    | "ended"
    | "isDeleted"
    | "replacedBy"
    | "facts"
    | "served"
  >
>;

/** A message that has to be delivered, though it takes several tries. */
export interface Notice {
  readonly number: number;
  readonly scan: string;
  readonly target: "webhook" | "hook";
  readonly what: string;
  readonly reason: string | null;
  readonly attempts: number;
  /** Not to be tried before, s since 1970. */
  readonly due: number;
}

/** Raised with the layout of the tables. */
const layout = 1;

const tables = `
  CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS scan (
    id TEXT PRIMARY KEY, alert TEXT NOT NULL, event TEXT NOT NULL, settings TEXT NOT NULL, priority REAL NOT NULL,
    state TEXT NOT NULL, reason TEXT, created REAL NOT NULL, started REAL, ended REAL, changed REAL NOT NULL,
    isDeleted INTEGER NOT NULL, rescanOf TEXT, replacedBy TEXT, classifiers TEXT NOT NULL, request TEXT NOT NULL,
    facts TEXT NOT NULL, served REAL NOT NULL
  );
  CREATE INDEX IF NOT EXISTS scan_created ON scan (created);
  CREATE TABLE IF NOT EXISTS history (
    number INTEGER PRIMARY KEY, scan TEXT NOT NULL, at REAL NOT NULL, what TEXT NOT NULL, reason TEXT
  );
  CREATE INDEX IF NOT EXISTS history_scan ON history (scan);
  CREATE TABLE IF NOT EXISTS notice (
    number INTEGER PRIMARY KEY, scan TEXT NOT NULL, target TEXT NOT NULL, what TEXT NOT NULL, reason TEXT,
    attempts INTEGER NOT NULL, due REAL NOT NULL
  );
  CREATE TABLE IF NOT EXISTS seen (file TEXT PRIMARY KEY) WITHOUT ROWID;
`;

const columns = [
  ...["id", "alert", "event", "settings", "priority", "state", "reason", "created", "started"],
  ...["ended", "changed", "isDeleted", "rescanOf", "replacedBy", "classifiers", "request"],
  ...["facts", "served"],
] as const;

/** Columns that hold JSON. */
const documents: ReadonlySet<string> = new Set([
  ...["event", "settings", "classifiers", "request", "facts"],
]);

type Value = string | number | null;

/** What is written here is safe from a killed process when the call returns. */
export class Archive {
  readonly #db: Database;

  /** Throws InputError when the file cannot be used, or another desk has it. */
  constructor(path: string) {
    try {
      if (path !== ":memory:") {
        mkdirSync(dirname(path), { recursive: true });
        closeSync(openSync(path, "a", secret));
      }
      this.#db = new Database(path, { create: true, strict: true });
      this.#db.run("PRAGMA locking_mode = EXCLUSIVE");
      this.#db.run("PRAGMA journal_mode = WAL");
      // Alerts are few: each is on the disk, also after a power cut, before it is answered for.
      this.#db.run("PRAGMA synchronous = FULL");
      this.#db.run(tables);
      if (this.about("layout") === undefined) this.remember("layout", String(layout));
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : `${cause}`;
      throw new InputError(
        /lock|busy/i.test(message)
          ? `${path}: another desk is using it`
          : `${path}: cannot be used as the desk's memory (${message})`,
        { cause },
      );
    }
    if (this.about("layout") !== String(layout))
      throw new InputError(`${path}: the memory of another version of skyscan's desk`);
  }

  /** What the desk remembers of itself. */
  about(key: string): string | undefined {
    return this.#db
      .query<{ value: string }, [string]>("SELECT value FROM about WHERE key = ?")
      .get(key)?.value;
  }

  remember(key: string, value: string): void {
    this.#db.run("INSERT OR REPLACE INTO about VALUES (?,?)", [key, value]);
  }

  /** All of these scans or none. */
  add(records: readonly ScanRecord[]): void {
    const marks = columns.map(() => "?").join();
    const insert = this.#db.query(`INSERT INTO scan (${columns.join()}) VALUES (${marks})`);
    this.#db.transaction(() => {
      for (const record of records) {
        insert.run(...columns.map((column) => toValue(column, record[column])));
        this.note(record.id, record.created, "received", null);
      }
    })();
  }

  get(id: string): ScanRecord | undefined {
    const row = this.#db.query<Row, [string]>("SELECT * FROM scan WHERE id = ?").get(id);
    return row === null ? undefined : recordOf(row);
  }

  /**
   * Scans that fulfil a condition, newest first.
   * @param condition SQL of our own making, with ? for what comes from outside
   */
  find(condition: string, values: readonly Value[] = [], limit = -1): ScanRecord[] {
    return this.#db
      .query<Row, Value[]>(
        `SELECT * FROM scan WHERE ${condition} ORDER BY created DESC, id DESC LIMIT ?`,
      )
      .all(...values, limit)
      .map(recordOf);
  }

  /** How many scans there are of each state; deleted ones left out. */
  countByState(): Record<RecordedState, number> {
    const counts = { waiting: 0, running: 0, done: 0, failed: 0, cancelled: 0 };
    const rows = this.#db
      .query<{ state: RecordedState; n: number }, []>(
        "SELECT state, count(*) AS n FROM scan WHERE NOT isDeleted GROUP BY state",
      )
      .all();
    for (const { state, n } of rows) counts[state] = n;
    return counts;
  }

  change(id: string, change: ScanChange, now: number): void {
    const entries = Object.entries({ ...change, changed: now });
    const assignments = entries.map(([column]) => `${column} = ?`).join();
    const values = entries.map(([column, value]) => toValue(column, value));
    this.#db.run(`UPDATE scan SET ${assignments} WHERE id = ?`, [...values, id]);
  }

  /** Adds to a scan's history. */
  note(id: string, at: number, what: string, reason: string | null): void {
    this.#db.run("INSERT INTO history (scan, at, what, reason) VALUES (?,?,?,?)", [
      ...[id, at, what, reason],
    ]);
  }

  history(id: string): HistoryEntry[] {
    return this.#db
      .query<HistoryEntry, [string]>(
        "SELECT at, what, reason FROM history WHERE scan = ? ORDER BY number",
      )
      .all(id);
  }

  addNotice(notice: Omit<Notice, "number" | "attempts">): void {
    const { scan, target, what, reason, due } = notice;
    this.#db.run(
      "INSERT INTO notice (scan, target, what, reason, attempts, due) VALUES (?,?,?,?,0,?)",
      [scan, target, what, reason, due],
    );
  }

  /** What is not delivered yet, oldest first. */
  notices(): Notice[] {
    return this.#db.query<Notice, []>("SELECT * FROM notice ORDER BY number").all();
  }

  delayNotice(number: number, attempts: number, due: number): void {
    this.#db.run("UPDATE notice SET attempts = ?, due = ? WHERE number = ?", [
      ...[attempts, due, number],
    ]);
  }

  dropNotice(number: number): void {
    this.#db.run("DELETE FROM notice WHERE number = ?", [number]);
  }

  /** Whether a file of the watched folder has been taken in. */
  saw(file: string): boolean {
    return this.#db.query("SELECT 1 FROM seen WHERE file = ?").get(file) !== null;
  }

  rememberSeen(file: string): void {
    this.#db.run("INSERT OR IGNORE INTO seen VALUES (?)", [file]);
  }

  close(): void {
    this.#db.close();
  }
}

type Row = Readonly<Record<(typeof columns)[number], Value>>;

function toValue(column: string, value: unknown): Value {
  if (documents.has(column)) return JSON.stringify(value);
  return typeof value === "boolean" ? Number(value) : (value as Value);
}

const recordOf = (row: Row): ScanRecord =>
  ({
    ...Object.fromEntries(
      columns.map((column) => [
        column,
        documents.has(column) ? JSON.parse(row[column] as string) : row[column],
      ]),
    ),
    isDeleted: row.isDeleted === 1,
  }) as unknown as ScanRecord;
