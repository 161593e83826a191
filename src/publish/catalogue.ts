/** A catalogue of scanned events: one row an event, as CSV or, with units and types, as ECSV. */

import { isoOfMjd } from "../event/utc.ts";
import { degreesPerRadian } from "../geometry/constants.ts";
import { type Localisation, regionOf } from "../result/localisation.ts";
import { lookUp } from "../result/look_up.ts";
import { provenanceOf } from "../result/provenance.ts";
import { bestFit } from "../result/result.ts";
import type { Direction } from "../sky/healpix.ts";

/** The columns: name, type and unit as ECSV has them. What is not known stays empty. */
const columns = [
  ["file", "string"],
  ["run_id", "int64"],
  ["event_id", "int64"],
  ["event_type", "string"],
  ["mjd", "float64", "d"],
  ["utc", "string"],
  ["is_real_event", "string"],
  ["reco_algo", "string"],
  ["light", "string"],
  ["nsides", "string"],
  ["ra", "float64", "deg"],
  ["dec", "float64", "deg"],
  ["llh", "float64"],
  ["energy_in", "float64", "GeV"],
  ["energy_total", "float64", "GeV"],
  ["levels", "string"],
  ["area_50", "float64", "deg2"],
  ["area_90", "float64", "deg2"],
  ["ra_plus_90", "float64", "deg"],
  ["ra_minus_90", "float64", "deg"],
  ["dec_plus_90", "float64", "deg"],
  ["dec_minus_90", "float64", "deg"],
  ["hpd_area_50", "float64", "deg2"],
  ["hpd_area_90", "float64", "deg2"],
  ["resolved", "string"],
  ["pixels", "int64"],
  ["failed", "int64"],
  ["seconds", "float64", "s"],
  ["true_ra", "float64", "deg"],
  ["true_dec", "float64", "deg"],
  ["true_distance", "float64", "deg"],
  ["searched_probability", "float64"],
  ["problem", "string"],
] as const satisfies readonly (readonly [string, string, string?])[];

type ColumnName = (typeof columns)[number][0];
export type CatalogueRow = Readonly<Partial<Record<ColumnName, string | number | boolean>>>;

const squareDegrees = degreesPerRadian ** 2;

/**
 * @param file the event's
 * @param seconds its scan took
 * @param truth where it is simulated
 */
export function catalogueRow(
  file: string,
  found: Localisation,
  seconds: number | undefined,
  truth: Direction | undefined,
): CatalogueRow {
  const { event, best, result, levels } = found;
  const made = provenanceOf(result);
  const [fifty, ninety] = [50, 90].map((percent) => regionOf(found.contours, percent));
  const [hpdFifty, hpdNinety] = [50, 90].map((percent) => regionOf(found.hpd, percent));
  const degrees = (angle: number | undefined) => angle && angle * degreesPerRadian;
  const area = (sr: number | undefined) => sr && sr * squareDegrees;
  const lowest = bestFit(result)!;
  const seen = truth && lookUp(found, truth);
  const row: Record<ColumnName, string | number | boolean | undefined> = {
    file,
    run_id: event?.runId,
    event_id: event?.eventId,
    event_type: event?.eventType,
    mjd: event?.mjd,
    utc: event && Number.isFinite(event.mjd) ? isoOfMjd(event.mjd) : undefined,
    is_real_event: event?.isRealEvent,
    reco_algo: made.recoAlgo,
    light: made.light,
    nsides: [...result.nsides.keys()].join(" "),
    ra: best.ra * degreesPerRadian,
    dec: best.dec * degreesPerRadian,
    llh: best.llh,
    energy_in: lowest.E_in,
    energy_total: lowest.E_tot,
    levels: levels.convention,
    area_50: area(fifty?.area),
    area_90: area(ninety?.area),
    ra_plus_90: degrees(ninety?.raPlus),
    ra_minus_90: degrees(ninety?.raMinus),
    dec_plus_90: degrees(ninety?.decPlus),
    dec_minus_90: degrees(ninety?.decMinus),
    hpd_area_50: area(hpdFifty?.area),
    hpd_area_90: area(hpdNinety?.area),
    resolved: found.isResolved,
    pixels: found.pixels,
    failed: found.failed,
    seconds,
    true_ra: degrees(truth?.ra),
    true_dec: degrees(truth?.dec),
    true_distance: seen?.distance_deg,
    searched_probability: seen?.searched_probability,
    problem: undefined,
  };
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined));
}

/** A text that could be taken for more than one is put into quotes (RFC 4180). */
const field = (value: string | number | boolean | undefined): string => {
  if (value === undefined || (typeof value === "number" && !Number.isFinite(value))) return "";
  const text = String(value);
  return /[",\r\n ]/.test(text) || text === "" ? `"${text.replaceAll('"', '""')}"` : text;
};

/** As CSV: the columns' names, then one line an event. */
export const catalogueCsv = (rows: readonly CatalogueRow[]): string =>
  [
    columns.map(([name]) => name).join(","),
    ...rows.map((row) => columns.map(([name]) => field(row[name])).join(",")),
    "",
  ].join("\n");

/** As ECSV 1.0 (astropy APE 6): the same below a header with types and units. */
export const catalogueEcsv = (rows: readonly CatalogueRow[]): string =>
  [
    "# %ECSV 1.0",
    "# ---",
    "# delimiter: ','",
    "# datatype:",
    ...columns.map(([name, type, unit]) =>
      unit === undefined
        ? `# - {name: ${name}, datatype: ${type}}`
        : `# - {name: ${name}, unit: ${unit}, datatype: ${type}}`,
    ),
    "# schema: astropy-2.0",
    catalogueCsv(rows),
  ].join("\n");
