import { degreesPerRadian } from "../geometry/constants.ts";
import { type Direction, pixelCentre } from "../sky/healpix.ts";
import type { Comparison } from "./compare.ts";
import { sizeText } from "./contours.ts";
import { type Levels, levelsOf, shareText } from "./levels.ts";
import { localise, type Region } from "./localisation.ts";
import { isSouthFirst } from "./orientation.ts";
import { type Provenance, provenanceOf } from "./provenance.ts";
import { bestFit, columnsOf, eventOf, type SkyScanResult } from "./result.ts";

/** What a result says in short, under the names result files use; directions in radians. */
export interface Summary {
  readonly run_id: number | null;
  readonly event_id: number | null;
  readonly event_type: string | null;
  readonly mjd: number | null;
  readonly is_real_event: boolean | null;
  readonly complete: boolean | null;
  /** Of the pixels: 0 or 1. */
  readonly version: number;
  /** Pixels are counted from the south pole, as in the oldest files; directions here take that into account. */
  readonly south_first: boolean;
  /** How it came about: algorithm, light, detector, …; {} where the file does not say. */
  readonly provenance: Provenance;
  readonly conventions: typeof conventions;
  readonly nsides: readonly {
    nside: number;
    pixels: number;
    /** Pixels without a fit. */
    failed: number;
    llh_min: number | null;
    llh_max: number | null;
  }[];
  /** The minimum, between pixels where the file knows it; llh there. */
  readonly best_direction: { ra: number; dec: number; llh: number; sub_pixel: boolean } | null;
  /** The best pixel. */
  readonly best_fit: Readonly<Record<string, number | null>> | null;
  /** Where the levels come from, and what must be said beside them. */
  readonly levels: {
    readonly convention: string;
    readonly source: string;
    readonly remark: string | null;
    readonly systematic_included: boolean;
  };
  readonly contours: readonly {
    convention: string;
    percent: number;
    level: number;
    /** Square degrees. */
    area_sqdeg: number;
    /** Of the circle of that area, degrees. */
    radius_deg: number;
    /** Reaches the edge of what has been scanned: the area is a lower limit. */
    open: boolean;
    /** Smaller than four of the finest pixels: known only to be small. */
    below_resolution: boolean;
    /** Its size in words. */
    text: string;
    /** Closed lines it consists of, and open ones. */
    pieces: number;
    /** Errors of the best fit as circulars quote them, degrees, of RA and not of arc. */
    ra_plus: number;
    ra_minus: number;
    dec_plus: number;
    dec_minus: number;
    /** It holds a pole: every RA lies in it. */
    contains_pole: boolean;
  }[];
  /** Of the 90 % contour: semi-axes and position angle east of north, degrees. */
  readonly ellipse: { readonly a: number; readonly b: number; readonly pa: number } | null;
  /** The map's pixels are finer than its peak; null where no pixel has a fit. */
  readonly resolved: boolean | null;
  /** The credible regions, by the same names. */
  readonly hpd: Summary["contours"];
}

/** What the numbers of a result file mean. */
const conventions = {
  frame: "ICRS",
  ordering: "RING",
  direction: "pixel centre, RA = φ, Dec = 90° − θ",
  llh: "−ln L",
  E_in: "GeV",
  E_tot: "GeV",
  X: "m",
  Y: "m",
  Z: "m",
  T: "ns",
  mjd: "days, UTC",
} as const;

