/** Everything a finished map can be published as, by name: what a file is called, its media type, and its bytes. */

import { InputError } from "../config/errors.ts";
import { cellsOf, densitiesOf } from "../result/cells.ts";
import { gzipped } from "../result/fits.ts";
import { writeJson } from "../result/json.ts";
import type { Levels } from "../result/levels.ts";
import { type Localisation, localise, type Region, regionOf } from "../result/localisation.ts";
import { writeNpz } from "../result/npz.ts";
import type { SkyScanResult } from "../result/result.ts";
import { smoothed } from "../result/smooth.ts";
import { circularText } from "./circular.ts";
import {
  contoursGeoJson,
  contoursJson,
  contoursRegions,
  contourText,
  regionMoc,
} from "./contour_files.ts";
import type { AlertFacts } from "./facts.ts";
import {
  densityFits,
  llhFits,
  llhMultiOrderFits,
  type PublishedDensity,
  probabilityFits,
} from "./maps.ts";
import { type NoticeOptions, noticeOf } from "./notice.ts";
import type { SourcesFound } from "./sources.ts";

export interface PublishOptions {
  /** Default: those of the algorithm that made the map. */
  readonly levels?: Levels;
  readonly facts?: AlertFacts;
  /** Widens the probability to the levels' own 90 %, where these are calibrated: β = 4.61 / level. */
  readonly isTempered?: boolean;
  /** Widens it by a Gaussian of that σ, rad. */
  readonly smooth?: number;
  /** Of a flat map; default: the finest, at most 1024. */
  readonly nside?: number;
  /** Of a contour that is alone in its file, and of a MOC; default: 90. */
  readonly percent?: number;
  readonly notice?: Partial<NoticeOptions>;
  readonly sources?: SourcesFound;
}

/** What is rendered: the map, what it says of the direction, and the probability as it is to be published. */
interface Rendered {
  readonly result: SkyScanResult;
  readonly found: () => Localisation;
  readonly density: () => PublishedDensity;
  readonly facts: AlertFacts;
  readonly options: PublishOptions;
}

export interface Format {
  /** Follows the map's stem: ".json". */
  readonly suffix: string;
  readonly mediaType: string;
  readonly description: string;
  readonly render: (map: Rendered) => string | Uint8Array;
}

const fits = "application/fits";
const packedFits = "application/gzip";

/** The names are what the desk's routes and the page call them. */
export const formats = {
  npz: {
    suffix: ".npz",
    mediaType: "application/octet-stream",
    description: "every pixel, for numpy and skyreader",
    render: ({ result }) => writeNpz(requireLikelihood(result)),
  },
  json: {
    suffix: ".json",
    mediaType: "application/json",
    description: "every pixel, as skyreader's JSON",
    render: ({ result }) => writeJson(requireLikelihood(result)),
  },
  "multiorder.fits": {
    suffix: ".skymap_probdensity_multiorder.fits.gz",
    mediaType: packedFits,
    description: "probability density, multi-order: the map for GCN, SkyPortal, Aladin",
    render: ({ found, facts, density }) => gzipped(densityFits(found(), facts, density())),
  },
  "flat.fits": {
    suffix: ".skymap_prob.fits.gz",
    mediaType: packedFits,
    description: "probability per pixel, flat, for healpy",
    render: ({ found, facts, density, options }) =>
      gzipped(probabilityFits(found(), facts, density(), options.nside)),
  },
  "llh.fits": {
    suffix: ".skymap_llh.fits.gz",
    mediaType: packedFits,
    description: "2·Δllh, flat, as skyreader's",
    render: ({ found, facts, options }) => gzipped(llhFits(found(), facts, options.nside)),
  },
  "llh.multiorder.fits": {
    suffix: ".skymap_llh.multiorder.fits.gz",
    mediaType: packedFits,
    description: "2·Δllh, multi-order; can be read back",
    render: ({ found, facts }) => gzipped(llhMultiOrderFits(found(), facts)),
  },
  "contours.json": {
    suffix: ".contours.json",
    mediaType: "application/json",
    description: "contours in degrees, with their levels and areas",
    render: ({ found }) => contoursJson(found()),
  },
  "contours.geojson": {
    suffix: ".contours.geojson",
    mediaType: "application/geo+json",
    description: "contours as SkyPortal and ligo.skymap have them",
    render: ({ found }) => contoursGeoJson(found()),
  },
  "contours.reg": {
    suffix: ".contours.reg",
    mediaType: "text/plain; charset=utf-8",
    description: "contours as regions for DS9 and Aladin",
    render: ({ found }) => contoursRegions(found()),
  },
  "contour.txt": {
    suffix: ".contour.txt",
    mediaType: "text/plain; charset=utf-8",
    description: "one contour in rad, as skyreader's",
    render: ({ found, options }) => contourText(regionWanted(found(), options.percent)),
  },
  "moc.fits": {
    suffix: ".moc.fits",
    mediaType: fits,
    description: "the credible region as a multi-order coverage map",
    render: ({ density, found, options }) => {
      found();
      return regionMoc(density().cells, (options.percent ?? 90) / 100);
    },
  },
  notice: {
    suffix: ".notice.json",
    mediaType: "application/json",
    description: "GCN notice; nothing is sent",
    render: ({ found, facts, options }) =>
      `${JSON.stringify(noticeOf(found(), facts, noticeOptions(options)), null, 2)}\n`,
  },
  circular: {
    suffix: ".circular.txt",
    mediaType: "text/plain; charset=utf-8",
    description: "text of a GCN Circular",
    render: ({ found, facts, options }) => circularText(found(), facts, options.sources),
  },
} as const satisfies Readonly<Record<string, Format>>;

