/** Contours as files: skyreader's text, JSON, GeoJSON, DS9 regions, and the MOC of a credible region. */

import { degreesPerRadian } from "../geometry/constants.ts";
import { type CellPlace, type DensityCell, hpdRegions, uniqOf } from "../result/cells.ts";
import type { ContourLine } from "../result/contours.ts";
import { integerCard, textCard, writeFits } from "../result/fits.ts";
import { pythonFloat } from "../result/json.ts";
import type { Localisation, Region } from "../result/localisation.ts";
import type { Direction } from "../sky/healpix.ts";

const squareDegrees = degreesPerRadian ** 2;

type Point = readonly [ra: number, dec: number];

const inDegrees = ({ ra, dec }: Direction): Point => [
  ra * degreesPerRadian,
  dec * degreesPerRadian,
];

/** The points of a line, a closed one ending where it began. */
const ring = ({ points, isClosed }: ContourLine): Direction[] =>
  isClosed && points.length > 0 ? [...points, points[0]!] : [...points];

const rings = ({ lines }: Region): Point[][] => lines.map((line) => ring(line).map(inDegrees));

/**
 * One contour as skyreader writes it: a table of two columns in rad that `astropy.io.ascii` reads. It writes the first
 * piece only; here all of them follow each other, with an empty line between, which astropy passes over.
 */
export function contourText({ lines }: Region): string {
  const pieces = lines.map((line) =>
    ring(line)
      .map(({ ra, dec }) => `${pythonFloat(ra)} ${pythonFloat(dec)}\n`)
      .join(""),
  );
  return `"ra (rad)" "dec (rad)"\n${pieces.join("\n")}`;
}

/** All contours in degrees. */
export function contoursJson({ levels, contours }: Localisation): string {
  const document = {
    convention: levels.convention,
    frame: "ICRS",
    unit: "deg",
    contours: contours.map((region) => ({
      percent: region.percent,
      level: region.level,
      area_sqdeg: region.area * squareDegrees,
      open: region.isOpen,
      contains_pole: region.containsPole,
      pieces: rings(region),
    })),
  };
  return `${JSON.stringify(document)}\n`;
}

/**
 * A FeatureCollection as ligo-skymap-contour and SkyPortal make it: the best fit as a point, then one MultiLineString
 * a level; degrees, RA from 0 to 360, lines not split where they pass 0.
 */
export function contoursGeoJson({ best, contours }: Localisation): string {
  const feature = (credibleLevel: number, geometry: object) => ({
    type: "Feature",
    properties: { credible_level: credibleLevel },
    geometry,
  });
  const document = {
    type: "FeatureCollection",
    features: [
      feature(0, { type: "Point", coordinates: inDegrees(best) }),
      ...contours.map((region) =>
        feature(region.percent, { type: "MultiLineString", coordinates: rings(region) }),
      ),
    ],
  };
  return `${JSON.stringify(document)}\n`;
}

const regionColours = ["green", "blue", "magenta", "red"];

/** Regions for DS9 and Aladin: a point at the best fit, one polygon a piece; what is open is drawn as its lines. */
export function contoursRegions({ best, contours, levels }: Localisation): string {
  const lines = contours.flatMap((region, i) => {
    const label = `color=${regionColours[i % regionColours.length]} tag={${region.percent}%}`;
    return region.lines.flatMap(({ points, isClosed }) => {
      const degrees = points.map(inDegrees);
      if (isClosed) return [`polygon(${degrees.flat().join(",")}) # ${label}`];
      return degrees
        .slice(1)
        .map((to, at) => `line(${[...degrees[at]!, ...to].join(",")}) # line=0 0 ${label}`);
    });
  });
  const [ra, dec] = inDegrees(best);
  return [
    "# Region file format: DS9 version 4.1",
    `# ${contours.map(({ percent, level }) => `${percent}% below 2DLLH ${level}`).join(", ")} (${levels.source})`,
    "fk5",
    `point(${ra},${dec}) # point=cross`,
    ...lines,
    "",
  ].join("\n");
}

/** The multi-order coverage (MOC) of the credible region with a share of the probability, 0 to 1. */
export function regionMoc(density: readonly DensityCell[], share: number): Uint8Array {
  const [region] = hpdRegions(density, [share]);
  const places = joined(region!.cells);
  const order = places.reduce((finest, place) => Math.max(finest, place.order), 0);
  return writeFits(
    [{ name: "UNIQ", type: "K", values: places.map(uniqOf) }],
    [
      textCard("PIXTYPE", "HEALPIX"),
      textCard("ORDERING", "NUNIQ"),
      textCard("COORDSYS", "C"),
      integerCard("MOCORDER", order),
      textCard("MOCTOOL", "skyscan"),
    ],
  );
}

/** The same region in the fewest cells, sorted by UNIQ: four siblings make their parent, as a MOC wants them. */
function joined(cells: readonly CellPlace[]): CellPlace[] {
  const byOrder = new Map<number, Set<number>>();
  for (const { order, pixel } of cells)
    byOrder.set(order, (byOrder.get(order) ?? new Set()).add(pixel));
  for (let order = Math.max(0, ...byOrder.keys()); order > 0; order--) {
    const here = byOrder.get(order) ?? new Set();
    const above = byOrder.get(order - 1) ?? new Set();
    byOrder.set(order - 1, above);
    for (const pixel of here) {
      const first = pixel - (pixel % 4);
      const siblings = [first, first + 1, first + 2, first + 3];
      if (!siblings.every((sibling) => here.has(sibling))) continue;
      for (const sibling of siblings) here.delete(sibling);
      above.add(first / 4);
    }
  }
  return [...byOrder]
    .flatMap(([order, pixels]) => [...pixels].map((pixel) => ({ order, pixel })))
    .sort((a, b) => uniqOf(a) - uniqOf(b));
}
