/** The cards that every published FITS map carries, whatever its pixels: the event, its errors, how it came about. */

import { version } from "../config/version.ts";
import { eventName } from "../event/event.ts";
import { isoOfMjd } from "../event/utc.ts";
import { degreesPerRadian } from "../geometry/constants.ts";
import { type DensityCell, hpdRegions, isResolved } from "../result/cells.ts";
import { type Card, integerCard, logicalCard, realCard, textCard } from "../result/fits.ts";
import { levelsText } from "../result/levels.ts";
import { type Localisation, regionOf } from "../result/localisation.ts";
import { provenanceOf } from "../result/provenance.ts";
import { bestFit } from "../result/result.ts";
import type { AlertFacts } from "./facts.ts";

const squareDegrees = degreesPerRadian ** 2;

/** How a map's probability was widened; absent: not at all. */
export interface Widening {
  /** β of exp(−β·Δllh). */
  readonly temper?: number;
  /** σ of a Gaussian, rad. */
  readonly smooth?: number;
}

/** Of skyreader and IceCat-1 (names), ligo.skymap (OBJECT, DATE-OBS, … read back by name), and our own provenance. */
export function headerCards(
  found: Localisation,
  facts: AlertFacts,
  density: readonly DensityCell[],
  widening: Widening = {},
): Card[] {
  const { event } = found;
  const { temper, smooth } = widening;
  return [
    textCard("OBJECT", facts.name ?? (event ? eventName(event) : "unknown")),
    ...(facts.url === undefined ? [] : [textCard("REFERENC", facts.url)]),
    textCard("INSTRUME", "IceCube"),
    textCard("ORIGIN", "IceCube"),
    textCard("SENDER", "IceCube Collaboration"),
    textCard("CREATOR", `skyscan ${version}`),
    ...(facts.made === undefined ? [] : [textCard("DATE", facts.made.toISOString().slice(0, 19))]),
    ...(facts.runtime === undefined ? [] : [realCard("RUNTIME", facts.runtime)]),
    ...(event
      ? [
          // ligo.skymap parses DATE-OBS: what is no moment must not stand there.
          ...(Number.isFinite(event.mjd)
            ? [textCard("DATE-OBS", isoOfMjd(event.mjd)), realCard("MJD-OBS", event.mjd)]
            : []),
          integerCard("RUNID", event.runId),
          integerCard("EVENTID", event.eventId),
          textCard("I3TYPE", event.eventType),
          textCard("EVENT-TYPE", event.eventType),
          logicalCard("REAL", event.isRealEvent),
        ]
      : []),
    ...(facts.stream === undefined ? [] : [textCard("ALERT-STREAM", capitalised(facts.stream))]),
    ...(facts.energy === undefined ? [] : [realCard("ENERGY", facts.energy)]),
    ...(facts.signalness === undefined ? [] : [realCard("SIGNAL", facts.signalness)]),
    ...(facts.farPerYear === undefined ? [] : [realCard("FAR", facts.farPerYear)]),
    realCard("RA", found.best.ra * degreesPerRadian),
    realCard("DEC", found.best.dec * degreesPerRadian),
    ...errorCards(found),
    ...provenanceCards(found, density),
    ...(temper === undefined ? [] : [realCard("TEMPER", temper)]),
    ...(smooth === undefined ? [] : [realCard("SMOOTH", smooth * degreesPerRadian)]),
    textCard("COMMENTS", comments(found)),
  ];
}

/** Errors and areas of the contours; those of 90 % also under the names of IceCat-1. */
function errorCards({ contours }: Localisation): Card[] {
  const cards: Card[] = [];
  for (const percent of [50, 90]) {
    const region = regionOf(contours, percent);
    if (region === undefined) continue;
    const errors = [
      ["RA_ERR_PLUS", region.raPlus],
      ["RA_ERR_MINUS", region.raMinus],
      ["DEC_ERR_PLUS", region.decPlus],
      ["DEC_ERR_MINUS", region.decMinus],
    ] as const;
    for (const [key, angle] of errors)
      cards.push(realCard(`${key}_${percent}`, angle * degreesPerRadian));
    if (percent === 90)
      for (const [key, angle] of errors) cards.push(realCard(key, angle * degreesPerRadian));
    cards.push(realCard(`CONTOUR_AREA_${percent}`, region.area * squareDegrees));
  }
  return cards;
}

function provenanceCards(found: Localisation, density: readonly DensityCell[]): Card[] {
  const { result } = found;
  const known = provenanceOf(result);
  const [half, most] = hpdRegions(density, [0.5, 0.9]);
  return [
    textCard("LEVELS", levelsText(found.levels)),
    realCard("HPD_AREA_50", half!.area * squareDegrees),
    realCard("HPD_AREA_90", most!.area * squareDegrees),
    ...(known.recoAlgo === undefined ? [] : [textCard("RECOALGO", known.recoAlgo)]),
    ...(known.light === undefined ? [] : [textCard("LIGHT", known.light)]),
    ...(known.detector === undefined ? [] : [textCard("DETECTOR", known.detector)]),
    ...(known.eventSha256 === undefined ? [] : [textCard("EVTSHA", known.eventSha256)]),
    ...(known.commandLine === undefined ? [] : [textCard("COMMAND", known.commandLine)]),
    textCard("NSIDES", [...result.nsides.keys()].sort((a, b) => a - b).join(",")),
    integerCard("NFITS", found.pixels),
    integerCard("NFAILED", found.failed),
    logicalCard("RESOLVED", isResolved(density)),
    ...(result.isProbability
      ? []
      : [
          realCard("LLHMIN", bestFit(result)!.llh),
          // Between the pixels, where RA and DEC are.
          ...(found.best.isSubPixel ? [realCard("LLHBEST", found.best.llh)] : []),
        ]),
  ];
}

/** What 50 and 90 % mean in this file. */
function comments({ levels, best }: Localisation): string {
  const at = levels.contours
    .map(({ percent, level }) => `${percent}% below 2DLLH ${level}`)
    .join(", ");
  return [
    levels.convention === "HPD"
      ? "RA_ERR, DEC_ERR, CONTOUR_AREA: credible regions (HPD) of this map"
      : `RA_ERR, DEC_ERR, CONTOUR_AREA: ${at} (${levels.source})`,
    "HPD_AREA: smallest regions with that probability in this map",
    ...(best.isSubPixel ? ["RA, DEC: minimum between pixels"] : []),
    ...(levels.remark === undefined ? [] : [levels.remark]),
  ].join("; ");
}

export const capitalised = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