export type FormatName = keyof typeof formats;

export const isFormatName = (name: string): name is FormatName => Object.hasOwn(formats, name);

/**
 * A map in any of the formats; what they share is worked out once.
 * @returns renders one, of another percent than the options' where that is given
 * @throws InputError, when called, where the map, or a fact, does not serve
 */
export function publisher(
  result: SkyScanResult,
  options: PublishOptions = {},
): (name: FormatName, percent?: number) => string | Uint8Array {
  const { levels, facts = {} } = options;
  let localisation: Localisation | undefined;
  const found = () => {
    localisation ??= localise(result, levels);
    return localisation;
  };
  let widened: PublishedDensity | undefined;
  const density = () => {
    widened ??= densityOf(found(), options);
    return widened;
  };
  const map: Rendered = { result, found, density, facts, options };
  return (name, percent) =>
    formats[name].render(
      percent === undefined ? map : { ...map, options: { ...options, percent } },
    );
}

/** The probability as it is to be published: widened where asked for. */
function densityOf(found: Localisation, { isTempered, smooth }: PublishOptions): PublishedDensity {
  const ninety = regionOf(found.contours, 90);
  if (isTempered && ninety === undefined)
    throw new InputError("the calibration has no level of 90 % to widen the map by");
  const temper = isTempered ? WILKS_90 / ninety!.level : undefined;
  const cells = temper === undefined ? found.cells : densitiesOf(cellsOf(found.result), temper);
  return {
    cells: smooth === undefined ? cells : smoothed(cells, smooth),
    ...(temper !== undefined && { temper }),
    ...(smooth !== undefined && { smooth }),
  };
}

/** 90 % of χ² with two degrees of freedom, −2 ln 0.1: a Gaussian's level. */
const WILKS_90 = -2 * Math.log(0.1);

function requireLikelihood(result: SkyScanResult): SkyScanResult {
  if (!result.isProbability) return result;
  throw new InputError(
    "the likelihood is lost in a probability map: it cannot become a result again",
  );
}

function regionWanted({ contours }: Localisation, percent = 90): Region {
  const region = regionOf(contours, percent);
  if (region) return region;
  const there = contours.map((contour) => contour.percent).join(", ");
  throw new InputError(`no contour of ${percent} %; there are ${there || "none"}`);
}

function noticeOptions({ notice = {}, facts }: PublishOptions): NoticeOptions {
  const now = notice.now ?? facts?.made;
  if (now === undefined) throw new InputError("a notice says when it is issued");
  return { revision: 1, isTest: false, asEllipse: false, ...notice, now };
}
