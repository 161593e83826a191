import type { OtherField, SkyScanResult } from "./result.ts";

/** How a map came about. What is not known is absent. */
export interface Provenance {
  /** The algorithm, by its name on the command line. */
  readonly recoAlgo?: string;
  /** The likelihood that its fits minimised: "Poisson". */
  readonly likelihood?: string;
  /** Where its contours lie and by which convention, as levelsText() writes it. */
  readonly levels?: string;
  /** The light model, as the manifest describes it. */
  readonly light?: string;
  /** The geometry and calibration, as the manifest describes them. */
  readonly detector?: string;
  /** Of the program that wrote it. */
  readonly version?: string;
  /** SHA-256 of the alert's file as it was read, hexadecimal: what sha256sum says. */
  readonly eventSha256?: string;
  /** As it was typed, secrets left out. */
  readonly commandLine?: string;
}

/** The names of these in a result file's metadata, where skyreader keeps what it does not know. */
const fields = [
  ["recoAlgo", "reco_algo"],
  ["likelihood", "likelihood"],
  ["levels", "levels"],
  ["light", "light"],
  ["detector", "detector"],
  ["version", "skyscan_version"],
  ["eventSha256", "event_sha256"],
  ["commandLine", "command_line"],
] as const satisfies readonly (readonly [keyof Provenance, string])[];

/** Provenance as fields of the metadata, those absent left out. */
export function provenanceFields(provenance: Provenance): Record<string, OtherField> {
  const known = fields.flatMap(([key, name]) => {
    const value = provenance[key];
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(known);
}

/** What a result's metadata says of how it came about; nothing in files of other programs. */
export function provenanceOf({ metadata }: SkyScanResult): Provenance {
  const known = fields.flatMap(([key, name]) => {
    const value = metadata?.other?.[name];
    return typeof value === "string" && value !== "" ? [[key, value] as const] : [];
  });
  return Object.fromEntries(known);
}