const orNull = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** @param levels of the contours; default: those of the algorithm that made the map */
export function summarise(result: SkyScanResult, levels: Levels = levelsOf(result)): Summary {
  const { metadata } = result;
  const event = eventOf(result);
  const best = bestFit(result);
  const found = best && localise(result, levels);
  const lowest = found?.best;
  return {
    run_id: event?.runId ?? null,
    event_id: event?.eventId ?? null,
    event_type: event?.eventType ?? null,
    mjd: event?.mjd ?? null,
    is_real_event: metadata?.isRealEvent ?? null,
    complete: metadata?.complete ?? null,
    version: result.version,
    south_first: isSouthFirst(result),
    provenance: provenanceOf(result),
    conventions,
    nsides: [...result.nsides].map(([nside, pixels]) => {
      const values = pixels.map(({ llh }) => llh).filter((llh) => !Number.isNaN(llh));
      return {
        nside,
        pixels: pixels.length,
        failed: pixels.length - values.length,
        llh_min: orNull(values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)),
        llh_max: orNull(values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)),
      };
    }),
    best_direction: lowest
      ? { ra: lowest.ra, dec: lowest.dec, llh: lowest.llh, sub_pixel: lowest.isSubPixel }
      : null,
    best_fit: best
      ? {
          nside: best.nside,
          ...pixelCentre(best.nside, found!.best.pixel),
          ...Object.fromEntries(
            columnsOf(result.version).map(([name, key]) => [name, orNull(best[key])]),
          ),
        }
      : null,
    levels: {
      convention: levels.convention,
      source: levels.source,
      remark: levels.remark ?? null,
      systematic_included: levels.systematicIncluded,
    },
    contours: found?.contours.map(regionSummary) ?? [],
    ellipse: found?.ellipse
      ? {
          a: found.ellipse.a * degreesPerRadian,
          b: found.ellipse.b * degreesPerRadian,
          pa: found.ellipse.positionAngle * degreesPerRadian,
        }
      : null,
    resolved: found?.isResolved ?? null,
    hpd: found?.hpd.map(regionSummary) ?? [],
  };
}

export const regionSummary = (region: Region): Summary["contours"][number] => ({
  convention: region.convention,
  percent: region.percent,
  level: region.level,
  area_sqdeg: region.area * degreesPerRadian ** 2,
  radius_deg: region.radius * degreesPerRadian,
  open: region.isOpen,
  below_resolution: region.area < region.resolvedArea,
  text: sizeText(region),
  pieces: region.lines.length,
  ra_plus: region.raPlus * degreesPerRadian,
  ra_minus: region.raMinus * degreesPerRadian,
  dec_plus: region.decPlus * degreesPerRadian,
  dec_minus: region.decMinus * degreesPerRadian,
  contains_pole: region.containsPole,
});

/** What is known of where a map comes from, as names and values. */
function provenanceLines(known: Provenance): [string, string][] {
  const lines: [string, string | undefined][] = [
    ["algorithm", known.recoAlgo],
    ["likelihood", known.likelihood],
    ["light", known.light],
    ["detector", known.detector],
    ["made by", known.version === undefined ? undefined : `skyscan ${known.version}`],
    ["event file", known.eventSha256 === undefined ? undefined : `SHA-256 ${known.eventSha256}`],
    ["command", known.commandLine],
  ];
  return lines.filter((line): line is [string, string] => line[1] !== undefined);
}

