/** How alike two maps are in shape: for changes of the ice, the light, the algorithm, where pixels cannot agree. */

import { angleBetween, vectorOf } from "../sky/healpix.ts";
import { cellsOf } from "./cells.ts";
import { type Localisation, regionOf } from "./localisation.ts";
import { overlapOf } from "./overlap.ts";

export interface ShapeComparison {
  /** Cells where both have a fit of their own. */
  readonly cells: number;
  /** Pearson's, of Δllh there; null where one does not vary. */
  readonly correlation: number | null;
  /** Of the second's Δllh against the first's, least squares: above 1 the second is steeper. */
  readonly slope: number | null;
  /** The same where the first is within 2Δllh of 100, the part that contours are made of. */
  readonly near: {
    readonly cells: number;
    readonly correlation: number | null;
    readonly slope: number | null;
  };
  /** Between the best directions. */
  readonly separation_deg: number;
  readonly areas: readonly {
    readonly percent: number;
    readonly a_sqdeg: number;
    readonly b_sqdeg: number;
    readonly ratio: number;
  }[];
}

const NEAR = 50;
const squareDegrees = (180 / Math.PI) ** 2;

export function compareShape(a: Localisation, b: Localisation): ShapeComparison {
  const pairs = overlapOf(cellsOf(a.result), cellsOf(b.result))
    .filter((pair) => pair.a.origin === "fit" && pair.b.origin === "fit")
    .map((pair) => [pair.a.llh - a.best.llh, pair.b.llh - b.best.llh] as const);
  return {
    ...related(pairs),
    near: related(pairs.filter(([inA]) => inA < NEAR)),
    separation_deg: angleBetween(vectorOf(a.best), vectorOf(b.best)) * (180 / Math.PI),
    areas: a.contours.flatMap(({ percent, area }) => {
      const other = regionOf(b.contours, percent);
      if (other === undefined) return [];
      return [
        {
          percent,
          a_sqdeg: area * squareDegrees,
          b_sqdeg: other.area * squareDegrees,
          ratio: other.area / area,
        },
      ];
    }),
  };
}

function related(pairs: readonly (readonly [number, number])[]) {
  const count = pairs.length;
  const meanOf = (i: 0 | 1) => pairs.reduce((sum, pair) => sum + pair[i], 0) / count;
  const [meanA, meanB] = [meanOf(0), meanOf(1)];
  let [aa, bb, ab] = [0, 0, 0];
  for (const [x, y] of pairs) {
    aa += (x - meanA) ** 2;
    bb += (y - meanB) ** 2;
    ab += (x - meanA) * (y - meanB);
  }
  return {
    cells: count,
    correlation: aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : null,
    slope: aa > 0 ? ab / aa : null,
  };
}

/** For the terminal. */
export function shapeLines(shape: ShapeComparison): string[] {
  const number = (value: number | null) => (value === null ? "none" : value.toPrecision(4));
  return [
    `${shape.cells} cells with a fit in both: correlation of Δllh ${number(shape.correlation)}, slope ${number(shape.slope)}`,
    `${shape.near.cells} of them within 2Δllh of ${2 * NEAR}: correlation ${number(shape.near.correlation)}, slope ${number(shape.near.slope)}`,
    `best directions ${shape.separation_deg.toFixed(3)}° apart`,
    ...shape.areas.map(
      ({ percent, a_sqdeg, b_sqdeg, ratio }) =>
        `${percent} % contour: ${a_sqdeg.toPrecision(3)} and ${b_sqdeg.toPrecision(3)} sq deg, ratio ${ratio.toPrecision(3)}`,
    ),
  ];
}
