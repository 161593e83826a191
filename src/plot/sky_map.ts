// What the panels of a sky map show, whatever they look like.
import { degreesPerRadian } from "../geometry/constants.ts";
import type { Catalogue } from "../publish/sources.ts";
import { type BestDirection, bestDirection } from "../result/best_direction.ts";
import { cellsOf, densitiesOf } from "../result/cells.ts";
import { type Contour, reachOf, traceContours } from "../result/contours.ts";
import { isEnclosed } from "../result/enclosed.ts";
import { hpdLevels, type Levels, levelsOf } from "../result/levels.ts";
import { northFirst } from "../result/orientation.ts";
import { type Rectangle, rectangleOf } from "../result/rectangle.ts";
import type { SkyScanResult } from "../result/result.ts";
import { angleBetween, type Direction, ringOf, vectorOf } from "../sky/healpix.ts";
import type { Palette } from "./colour.ts";
import type { Marks } from "./marks.ts";
import type { Painted } from "./pixels.ts";
import { logarithmicScale, type Scale, squareRootScale } from "./scale.ts";

/** What the colours say: how much worse than the best a pixel is, or how probable. */
export const views = ["llh", "probability"] as const;
export type View = (typeof views)[number];

export interface SkyMap {
  /** Coarse ones first: finer ones are drawn over them. */
  readonly pixels: readonly Painted[];
  /** Undefined where no pixel has a fit. */
  readonly best: BestDirection | undefined;
  readonly levels: Levels;
  readonly contours: readonly Contour[];
  /** 2·Δllh below which the surroundings of the best fit should be in sight, beyond the contours. */
  readonly surroundings: readonly Contour[];
  /** Around the 90 % contour. */
  readonly rectangle?: Rectangle;
  readonly view: View;
  /** Of the whole sky. */
  readonly scale: Scale;
  /** Of the neighbourhood of the best fit; all beyond its end looks the same. */
  readonly nearScale: Scale;
  /** What the colours show, for an axis. */
  readonly quantity: string;
  readonly palette: Palette;
  readonly marks: Marks;
}

/** −2 Δ ln L at the end of the zoom's colour scale at least; skyreader's. */
const SCALE_END = 40;
/** The scale goes so many times beyond the outermost level, or that contour would lie in one dark. */
const BEYOND_LEVELS = 1.3;
/** Valleys of the likelihood below this −2 Δ ln L are part of the neighbourhood. */
const NOTABLE = 20;

export interface MapOptions {
  readonly levels?: Levels;
  readonly view?: View;
  readonly palette?: Palette;
  readonly marks?: Marks;
  readonly catalogues?: readonly Catalogue[];
}

/** @param result counted from either pole */
export function skyMapOf(
  result: SkyScanResult,
  { levels: wanted, view = "llh", palette = "ember", marks = {}, catalogues = [] }: MapOptions,
): SkyMap {
  const upright = northFirst(result);
  const best = bestDirection(upright);
  const levels = wanted ?? (view === "probability" ? hpdLevels : levelsOf(result));
  const contours = traceContours(upright, levels);
  const ninety = contours.find(({ percent }) => percent === 90);
  const rectangle = best && ninety && rectangleOf(ninety, best, upright);
  // Nothing farther than the contour's farthest point lies in it; an open one may go anywhere.
  const reach = ninety && best && (ninety.isOpen ? Math.PI : reachOf(ninety, best));
  const isNear = (source: Direction) =>
    best !== undefined && angleBetween(vectorOf(source), vectorOf(best)) <= (reach ?? 0);
  const shared = {
    ...{ best, levels, contours, view, palette },
    marks: {
      ...marks,
      catalogues: catalogues.map(({ name, sources }) => ({
        name,
        sources: sources.map((source) => ({
          ...source,
          isInside:
            !!best && !!ninety && isNear(source) && isEnclosed(source, ninety, best, upright),
        })),
      })),
    },
    ...(rectangle && { rectangle }),
    surroundings: traceContours(upright, {
      ...levels,
      convention: "given",
      contours: [{ percent: 0, level: NOTABLE }],
    }),
  };
  if (view === "probability") {
    const pixels = densityPixels(upright);
    const scale = logarithmicScale(pixels.reduce((most, { value }) => Math.max(most, value), 0));
    return { ...shared, pixels, scale, nearScale: scale, quantity: "Probability per deg²" };
  }
  const pixels = likelihoodPixels(upright, best?.llh ?? 0);
  const worst = pixels.reduce(
    (most, { value }) => (value < 1e300 ? Math.max(most, value) : most),
    0,
  );
  const outermost = Math.max(0, ...contours.map(({ level }) => level));
  return {
    ...{ ...shared, pixels, quantity: "−2 Δ ln L" },
    scale: squareRootScale(worst),
    nearScale: squareRootScale(Math.max(SCALE_END, BEYOND_LEVELS * outermost)),
  };
}

const likelihoodPixels = ({ nsides }: SkyScanResult, best: number): Painted[] =>
  [...nsides]
    .sort(([a], [b]) => a - b)
    .flatMap(([nside, pixels]) =>
      pixels.map(({ pixel, llh }) => ({ nside, pixel, value: 2 * (llh - best) })),
    );

/** Per square degree. What nobody knows anything of is left out. */
function densityPixels(result: SkyScanResult): Painted[] {
  const cells = cellsOf(result);
  const densities = densitiesOf(cells);
  return densities.flatMap(({ order, pixel, density }, i) =>
    cells[i]!.origin === "none"
      ? []
      : {
          nside: 2 ** order,
          pixel: ringOf(2 ** order, pixel),
          value: cells[i]!.origin === "failed" ? Number.NaN : density / degreesPerRadian ** 2,
        },
  );
}
