import { degreesPerRadian } from "../geometry/constants.ts";
import { type Catalogue, sourcesFound } from "../publish/sources.ts";
import { cellsOf, densitiesOf } from "../result/cells.ts";
import type { Contour } from "../result/contours.ts";
import type { Levels } from "../result/levels.ts";
import { type Localisation, localise } from "../result/localisation.ts";
import { northFirst } from "../result/orientation.ts";
import { bestFit, type SkyScanResult } from "../result/result.ts";
import type { PixelResult } from "../scan/task.ts";
import type { Direction } from "../sky/healpix.ts";
import type { Palette } from "./colour.ts";
import type { Landmarks } from "./landmarks.ts";
import type { SourceOverlay } from "./sources.ts";

/** What the panels show. */
export interface SkyMap {
  /** Coarse ones first: finer ones are drawn over them. Those without a fit have llh NaN. */
  readonly pixels: readonly PixelResult[];
  /** Undefined where no pixel has a fit. */
  readonly found: Localisation | undefined;
  /** The best direction. */
  readonly centre: Direction;
  /** The zero of −2 Δ ln L. */
  readonly llh: number;
  readonly contours: readonly Contour[];
  readonly landmarks: Landmarks;
  readonly sources: readonly SourceOverlay[];
  readonly palette: Palette;
  /** Probability density is coloured, not likelihood: the highest, 1/deg². */
  readonly highest?: number;
  readonly hasGalacticPlane: boolean;
  /** RA is written in hours. */
  readonly isInHours: boolean;
}

export interface SkyMapOptions {
  readonly levels?: Levels;
  readonly landmarks?: Landmarks;
  readonly catalogues?: readonly Catalogue[];
  readonly palette: Palette;
  readonly view?: "likelihood" | "probability";
  readonly hasGalacticPlane?: boolean;
  readonly isInHours?: boolean;
}

/** A result as it is drawn. */
export function skyMapOf(result: SkyScanResult, options: SkyMapOptions): SkyMap {
  const upright = northFirst(result);
  const best = bestFit(upright);
  const found = best && localise(upright, options.levels);
  const isProbability =
    (options.view ?? (result.isProbability ? "probability" : "")) === "probability";
  const { landmarks = {}, catalogues = [], palette } = options;
  return {
    pixels: [...upright.nsides].sort(([a], [b]) => a - b).flatMap(([, pixels]) => pixels),
    found,
    centre: found?.best ?? { ra: Math.PI, dec: 0 },
    llh: found?.best.llh ?? 0,
    contours: found?.contours ?? [],
    ...{ landmarks, palette },
    sources: found ? catalogues.map((catalogue) => overlayOf(catalogue, found)) : [],
    ...(isProbability && { highest: highestDensity(upright) }),
    hasGalacticPlane: options.hasGalacticPlane ?? true,
    isInHours: options.isInHours ?? false,
  };
}

/** @param catalogue whose sources are told apart by whether they lie within 90 % */
function overlayOf(catalogue: Catalogue, found: Localisation): SourceOverlay {
  const { inside } = sourcesFound(found, catalogue);
  const within90 = new Set(
    inside.filter(({ percent }) => percent <= 90).map(({ source }) => source),
  );
  const sources = catalogue.sources.map((source) => ({
    ...source,
    isInside: within90.has(source),
  }));
  return { name: catalogue.name, sources };
}

/** 1/deg². */
const highestDensity = (result: SkyScanResult): number =>
  densitiesOf(cellsOf(result)).reduce((most, { density }) => Math.max(most, density), 0) /
  degreesPerRadian ** 2;
