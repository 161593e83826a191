import type { GeoPath } from "d3-geo";
import { degreesPerRadian } from "../geometry/constants.ts";
import type { Contour } from "../result/contours.ts";
import { element } from "./svg.ts";

/** How contours look: the inner one full, the next dashed. */
const dashes = [undefined, "7 4", "2 3"];
export const dashOf = (index: number): string | undefined => dashes[index % dashes.length];

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
      if (d === "") return "";
      const line = { d, fill: "none", "stroke-linejoin": "round" };
      return (
        element("path", {
          ...line,
          stroke: "#fff",
          "stroke-opacity": 0.7,
          "stroke-width": width + 2,
        }) +
        element("path", {
          ...line,
          stroke: "#000",
          "stroke-width": width,
          "stroke-dasharray": dashOf(i),
        })
      );
    })
    .join("");
}