/** A summary as lines for the terminal. */
export function summaryLines(summary: Summary): string[] {
  const { best_fit: best, best_direction: lowest } = summary;
  const known = <T>(value: T | null, text: (value: T) => string = String) =>
    value === null ? "not in the file" : text(value);
  const lines = [
    ["run", known(summary.run_id)],
    ["event", known(summary.event_id)],
    ["type", known(summary.event_type)],
    ["MJD", known(summary.mjd)],
    ["real event", known(summary.is_real_event, (real) => (real ? "yes" : "no, simulated"))],
    ["complete", known(summary.complete, (complete) => (complete ? "yes" : "no"))],
    ...provenanceLines(summary.provenance),
    ["pixel version", String(summary.version)],
    ...(summary.south_first
      ? [["pixel order", "from the south pole, as in the oldest files"]]
      : []),
    ...summary.nsides.map(({ nside, pixels, failed, llh_min, llh_max }) => [
      `nside ${nside}`,
      `${pixels} pixels${failed > 0 ? `, ${failed} failed` : ""}${llh_min === null ? "" : `, llh ${llh_min.toFixed(3)} to ${llh_max?.toFixed(3) ?? "infinity"}`}`,
    ]),
    ["best fit", lowest ? direction(lowest) : "none: no pixel has a fit"],
    ...(lowest?.sub_pixel ? [["", `between pixels, llh ${lowest.llh.toFixed(3)}`]] : []),
    ...(best
      ? [
          ["", `nside ${best.nside}, pixel ${best.index}, llh ${best.llh?.toFixed(3)}`],
          ...(best.E_in === null ? [] : [["", `E_in ${energy(best.E_in!)}`]]),
          ...(best.E_tot === null ? [] : [["", `E_tot ${energy(best.E_tot!)}`]]),
          ...(best.X == null || best.Y == null || best.Z == null || best.T == null
            ? []
            : [
                [
                  "",
                  `vertex ${best.X.toFixed(1)}, ${best.Y.toFixed(1)}, ${best.Z.toFixed(1)} m at ${best.T.toFixed(1)} ns`,
                ],
              ]),
        ]
      : []),
    ["levels", summary.levels.source],
    ...(summary.levels.remark === null ? [] : [["", summary.levels.remark]]),
    ...summary.contours.map(({ percent, level, text }) => [
      `${shareText(percent)} contour`,
      `2Δllh ${level}: ${text}`,
    ]),
    ...summary.hpd.map(({ percent, level, text }) => [
      `${shareText(percent)} region`,
      `HPD (2Δllh ${level.toPrecision(3)}): ${text}`,
    ]),
    ...summary.contours
      .filter(({ percent }) => percent === 50 || percent === 90)
      .map((region) => [`${region.percent} % errors`, rectangleText(region)]),
    ...(summary.ellipse ? [["90 % ellipse", ellipseText(summary.ellipse)]] : []),
    ...(summary.resolved === false
      ? [["resolution", "the finest pixels are too coarse for this peak: areas are upper bounds"]]
      : []),
    [
      "conventions",
      "ICRS; HEALPix RING, RA = φ, Dec = 90° − θ; llh is −ln L; X Y Z in m, T in ns, E in GeV (skyscan help conventions)",
    ],
  ];
  return lines.map(([name, value]) => `${name!.padEnd(16)}${value}`);
}

const direction = (best: Direction): string => {
  const dec = best.dec * degreesPerRadian;
  return `RA ${(best.ra * degreesPerRadian).toFixed(3)}°, Dec ${dec < 0 ? "−" : "+"}${Math.abs(dec).toFixed(3)}°`;
};

const rectangleText = (region: Summary["contours"][number]): string => {
  const { ra_plus, ra_minus, dec_plus, dec_minus, contains_pole } = region;
  const [e, w, n, s] = [ra_plus, ra_minus, dec_plus, dec_minus].map((angle) => angle.toFixed(2));
  return `RA +${e} −${w}°, Dec +${n} −${s}°${contains_pole ? " (around a pole)" : ""}`;
};

const ellipseText = ({ a, b, pa }: { a: number; b: number; pa: number }): string =>
  `${a.toFixed(2)}° × ${b.toFixed(2)}°, position angle ${pa.toFixed(0)}° east of north`;

const energy = (gev: number): string => `${gev.toPrecision(4)} GeV`;

/** A comparison as lines for the terminal: what differs, or that nothing does. */
export function comparisonLines(comparison: Comparison): string[] {
  const some = (list: readonly number[]) =>
    `${list.slice(0, 5).join(", ")}${list.length > 5 ? ", …" : ""}`;
  const lines: string[] = [];
  for (const { nside, common, onlyInA, onlyInB, columns } of comparison.nsides) {
    lines.push(
      `nside ${nside}: ${common} pixels in both${columns.length + onlyInA.length + onlyInB.length === 0 ? ", close" : ""}`,
    );
    if (onlyInA.length > 0) lines.push(`  ${onlyInA.length} only in the first: ${some(onlyInA)}`);
    if (onlyInB.length > 0) lines.push(`  ${onlyInB.length} only in the second: ${some(onlyInB)}`);
    for (const { column, count, worst } of columns)
      lines.push(
        `  ${column}: ${count} differ, most at pixel ${worst.pixel}: ${worst.a} and ${worst.b}`,
      );
  }
  for (const nside of comparison.nsidesOnlyInA)
    lines.push(`nside ${nside}: only in the first, not compared`);
  for (const nside of comparison.nsidesOnlyInB)
    lines.push(`nside ${nside}: only in the second, not compared`);
  if (comparison.nsides.length === 0) lines.push("no nside in common");
  return lines;
}
