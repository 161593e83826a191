import { type GeoPath, geoCircle } from "d3-geo";
import { element } from "./svg.ts";

/** The galactic pole, ICRS degrees: RA 12 h 51 min 26.28 s, Dec +27° 7′ 42.0″ (Hipparcos catalogue, ESA SP-1200, 1.5.3). */
const POLE: [number, number] = [192.85948, 27.12825];

/** Light dashes on a dark line: seen, but not before the map. */
export const galacticLine = (d: string): string => {
  const line = { d, fill: "none" };
  return (
    element("path", { ...line, stroke: "#000", "stroke-opacity": 0.4, "stroke-width": 1.6 }) +
    element("path", { ...line, stroke: "#fff", "stroke-width": 1, "stroke-dasharray": "7 4" })
  );
};

/** The galactic equator as a line. */
export function drawGalacticPlane(path: GeoPath): string {
  const [ring] = geoCircle().center(POLE).radius(90).precision(2)().coordinates;
  const d = path({ type: "LineString", coordinates: ring! }) ?? "";
  return d === "" ? "" : galacticLine(d);
}
