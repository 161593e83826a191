import type { GeoPath } from "d3-geo";
import { degreesPerRadian } from "../geometry/constants.ts";
import type { Contour } from "../result/contours.ts";
import { cased } from "./svg.ts";

/** How contours look: the inner one full, the next dashed, the third dotted. */
const dashes = [[], [7, 4], [2, 3]] as const;

/** @param shrunk by this, where there is little room */
export function dashOf(index: number, shrunk = 1): string | undefined {
  const lengths = dashes[index % dashes.length]!;
  return lengths.length === 0 ? undefined : lengths.map((length) => length * shrunk).join(" ");
}

/** Contours as lines on a white casing, legible on any colour. */
export function drawContours(contours: readonly Contour[], path: GeoPath, width: number): string {
  return contours
    .map(({ lines }, i) => {
      const d = lines
        .map(({ points, isClosed }) => {
          const coordinates = points.map(({ ra, dec }) => [
            ra * degreesPerRadian,
            dec * degreesPerRadian,
          ]);
          if (isClosed) coordinates.push(coordinates[0]!);
          return path({ type: "LineString", coordinates }) ?? "";
        })
        .join("");
      return cased(d, { stroke: "#000", "stroke-width": width, "stroke-dasharray": dashOf(i) });
    })
    .join("");
}
