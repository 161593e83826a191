import { Database, SQLiteError } from "bun:sqlite";
import { chmodSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { InputError, unwritable } from "../config/errors.ts";
import { fitTuple, fitValueNames, fitValues } from "../scan/fit_values.ts";
import type { TaskResult } from "../scan/task.ts";

/** One fit as it is remembered. */
export interface StoredResult extends TaskResult {
  /** On the worker, s; and from lease to result, s. */
  readonly seconds: number;
  readonly roundTrip: number;
  /** Likelihood calls. */
  readonly evaluations: number;
  /** Why llh is NaN. */
  readonly reason?: string;
  /** When it was stored: s since 1970. */
  readonly at: number;
}

/**
 * A scan's memory on disk: every result, in the order in which it counted.
 * What writes throws InputError naming the file when the disk is full or fails; all that was stored before is kept.
 */
export interface Store {
  /** All or none of them, safe from a killed process when the call returns. */
  append(results: readonly StoredResult[]): void;
  /** In stored order. */
  results(): Iterable<StoredResult>;
  readonly count: number;
  get(key: string): string | undefined;
  set(key: string, value: string): void;
  close(): void;
}

/** Raised with the table layout. */
const layout = 1;

/** What is written of each result, in this order. */
const columns = [
  ...["nside", "pixel", "posvar", ...fitValueNames],
  ...["seconds", "round_trip", "evaluations", "at", "reason"],
];

/**
 * Opens or makes the store of one scan.
 * @param path the file; ":memory:" for a scan that need not be remembered
 * @param identity everything that makes the scan what it is; a file made for another one is refused
 * Throws InputError when the file cannot be used: not writable, another scan's, or in use by another server.
 */
export function openStore(path: string, identity: string): Store {
  let db: Database;
  try {
    if (path !== ":memory:") mkdirSync(dirname(path), { recursive: true });
    db = new Database(path, { create: true, strict: true });
    // One server per scan. No shared memory file either, so that network file systems serve.
    db.run("PRAGMA locking_mode = EXCLUSIVE");
    db.run("PRAGMA journal_mode = WAL");
    // A killed process loses nothing with NORMAL; a power cut at most the last commits, which are done again.
    db.run("PRAGMA synchronous = NORMAL");
    db.run(
      "CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    );
    db.run(
      `CREATE TABLE IF NOT EXISTS result (
        number INTEGER PRIMARY KEY,
        nside INTEGER NOT NULL, pixel INTEGER NOT NULL, posvar INTEGER NOT NULL,
        ${fitValueNames.map((name) => `${name} REAL`).join(", ")},
        seconds REAL NOT NULL, round_trip REAL NOT NULL, evaluations INTEGER NOT NULL, at REAL NOT NULL,
        reason TEXT,
        UNIQUE (nside, pixel, posvar)
      )`,
    );
    if (path !== ":memory:") chmodSync(path, 0o600);
  } catch (cause) {
    if (isOfDisk(cause)) throw unwritable(path, cause);
    const busy = cause instanceof Error && /lock|busy/i.test(cause.message);
    throw new InputError(
      busy
        ? `${path}: another server is running this scan`
        : `${path}: cannot be used as the scan's store (${cause instanceof Error ? cause.message : cause})`,
      { cause },
    );
  }
  const read = db.query<{ value: string }, [string]>("SELECT value FROM about WHERE key = ?");
  const write = db.query("INSERT OR REPLACE INTO about (key, value) VALUES (?, ?)");
  const writing =
    <Arguments extends unknown[]>(work: (...args: Arguments) => unknown) =>
    (...args: Arguments): void => {
      try {
        work(...args);
      } catch (cause) {
        throw isOfDisk(cause) ? unwritable(path, cause) : cause;
      }
    };
  const set = writing((key: string, value: string) => write.run(key, value));
  const expected = JSON.stringify([layout, identity]);
  const found = read.get("identity")?.value;
  if (found === undefined) set("identity", expected);
  else if (found !== expected) {
    db.close();
    throw new InputError(
      `${path}: the store of another scan; remove it or choose another --cache-dir`,
    );
  }
  const insert = db.query(
    `INSERT INTO result (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
  );
  const append = db.transaction((results: readonly StoredResult[]) => {
    for (const r of results)
      insert.run(
        r.nside,
        r.pixel,
        r.posvar,
        ...fitTuple(r).map(nullForNan),
        r.seconds,
        r.roundTrip,
        r.evaluations,
        r.at,
        r.reason ?? null,
      );
  });
  return {
    append: writing(append),
    *results() {
      const rows = db.query<Record<string, number | string | null>, []>(
        "SELECT * FROM result ORDER BY number",
      );
      for (const row of rows.iterate()) yield fromRow(row);
    },
    get count() {
      return db.query<{ n: number }, []>("SELECT count(*) AS n FROM result").get()!.n;
    },
    get: (key) => read.get(key)?.value,
    set,
    close: () => db.close(),
  };
}

/** The disk is full, or fails. */
const isOfDisk = (error: unknown): boolean =>
  error instanceof SQLiteError && /^SQLITE_(FULL|IOERR)/.test(error.code ?? "");

/** SQLite turns NaN into NULL by itself; infinities it keeps. */
const nullForNan = (value: number): number | null => (Number.isNaN(value) ? null : value);

function fromRow(row: Record<string, number | string | null>): StoredResult {
  const real = (name: string) => (row[name] === null ? Number.NaN : (row[name] as number));
  return {
    nside: real("nside"),
    pixel: real("pixel"),
    posvar: real("posvar"),
    ...fitValues(real),
    seconds: real("seconds"),
    roundTrip: real("round_trip"),
    evaluations: real("evaluations"),
    at: real("at"),
    ...(row.reason !== null && { reason: row.reason as string }),
  };
}
