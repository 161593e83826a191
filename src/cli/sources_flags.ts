import { type Command, InvalidArgumentError } from "commander";
import { type Catalogue, readSources, type SourceColumns } from "../publish/sources.ts";

/** Which catalogues to read, and their columns. */
export interface SourcesFlags {
  readonly sources?: string[];
  readonly sourceColumns?: SourceColumns;
}

/** Adds --sources and --source-columns. */
export const addSourcesFlags = (command: Command): Command =>
  command
    .option(
      "--sources <catalogue>",
      "sources: .fits, .csv, .tsv or .ecsv, packed or not, angles in degrees; may be repeated",
      (path: string, before: string[] = []) => [...before, path],
    )
    .option(
      "--source-columns <name,ra,dec>",
      "its columns (default: those with the usual names)",
      (text: string): SourceColumns => {
        const [name, ra, dec, ...rest] = text.split(",");
        if (!name || !ra || !dec || rest.length > 0)
          throw new InvalidArgumentError("Expected three names: NAME,RA,DEC.");
        return { name, ra, dec };
      },
    );

/** The catalogues the flags name, none by default. */
export const cataloguesOf = ({ sources = [], sourceColumns }: SourcesFlags): Promise<Catalogue[]> =>
  Promise.all(sources.map((path) => readSources(path, sourceColumns)));
