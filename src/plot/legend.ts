/** What the lines and markers of a map mean, and the numbers that go with them. */

import { degreesPerRadian } from "../geometry/constants.ts";
import { sizeText, threeDigits } from "../result/contours.ts";
import { legendText, shareText } from "../result/levels.ts";
import { angleBetween, type Direction, vectorOf } from "../sky/healpix.ts";
import { dashOf } from "./contour_lines.ts";
import { galacticLine } from "./galactic_plane.ts";
import { textWidth } from "./labels.ts";
import { marker, ONLINE_COLOUR, RECTANGLE_COLOUR } from "./markers.ts";
import { NO_FIT_COLOUR } from "./pixels.ts";
import type { SkyMap } from "./sky_map.ts";
import { shapeOf } from "./sources.ts";
import { element, text } from "./svg.ts";
import { quotedRegion } from "./zoom.ts";

export interface LegendRow {
  /** Drawn around a place, the middle of the sample; absent for rows of text alone. */
  readonly sample?: (x: number, y: number) => string;
  readonly content: string;
}

const SIZE = 12;
const PITCH = 18;
/** Of a row's sample, and from there to its text, px. */
const SAMPLE = 32;
const GAP = 9;

const lineSample =
  (stroke: string, width: number, dash?: string) =>
  (x: number, y: number): string =>
    element("line", {
      ...{ x1: x - SAMPLE / 2, x2: x + SAMPLE / 2, y1: y, y2: y, stroke },
      ...{ "stroke-width": width, "stroke-dasharray": dash },
    });

/** Of an angle with its sign, degrees, two decimals. */
export const signedDegrees = (angle: number): string =>
  `${angle < 0 ? "−" : "+"}${Math.abs(angle * degreesPerRadian).toFixed(2)}`;

/** Contours, their areas and convention. @param hasRectangle it is drawn; its numbers are given in any case */
export function regionRows(map: SkyMap, hasRectangle: boolean): LegendRow[] {
  const { found, contours } = map;
  if (found === undefined) return [];
  const areas = contours.map(
    (contour, i): LegendRow => ({
      sample: lineSample("#000", 1.8, dashOf(i)),
      content: `${shareText(contour.percent)}  (−2 Δ ln L = ${Number(contour.level.toFixed(2))}):  ${sizeText(contour, "deg²")}`,
    }),
  );
  const region = quotedRegion(map);
  const rectangle =
    region && region.lines.length > 0 ? rectangleRow(map.centre, region, hasRectangle) : [];
  const credible = found.hpd.map(({ percent, area, resolvedArea }) => {
    const isTooSmall = area < resolvedArea;
    const size = threeDigits((isTooSmall ? resolvedArea : area) * degreesPerRadian ** 2);
    return `${percent} % ${isTooSmall ? "< " : ""}${size} deg²`;
  });
  return [
    ...areas,
    ...rectangle,
    { content: `Levels: ${legendText(found.levels)}` },
    ...(found.levels.convention === "HPD" || found.hpd.some(({ area }) => !(area > 0))
      ? []
      : [{ content: `Credible regions of the map as it is (HPD): ${credible.join(", ")}` }]),
  ];
}

function rectangleRow(
  centre: Direction,
  region: NonNullable<ReturnType<typeof quotedRegion>>,
  isDrawn: boolean,
): LegendRow[] {
  const two = (angle: number) => (angle * degreesPerRadian).toFixed(2);
  const ra = region.containsPole
    ? "every RA"
    : `RA ${two(centre.ra)}° +${two(region.raPlus)} −${two(region.raMinus)}`;
  const dec = `Dec ${signedDegrees(centre.dec)}° +${two(region.decPlus)} −${two(region.decMinus)}`;
  const sample = isDrawn && { sample: lineSample(RECTANGLE_COLOUR, 1.5, "5 3") };
  return [{ ...sample, content: `90 % rectangle: ${ra}, ${dec}` }];
}

/** Markers and what else is drawn. @param hasBox the zoomed part is framed */
export function markRows(map: SkyMap, hasBox: boolean): LegendRow[] {
  const { found, centre, landmarks, sources } = map;
  const away = (direction: Direction) =>
    `${(angleBetween(vectorOf(direction), vectorOf(centre)) * degreesPerRadian).toFixed(2)}° away`;
  const { online, truth } = landmarks;
  const failed = found?.failed ?? 0;
  const rows: (LegendRow | false)[] = [
    found !== undefined && { sample: (x, y) => marker("star", x, y, 6), content: "best fit" },
    truth !== undefined && {
      sample: (x, y) => marker("diamond", x, y, 5),
      content: `true direction, ${away(truth)}`,
    },
    online !== undefined && {
      sample: (x, y) => lineSample(ONLINE_COLOUR, 1.3)(x, y) + marker("cross", x, y, 4.5),
      content: `${online.name}, ${away(online)}${online.error ? `; 50, 90 % circles (${online.error})` : ""}`,
    },
    ...sources.map(({ name, sources: list }, i): LegendRow => {
      const inside = list.filter(({ isInside }) => isInside).length;
      return {
        sample: (x, y) => marker(shapeOf(i), x, y, 4.5),
        content: `${name}: ${inside} inside 90 %`,
      };
    }),
    map.hasGalacticPlane && {
      sample: (x, y) => galacticLine(`M${x - SAMPLE / 2},${y}h${SAMPLE}`),
      content: "galactic plane",
    },
    hasBox && {
      sample: (x, y) =>
        element("rect", {
          x: x - 6,
          y: y - 6,
          width: 12,
          height: 12,
          fill: "none",
          stroke: "#000",
        }),
      content: "enlarged beside",
    },
    failed > 0 && {
      sample: (x, y) =>
        element("rect", {
          x: x - 8,
          y: y - 6,
          width: 16,
          height: 12,
          fill: NO_FIT_COLOUR,
          stroke: "#888",
          "stroke-width": 0.6,
        }),
      content: `no fit: ${failed} pixels`,
    },
  ];
  return rows.filter((row) => row !== false);
}

const widthOf = ({ content, sample }: LegendRow): number =>
  textWidth(content, SIZE) + (sample ? SAMPLE + GAP : 0);

/** Rows one below the other, in as many columns as they have room in. @returns finished SVG, and how high it is */
export function legend(
  rows: readonly LegendRow[],
  { x, y, width }: { x: number; y: number; width: number },
): { svg: string; height: number } {
  const widest = Math.max(1, ...rows.map(widthOf));
  const columns = Math.max(1, Math.min(rows.length, Math.floor((width + 24) / (widest + 24))));
  const perColumn = Math.ceil(rows.length / columns);
  const svg = rows.map((row, i) => {
    const left = x + Math.floor(i / perColumn) * (width / columns);
    const line = y + PITCH * (i % perColumn);
    const sample = row.sample?.(left + SAMPLE / 2, line - 4) ?? "";
    const style = row.sample ? { "font-size": SIZE } : { "font-size": SIZE, fill: "#555" };
    return sample + text(left + (row.sample ? SAMPLE + GAP : 0), line, row.content, style);
  });
  return { svg: svg.join(""), height: PITCH * perColumn };
}
