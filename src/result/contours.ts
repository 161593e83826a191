import type Delaunator from "delaunator";
import { degreesPerRadian } from "../geometry/constants.ts";
import { type Direction, npix, type Vector, vectorOf, wrap } from "../sky/healpix.ts";
import { cross, dot, unit } from "../sky/tangent_plane.ts";
import type { BestDirection } from "./best_direction.ts";
import { cellsOf, densitiesOf, hpdRegions } from "./cells.ts";
import {
  type ContourLevel,
  type Convention,
  hpdPercents,
  type Levels,
  levelsOf,
} from "./levels.ts";
import type { SkyScanResult } from "./result.ts";
import { surfaceOf } from "./surface.ts";

/** Where 2·Δllh passes one level. */
export interface Contour extends ContourLevel {
  readonly convention: Convention;
  /** Solid angle below the level, sr. A lower limit where the contour is open. */
  readonly area: number;
  /** Radius of the circle in the plane of that area, √(area/π), rad. */
  readonly radius: number;
  /** Reaches the edge of what has been scanned. */
  readonly isOpen: boolean;
  /** The smallest area the map resolves, sr: below it, the area says more about the pixels than about the event. */
  readonly resolvedArea: number;
  readonly lines: readonly ContourLine[];
}

export interface ContourLine {
  readonly isClosed: boolean;
  /** A closed line does not repeat its first point. */
  readonly points: readonly Direction[];
}

/**
 * Traces the contours of a map on its {@link surfaceOf | surface}.
 * @param levels default: those of the algorithm that made the map
 * @returns one contour per level; none for a map of fewer than three pixels
 */
export function traceContours(
  result: SkyScanResult,
  { convention, contours }: Levels = levelsOf(result),
): Contour[] {
  const surface = surfaceOf(result);
  if (surface === undefined) return [];
  const { best, mesh, vectors, values, height } = surface;
  const resolvedArea = FEWEST_PIXELS * smallestPixel(result);
  const wanted: readonly WantedContour[] =
    convention === "HPD" ? credibleContours(result, best) : contours;
  return wanted.map(({ percent, level, area: known }) => {
    const at = height(level);
    const area = known ?? areaBelow(at, mesh, vectors, values);
    return {
      ...{ convention, percent, level, area, resolvedArea },
      radius: Math.sqrt(area / Math.PI),
      isOpen: mesh.hull.some((point) => values[point]! < at),
      lines: traceLines(at, mesh, vectors, values),
    };
  });
}

/** Where the area is known otherwise it is not measured on the mesh. */
interface WantedContour extends ContourLevel {
  readonly area?: number;
}

/**
 * The credible regions as levels of 2·Δllh, which is the density's own order: the level of the cell that completes a
 * share. Their areas are the cells', as those who add up cells find them.
 */
const credibleContours = (result: SkyScanResult, best: BestDirection): WantedContour[] => {
  const likelihoods = cellsOf(result);
  const cells = densitiesOf(likelihoods);
  const highest = cells.reduce((most, { density }) => Math.max(most, density), 0);
  const known = likelihoods.map(({ llh }) => llh).filter((llh) => !Number.isNaN(llh));
  const lowest = known.reduce((least, llh) => Math.min(least, llh), Number.POSITIVE_INFINITY);
  const shares = hpdPercents.map((percent) => percent / 100);
  return hpdRegions(cells, shares).map(({ level, area }, i) => ({
    percent: hpdPercents[i]!,
    level: 2 * (lowest - best.llh - Math.log(level / highest)),
    area,
  }));
};

/** Contours are linear between pixels' centres: an area of fewer of them is a matter of where these happen to lie. */
const FEWEST_PIXELS = 4;

/** Solid angle of one of a map's finest pixels, sr. */
const smallestPixel = ({ nsides }: SkyScanResult): number =>
  (4 * Math.PI) / npix(Math.max(...nsides.keys()));

/** Solid angle of a spherical triangle (van Oosterom & Strackee 1983, IEEE Trans. Biomed. Eng. 30, 125). */
const triangleArea = (a: Vector, b: Vector, c: Vector): number =>
  2 * Math.atan2(Math.abs(dot(a, cross(b, c))), 1 + dot(a, b) + dot(b, c) + dot(c, a));

