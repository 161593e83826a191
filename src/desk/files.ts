// What can be downloaded of a scan: result files as they are, everything else made of them when it is asked for, by
// this program as a process of its own, so that neither its memory nor its time are the desk's.
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { isUnfinished, type ScanRecord } from "./archive.ts";
import type { Desk } from "./desk.ts";
import { scanFolder } from "./intake.ts";
import type { FileEntry } from "./messages.ts";
import { notFound, ProblemError } from "./problem.ts";
import { outputOf } from "./run.ts";

/** One kind of file. */
interface Kind {
  /** What its name ends in, after the result's stem. */
  readonly ending: string;
  readonly what: string;
  readonly says: string;
  readonly mediaType: string;
  /** Arguments of this program that make it; undefined: the scan itself writes it. */
  readonly command?: (result: string, out: string) => readonly string[];
  /** There is none of a map that is not finished. */
  readonly isFinalOnly?: boolean;
  /** Only for who may start scans. */
  readonly isPrivate?: boolean;
}

const kinds: readonly Kind[] = [
  {
    ending: ".npz",
    what: "npz",
    says: "Every pixel with its fit, for skyreader and Python.",
    mediaType: "application/octet-stream",
  },
  {
    ending: ".json",
    what: "json",
    says: "The same as text.",
    mediaType: "application/json",
  },
  {
    ending: ".png",
    what: "PNG",
    says: "The map as a picture, contours drawn.",
    mediaType: "image/png",
    command: (result, out) => ["plot", result, "--out", out],
  },
  {
    ending: ".svg",
    what: "SVG",
    says: "The same picture as drawing.",
    mediaType: "image/svg+xml",
    command: (result, out) => ["plot", result, "--out", out],
  },
];

export interface FileMakerOptions {
  readonly desk: Desk;
  /** The desk's folder. */
  readonly data: string;
  /** Runs this program with these arguments. @returns what went wrong; undefined: nothing */
  readonly run: (args: readonly string[]) => Promise<string | undefined>;
}

/** A file ready to be sent. */
export interface MadeFile {
  readonly path: string;
  readonly name: string;
  readonly mediaType: string;
}

/** Not more than so many are made at a time: fits come first. */
const mostAtOnce = 2;

export class FileMaker {
  readonly #options: FileMakerOptions;
  /** Being made, by path: asked for twice, made once. */
  readonly #making = new Map<string, Promise<void>>();
  #running = 0;
  readonly #turns: (() => void)[] = [];

  constructor(options: FileMakerOptions) {
    this.#options = options;
  }

  /** What there is of a scan, and what will be. */
  list(record: ScanRecord): FileEntry[] {
    return kinds.map((kind) => {
      const reason = this.#reasonAgainst(record, kind);
      return {
        name: nameOf(record, kind),
        ...{ what: kind.what, says: kind.says, media_type: kind.mediaType, reason },
        state: reason !== null ? "not yet" : record.state === "done" ? "final" : "draft",
      };
    });
  }

  /** Throws ProblemError where there is no such file, or not yet. */
  async get(record: ScanRecord, name: string, mayWrite: boolean): Promise<MadeFile> {
    const kind = kinds.find((candidate) => nameOf(record, candidate) === name);
    if (kind === undefined) throw notFound("such file of this scan");
    if (kind.isPrivate && !mayWrite) throw new ProblemError(403, "This file asks for the token.");
    const reason = this.#reasonAgainst(record, kind);
    if (reason !== null) throw new ProblemError(409, reason);
    return { path: await this.#made(record, kind), name, mediaType: kind.mediaType };
  }

  #reasonAgainst(record: ScanRecord, kind: Kind): string | null {
    if (record.state === "done") return null;
    if (kind.isFinalOnly)
      return isUnfinished(record.state)
        ? `Not before the end of the scan: ${kind.what} of part of a map would mislead.`
        : `The scan did not end: there is no ${kind.what} of part of a map.`;
    return existsSync(this.#result(record)) ? null : "No part of the map has been written yet.";
  }

  /** The map as the scan last wrote it. */
  #result(record: ScanRecord): string {
    return join(this.#folder(record), `${record.facts.stem}.npz`);
  }

  #folder({ id }: ScanRecord): string {
    return outputOf(scanFolder(this.#options.data, id));
  }

  async #made(record: ScanRecord, kind: Kind): Promise<string> {
    const { facts, state } = record;
    if (kind.command === undefined) return join(this.#folder(record), facts.stem + kind.ending);
    const folder = join(scanFolder(this.#options.data, record.id), "made");
    const isFinal = state === "done";
    const path = join(folder, isFinal ? facts.stem + kind.ending : nameOf(record, kind));
    // Of a map that grows a picture is old at once.
    if (isFinal && existsSync(path)) return path;
    let making = this.#making.get(path);
    if (making === undefined) {
      making = this.#make(kind, this.#result(record), folder, path).finally(() =>
        this.#making.delete(path),
      );
      this.#making.set(path, making);
    }
    await making;
    return path;
  }

  async #make(kind: Kind, result: string, folder: string, path: string): Promise<void> {
    await mkdir(folder, { recursive: true });
    // The ending says what is to be made of it.
    const temporary = join(folder, `new${kind.ending}`);
    await this.#turn();
    try {
      const trouble = await this.#options.run(kind.command!(result, temporary));
      if (trouble !== undefined) throw new ProblemError(500, `It cannot be made: ${trouble}`);
      await rename(temporary, path);
    } finally {
      await rm(temporary, { force: true });
      this.#running--;
      this.#turns.shift()?.();
    }
  }

  async #turn(): Promise<void> {
    if (this.#running >= mostAtOnce)
      await new Promise<void>((resolve) => void this.#turns.push(resolve));
    this.#running++;
  }
}

/** Before the end "draft" is in the name. */
function nameOf({ state, facts }: ScanRecord, { ending }: Kind): string {
  return `${facts.stem}${state === "done" ? "" : ".draft"}${ending}`;
}
