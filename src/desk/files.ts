// What can be downloaded of a scan: result files as they are, everything else made of them when it is asked for, by
// this program as a process of its own, so that neither its memory nor its time are the desk's.
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { version } from "../config/version.ts";
import { type FormatName, formats } from "../publish/formats.ts";
import { writeResult } from "../result/files.ts";
import { provenanceFields } from "../result/provenance.ts";
import { resultFromScan, type SkyScanResult } from "../result/result.ts";
import { isUnfinished, type ScanRecord } from "./archive.ts";
import { calibrationOf, madeOf } from "./calibrations.ts";
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
  readonly command?: Command;
  /** There is none of a map that is not finished. */
  readonly isFinalOnly?: boolean;
  /** Only for who may start scans. */
  readonly isPrivate?: boolean;
}

/** Arguments of this program that make a file of a result. */
type Command = (result: string, out: string, record: ScanRecord) => readonly string[];

const convert: Command = (result, out) => ["result", "convert", result, out];
const convertLlh: Command = (...args) => [...convert(...args), "--what", "llh"];
const contours: Command = (result, out) => ["result", "contours", result, "--out", out];
const plot: Command = (result, out) => ["plot", result, "--out", out];
const alertFlags = ({ event }: ScanRecord): string[] =>
  event.stream === null ? [] : ["--stream", event.stream];

/** What each format is called, and how it is made; the rest is in the table of formats. */
const exported = {
  npz: { what: "npz" },
  json: { what: "json" },
  "multiorder.fits": { what: "FITS, multi-order", command: convert, isFinalOnly: true },
  "flat.fits": { what: "FITS, flat", command: convert, isFinalOnly: true },
  "llh.fits": { what: "FITS, 2Δllh", command: convertLlh, isFinalOnly: true },
  "llh.multiorder.fits": {
    ...{ what: "FITS, 2Δllh, multi-order", command: convertLlh, isFinalOnly: true },
  },
  "contours.json": { what: "contours, json", command: contours },
  "contours.geojson": { what: "contours, geojson", command: contours },
  "contours.reg": { what: "contours, regions", command: contours },
  "contour.txt": {
    what: "contour, text",
    command: (...args: Parameters<Command>) => [...contours(...args), "--percent", "90"],
  },
  "moc.fits": { what: "MOC", command: contours, isFinalOnly: true },
  notice: {
    what: "notice",
    command: (result: string, out: string, record: ScanRecord) => [
      ...["result", "notice", result, "--out", out],
      ...alertFlags(record),
    ],
    isPrivate: true,
  },
  circular: {
    what: "circular",
    command: (result: string, out: string, record: ScanRecord) => [
      ...["result", "circular", result, "--out", out],
      ...alertFlags(record),
    ],
    isPrivate: true,
  },
} satisfies Record<FormatName, Pick<Kind, "what" | "command" | "isFinalOnly" | "isPrivate">>;

const pictures: readonly Kind[] = [
  { ending: ".png", what: "PNG", says: "the map as a picture", mediaType: "image/png" },
  { ending: ".svg", what: "SVG", says: "the picture as a drawing", mediaType: "image/svg+xml" },
  { ending: ".pdf", what: "PDF", says: "the picture for a paper", mediaType: "application/pdf" },
].map((kind) => ({ ...kind, command: plot }));

const kinds: readonly Kind[] = [
  ...Object.entries(exported).map(([name, kind]) => {
    const { suffix, description, mediaType } = formats[name as FormatName];
    return { ending: suffix, says: description, mediaType, ...kind };
  }),
  ...pictures,
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
  #count = 0;
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
    const size = this.#options.desk.run(record.id)?.map.size ?? 0;
    return size > 0 || existsSync(this.#written(record)) ? null : "There is no pixel yet.";
  }

  /** The map as the scan last wrote it. */
  #written(record: ScanRecord): string {
    return join(this.#folder(record), `${record.facts.stem}.npz`);
  }

  #folder({ id }: ScanRecord): string {
    return outputOf(scanFolder(this.#options.data, id));
  }

  async #made(record: ScanRecord, kind: Kind): Promise<string> {
    const { id, facts, state } = record;
    const run = this.#options.desk.run(id);
    if (kind.command === undefined && run === undefined)
      return join(this.#folder(record), facts.stem + kind.ending);
    const folder = madeOf(scanFolder(this.#options.data, id));
    const path = join(folder, nameOf(record, kind));
    // Of a map that grows a picture is old at once.
    if (state === "done" && existsSync(path)) return path;
    let making = this.#making.get(path);
    if (making === undefined) {
      making = this.#make(record, kind, folder, path).finally(() => this.#making.delete(path));
      this.#making.set(path, making);
    }
    await making;
    return path;
  }

  async #make(record: ScanRecord, kind: Kind, folder: string, path: string): Promise<void> {
    await mkdir(folder, { recursive: true });
    await this.#turn();
    // The ending says what is to be made of it.
    const temporary = join(folder, `new-${this.#count++}${kind.ending}`);
    const live = join(folder, `live-${this.#count++}.npz`);
    try {
      const growing = this.#growing(record);
      if (growing !== undefined) await writeResult(live, growing);
      const source = growing === undefined ? this.#written(record) : live;
      if (kind.command === undefined) await writeResult(temporary, growing!);
      else {
        const command = kind.command(source, temporary, record);
        const trouble = await this.#options.run([...command, ...this.#levels(record)]);
        if (trouble !== undefined) throw new ProblemError(500, `It cannot be made: ${trouble}`);
      }
      await rename(temporary, path);
    } finally {
      for (const file of [temporary, live]) await rm(file, { force: true });
      this.#running--;
      this.#turns.shift()?.();
    }
  }

  /** The event's own levels, where they are known: with every file, whether it has contours or not. */
  #levels({ id, facts }: ScanRecord): string[] {
    if (facts.calibration === undefined) return [];
    return ["--calibration", calibrationOf(scanFolder(this.#options.data, id))];
  }

  /** The map of a scan that runs, as far as it is; undefined: it does not run. */
  #growing({ id }: ScanRecord): SkyScanResult | undefined {
    const run = this.#options.desk.run(id);
    const scan = run?.collection?.scan;
    if (run === undefined || scan === undefined) return undefined;
    const { reco, detector, event } = run.plan;
    const { light } = run.facts([]);
    return resultFromScan(
      scan.pixels(),
      event.metadata,
      false,
      provenanceFields({
        ...{ recoAlgo: reco.name, detector: detector.source, version },
        ...(light !== null && { light }),
      }),
    );
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