/** Three points, the one with the lowest value first, equal ones as they come: sorted without a list for each triangle. */
function byValue(
  a: number,
  b: number,
  c: number,
  values: readonly number[],
): [number, number, number] {
  const [first, second] = values[b]! < values[a]! ? [b, a] : [a, b];
  if (values[c]! < values[first]!) return [c, first, second];
  return values[c]! < values[second]! ? [first, c, second] : [first, second, c];
}

function areaBelow(
  level: number,
  { triangles }: Delaunator,
  vectors: readonly Vector[],
  values: readonly number[],
): number {
  let area = 0;
  for (let t = 0; t < triangles.length; t += 3) {
    const [a, b, c] = byValue(triangles[t]!, triangles[t + 1]!, triangles[t + 2]!, values);
    const [low, middle, high] = [values[a]!, values[b]!, values[c]!];
    if (low >= level) continue;
    let share = 1;
    if (middle >= level) share = ((level - low) / (middle - low)) * ((level - low) / (high - low));
    else if (high >= level)
      share = 1 - ((high - level) / (high - low)) * ((high - level) / (high - middle));
    area += share * triangleArea(vectors[a]!, vectors[b]!, vectors[c]!);
  }
  return area;
}

function traceLines(
  level: number,
  { triangles, halfedges }: Delaunator,
  vectors: readonly Vector[],
  values: readonly number[],
): ContourLine[] {
  const next = (edge: number) => (edge % 3 === 2 ? edge - 2 : edge + 1);
  const isInside = (edge: number) => values[triangles[edge]!]! < level;
  const leaves = (edge: number) => isInside(edge) && !isInside(next(edge));
  const enters = (edge: number) => !isInside(edge) && isInside(next(edge));
  const crossing = (edge: number): Direction => {
    const [from, to] = [triangles[edge]!, triangles[next(edge)]!];
    const share = (level - values[from]!) / (values[to]! - values[from]!);
    const [a, b] = [vectors[from]!, vectors[to]!];
    const [x, y, z] = unit([
      a[0] + share * (b[0] - a[0]),
      a[1] + share * (b[1] - a[1]),
      a[2] + share * (b[2] - a[2]),
    ]);
    const ra = Math.atan2(y, x);
    return { ra: wrap(ra), dec: Math.asin(z) };
  };

  // In a triangle the line comes in through the edge that leaves the region and goes out through the one that enters
  // it; that edge's other half leaves the region in the next triangle.
  const done = new Set<number>();
  const follow = (first: number): ContourLine => {
    const points: Direction[] = [];
    let edge = first;
    do {
      done.add(edge);
      points.push(crossing(edge));
      const out = [next(edge), next(next(edge))].find(enters)!;
      edge = halfedges[out]!;
      if (edge === -1) points.push(crossing(out));
    } while (edge !== -1 && edge !== first);
    return { isClosed: edge !== -1, points };
  };
  const starts: number[] = [];
  for (let edge = 0; edge < triangles.length; edge++) if (leaves(edge)) starts.push(edge);
  const lines: ContourLine[] = [];
  // Lines that begin at the edge of the map first, so that they are followed from their end.
  for (const wanted of [true, false])
    for (const edge of starts)
      if ((halfedges[edge] === -1) === wanted && !done.has(edge)) lines.push(follow(edge));
  return lines;
}

/** "0.0653", "1.50", "2010". */
export const threeDigits = (value: number): string =>
  value >= 1000 ? String(Number(value.toPrecision(3))) : value.toPrecision(3);

/** A contour's size in words: "1.49 sq deg, circularised radius 0.69°". */
export function sizeText({ area, radius, isOpen, resolvedArea }: Contour, unit = "sq deg"): string {
  const squareDegrees = degreesPerRadian ** 2;
  if (area < resolvedArea && !isOpen)
    return `< ${(resolvedArea * squareDegrees).toPrecision(1)} ${unit} (below the map's resolution)`;
  const size = threeDigits(area * squareDegrees);
  const around = (radius * degreesPerRadian).toPrecision(2);
  return `${isOpen ? "≥ " : ""}${size} ${unit}, circularised radius ${around}°`;
}

/** Largest angle between a direction and a contour's points, rad; 0 without points. */
export function reachOf(contour: Contour, { ra, dec }: Direction): number {
  const centre = vectorOf({ ra, dec });
  let reach = 0;
  for (const { points } of contour.lines)
    for (const point of points)
      reach = Math.max(reach, Math.acos(Math.min(1, dot(centre, vectorOf(point)))));
  return reach;
}
