import { Database, SQLiteError } from "bun:sqlite";
import { closeSync, mkdirSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { consola } from "consola";
import { InputError, unwritable } from "../config/errors.ts";
import { checksumOf, fitFromRow, type Row, rowOf, type StoredResult } from "./row.ts";

/**
 * A scan's memory on disk: every result, in the order in which it counted.
 * What writes throws InputError naming the file when the disk is full or fails; all that was stored before is kept.
 */
export interface Store {
  /** All or none of them, safe from a killed process when the call returns. */
  append(results: readonly StoredResult[]): void;
  /** In stored order. */
  results(): Iterable<StoredResult>;
  /** Those of one pixel, by variation. */
  resultsOf(nside: number, pixel: number): StoredResult[];
  readonly count: number;
  get(key: string): string | undefined;
  set(key: string, value: string): void;
  close(): void;
}

/** Raised with the table layout. */
const layout = 4;

const tables = [
  `CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT NOT NULL, checksum INTEGER) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS result (
    number INTEGER PRIMARY KEY,
    nside INTEGER NOT NULL, pixel INTEGER NOT NULL, posvar INTEGER NOT NULL,
    count INTEGER NOT NULL, round INTEGER NOT NULL,
    llh REAL, x REAL, y REAL, z REAL, time REAL, energy REAL, E_in REAL, E_tot REAL,
    seconds REAL NOT NULL, round_trip REAL NOT NULL, evaluations INTEGER NOT NULL, at REAL NOT NULL,
    failures TEXT, minima TEXT, direction TEXT, checksum INTEGER NOT NULL,
    UNIQUE (nside, pixel, posvar, round)
  )`,
];

/**
 * Opens or makes the store of one scan. What a disk has damaged is told by checksums, left out and said in the
 * log: those fits are done again.
 * @param path the file; ":memory:" for a scan that need not be remembered
 * @param identity everything that makes the scan what it is; a file made for another one is refused
 * Throws InputError when the file cannot be used: not writable, another scan's, another version's, or in use by
 * another server.
 */
export function openStore(path: string, identity: string): Store {
  let db = opened(path);
  try {
    if (path !== ":memory:" && !isSound(db)) db = rebuilt(db, path);
    const store = storeIn(db, path);
    requireIdentity(store, path, identity);
    dropDamaged(db, path);
    return store;
  } catch (cause) {
    db.close();
    throw asInputError(path, cause);
  }
}

function opened(path: string): Database {
  try {
    if (path !== ":memory:") {
      mkdirSync(dirname(path), { recursive: true });
      // The files SQLite lays beside it get the same permissions.
      closeSync(openSync(path, "a", 0o600));
    }
    const db = new Database(path, { create: true, strict: true });
    // One server per scan. No shared memory file either, so that network file systems serve.
    db.run("PRAGMA locking_mode = EXCLUSIVE");
    db.run("PRAGMA journal_mode = WAL");
    // A killed process loses nothing with NORMAL; a power cut at most the last commits, which are done again.
    db.run("PRAGMA synchronous = NORMAL");
    return db;
  } catch (cause) {
    throw asInputError(path, cause);
  }
}

function asInputError(path: string, cause: unknown): Error {
  if (cause instanceof InputError) return cause;
  if (isOfDisk(cause)) return unwritable(path, cause);
  const message = cause instanceof Error ? cause.message : `${cause}`;
  return new InputError(
    /lock|busy/i.test(message)
      ? `${path}: another server is running this scan`
      : `${path}: cannot be used as the scan's store (${message})`,
    { cause },
  );
}

/** Whether the file's structure is whole, its index too; what its rows say is another matter. */
function isSound(db: Database): boolean {
  try {
    const [first] = db.query<{ integrity_check: string }, []>("PRAGMA integrity_check(1)").all();
    return first?.integrity_check === "ok";
  } catch (error) {
    if (isDamage(error)) return false;
    throw error;
  }
}

/** The file is laid aside, and a new one made of what can still be read of it. */
function rebuilt(db: Database, path: string): Database {
  const about = salvaged<{ key: string; value: string; checksum: number }>(db, "about", "key");
  const results = salvaged<Row>(db, "result", "number");
  db.close();
  renameSync(path, `${path}.damaged`);
  for (const beside of ["-wal", "-shm"]) rmSync(path + beside, { force: true });
  consola.warn(`${path}: damaged; what can be read of it is kept, the old file is ${path}.damaged`);
  const fresh = opened(path);
  for (const table of tables) fresh.run(table);
  fresh.transaction(() => {
    for (const { key, value, checksum } of about)
      fresh.run("INSERT OR IGNORE INTO about VALUES (?,?,?)", [key, value, checksum]);
    for (const row of results) {
      const names = Object.keys(row).filter((name) => name !== "number");
      fresh.run(
        `INSERT OR IGNORE INTO result (${names.join()}) VALUES (${names.map(() => "?").join()})`,
        names.map((name) => row[name as keyof Row]),
      );
    }
  })();
  return fresh;
}

/** The rows of a table up to the first damage, from either end. */
function salvaged<T>(db: Database, table: string, order: string): T[] {
  const read = (direction: string): T[] => {
    const rows: T[] = [];
    try {
      const all = db.query<T, []>(`SELECT * FROM ${table} ORDER BY ${order} ${direction}`);
      for (const row of all.iterate()) rows.push(row);
    } catch (error) {
      if (!(error instanceof SQLiteError)) throw error;
    }
    return rows;
  };
  return [...read("ASC"), ...read("DESC").reverse()];
}

function requireIdentity(store: Store, path: string, identity: string): void {
  const expected = JSON.stringify([layout, identity]);
  const found = store.get("identity");
  if (found === expected) return;
  if (found === undefined) {
    store.set("identity", expected);
    return;
  }
  if (JSON.parse(found)[0] !== layout) throw ofAnotherVersion(path, found);
  throw new InputError(
    `${path}: the store of another scan; remove it or choose another --cache-dir`,
  );
}

/** @param identity what the other version wrote; names it where it can be read */
function ofAnotherVersion(path: string, identity: string | undefined): InputError {
  let name = "";
  try {
    name = `, ${JSON.parse(JSON.parse(identity ?? "")[1]).version}`;
  } catch {}
  return new InputError(
    `${path}: the store of another version of skyscan${name}; remove it or choose another --cache-dir`,
  );
}

/** Removes rows that are not as they were written. */
function dropDamaged(db: Database, path: string): void {
  const damaged = db
    .query<Row & { number: number }, []>("SELECT * FROM result")
    .all()
    .filter((row) => fitFromRow(row) === undefined);
  if (damaged.length === 0) return;
  for (const { number } of damaged) db.run("DELETE FROM result WHERE number = ?", [number]);
  consola.warn(`${path}: ${damaged.length} remembered fits are damaged and are done again`);
}

function storeIn(db: Database, path: string): Store {
  const isOld = db.query("SELECT 1 FROM pragma_table_info('result') WHERE name = 'nside'").get();
  const isNew = db
    .query("SELECT 1 FROM pragma_table_info('result') WHERE name = 'direction'")
    .get();
  if (isOld && !isNew) {
    const about = db.query<{ value: string }, []>("SELECT value FROM about WHERE key = 'identity'");
    throw ofAnotherVersion(path, about.get()?.value);
  }
  for (const table of tables) db.run(table);
  const read = db.query<{ value: string; checksum: number }, [string]>(
    "SELECT value, checksum FROM about WHERE key = ?",
  );
  const write = db.query("INSERT OR REPLACE INTO about (key, value, checksum) VALUES (?,?,?)");
  const insert = db.query(
    `INSERT INTO result (nside, pixel, posvar, count, round, llh, x, y, z, time, energy, E_in, E_tot,
      seconds, round_trip, evaluations, at, failures, minima, direction, checksum)
      VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
  );
  const append = db.transaction((results: readonly StoredResult[]) => {
    for (const result of results) insert.run(...rowOf(result));
  });
  const writing =
    <Arguments extends unknown[]>(work: (...args: Arguments) => unknown) =>
    (...args: Arguments): void => {
      try {
        work(...args);
      } catch (cause) {
        throw isOfDisk(cause) ? unwritable(path, cause) : cause;
      }
    };
  return {
    append: writing(append),
    *results() {
      const rows = db.query<Row, []>("SELECT * FROM result ORDER BY number");
      for (const row of rows.iterate()) {
        const fit = fitFromRow(row);
        if (fit) yield fit;
      }
    },
    resultsOf: (nside, pixel) => resultsOf(db, nside, pixel),
    get count() {
      return db.query<{ n: number }, []>("SELECT count(*) AS n FROM result").get()!.n;
    },
    get(key) {
      const row = read.get(key);
      return row?.checksum === checksumOf([key, row?.value]) ? row?.value : undefined;
    },
    set: writing((key: string, value: string) => write.run(key, value, checksumOf([key, value]))),
    close: () => db.close(),
  };
}

function resultsOf(db: Database, nside: number, pixel: number): StoredResult[] {
  return db
    .query<Row, [number, number]>(
      "SELECT * FROM result WHERE nside = ? AND pixel = ? ORDER BY posvar, round",
    )
    .all(nside, pixel)
    .flatMap((row) => fitFromRow(row) ?? []);
}

/** One pixel's fits from the store of a scan that does not run. Throws InputError where it cannot be read. */
export function readResultsOf(path: string, nside: number, pixel: number): StoredResult[] {
  let db: Database | undefined;
  try {
    db = new Database(path, { readonly: true });
    return resultsOf(db, nside, pixel);
  } catch (cause) {
    throw asInputError(path, cause);
  } finally {
    db?.close();
  }
}

/** The disk is full, or fails. */
const isOfDisk = (error: unknown): boolean =>
  error instanceof SQLiteError && /^SQLITE_(FULL|IOERR)/.test(error.code ?? "");

const isDamage = (error: unknown): boolean =>
  error instanceof SQLiteError && /^SQLITE_CORRUPT/.test(error.code ?? "");
