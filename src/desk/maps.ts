// Maps as they are sent: of running scans from their memory, of finished ones from their files; packed once for all pages.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "bun";
import { readResult } from "../result/files.ts";
import type { SkyScanResult } from "../result/result.ts";
import type { PixelResult } from "../scan/task.ts";
import type { ScanRecord } from "./archive.ts";
import type { Desk } from "./desk.ts";
import { scanFolder } from "./intake.ts";
import { mapBody } from "./map_body.ts";
import type { MapColumn } from "./messages.ts";
import { epochOf } from "./news.ts";
import { outputOf } from "./run.ts";

/** Bodies kept, the newest: a map of 100 000 pixels is half a megabyte. */
const mostBodies = 32;
/** Finished maps kept as they were read. */
const mostResults = 4;

export class MapBodies {
  readonly #desk: Desk;
  readonly #data: string;
  readonly #bodies = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly #results = new Map<string, Promise<SkyScanResult | undefined>>();

  /** @param data the desk's folder */
  constructor(desk: Desk, data: string) {
    this.#desk = desk;
    this.#data = data;
  }

  /** A map, or what is new of it after so many results, packed with gzip. */
  async body(
    record: ScanRecord,
    since: number,
    columns: readonly MapColumn[],
  ): Promise<Uint8Array<ArrayBuffer>> {
    const seq = this.seqOf(record);
    const key = `${record.id} ${seq} ${since} ${columns.join()}`;
    const known = this.#bodies.get(key);
    if (known !== undefined) return known;
    const pixels = await this.#pixels(record, since, seq);
    const epoch = epochOf(record.id);
    const body = gzipSync(mapBody(pixels, { epoch, seq, columns }), { level: 6 });
    remember(this.#bodies, key, body, mostBodies);
    return body;
  }

  /** Results counted. */
  seqOf({ id, facts }: ScanRecord): number {
    return this.#desk.run(id)?.map.seq ?? facts.seq;
  }

  /** The result file of a scan that does not run any more; undefined where it left none. */
  async result(record: ScanRecord): Promise<SkyScanResult | undefined> {
    const { id, facts } = record;
    const key = `${id} ${facts.seq} ${record.state}`;
    const known = this.#results.get(key);
    if (known !== undefined) return known;
    const file = join(outputOf(scanFolder(this.#data, id)), `${facts.stem}.npz`);
    const reading = existsSync(file) ? readResult(file) : Promise.resolve(undefined);
    if (existsSync(file)) remember(this.#results, key, reading, mostResults);
    return reading;
  }

  async #pixels(record: ScanRecord, since: number, seq: number): Promise<Iterable<PixelResult>> {
    const run = this.#desk.run(record.id);
    if (run !== undefined) return run.map.since(since);
    // Nobody knows any more which came when: all of them, and those known already do no harm.
    if (since >= seq && since > 0) return [];
    const result = await this.result(record);
    return result === undefined ? [] : [...result.nsides.values()].flat();
  }
}

/** The oldest goes where there are too many. */
function remember<Value>(map: Map<string, Value>, key: string, value: Value, most: number): void {
  map.set(key, value);
  if (map.size > most) map.delete(map.keys().next().value!);
}
