/** The text block of a GCN Circular about a revised direction, worded as IceCube's circulars are. */

import { isoOfMjd } from "../event/utc.ts";
import { degreesPerRadian } from "../geometry/constants.ts";
import { sizeText } from "../result/contours.ts";
import { type Localisation, type Region, regionOf } from "../result/localisation.ts";
import { type AlertFacts, requireAlertName, type Stream } from "./facts.ts";
import { capitalised } from "./header.ts";
import { dayOf } from "./notice.ts";
import type { SourcesFound } from "./sources.ts";

/** Average share of astrophysical neutrinos in a stream (GCN Circulars; IceCat-1, ApJS 269, 25). */
const purity: Readonly<Partial<Record<Stream, string>>> = { gold: "50%", bronze: "30%" };

/**
 * The circular's text.
 * @param sources nothing is said about sources without it
 * @throws InputError for an alert's name that is another day's
 */
export function circularText(
  found: Localisation,
  facts: AlertFacts,
  sources?: SourcesFound,
): string {
  const { event, best, contours } = found;
  if (facts.name !== undefined)
    requireAlertName(facts.name, event === undefined ? undefined : dayOf(event.mjd));
  const region = regionOf(contours, 90);
  const isKnown = region !== undefined && (region.area >= region.resolvedArea || region.isOpen);
  const dec = best.dec * degreesPerRadian;
  const paragraphs = [
    `${facts.name ?? "IceCube"}: IceCube observation of a high-energy neutrino candidate ${facts.stream === "cascade" ? "cascade" : "track-like"} event`,
    introduction(found, facts),
    "After the initial automated alert, a likelihood scan of the sky was applied offline, with the direction refined to:",
    [
      event && `Date: ${isoOfMjd(event.mjd).slice(0, 10).replaceAll("-", "/")}`,
      event && `Time: ${isoOfMjd(event.mjd).slice(11, 22)} UT`,
      `RA: ${(best.ra * degreesPerRadian).toFixed(2)}${isKnown ? ` (${errors(region.raPlus, region.raMinus)})` : ""} J2000`,
      `Dec: ${dec < 0 ? "-" : "+"}${Math.abs(dec).toFixed(2)}${isKnown ? ` (${errors(region.decPlus, region.decMinus)})` : ""} J2000`,
    ]
      .filter(Boolean)
      .join("\n"),
    containment(found, region),
    ...(sources ? [sourcesText(sources)] : []),
    "We encourage follow-up by ground and space-based instruments to help identify a possible astrophysical source for the candidate neutrino.",
  ];
  return `${paragraphs.filter((paragraph) => paragraph !== "").join("\n\n")}\n`;
}

const errors = (plus: number, minus: number): string =>
  `+${(plus * degreesPerRadian).toFixed(2)} / -${(minus * degreesPerRadian).toFixed(2)} deg 90% PSF containment`;

function introduction({ event }: Localisation, facts: AlertFacts): string {
  if (event === undefined) return "";
  const time = isoOfMjd(event.mjd);
  const share = facts.stream && purity[facts.stream];
  const kind = facts.stream === "cascade" ? "cascade-like" : "track-like";
  return [
    `On ${time.slice(2, 10).replaceAll("-", "/")} at ${time.slice(11, 22)} UT IceCube detected a ${kind} event.`,
    ...(facts.stream === undefined
      ? []
      : [
          `The event was selected by the ICECUBE_Astrotrack_${capitalised(facts.stream)} alert stream.`.replace(
            "ICECUBE_Astrotrack_Cascade",
            "IceCube Cascade",
          ),
        ]),
    ...(share === undefined
      ? []
      : [
          `The average astrophysical neutrino purity for ${capitalised(facts.stream!)} alerts is ${share}.`,
        ]),
    ...(facts.farPerYear === undefined
      ? []
      : [
          `This alert has an estimated false alarm rate of ${facts.farPerYear} events per year due to atmospheric backgrounds.`,
        ]),
    ...(facts.energy === undefined
      ? []
      : [`The most probable neutrino energy is ${facts.energy} TeV.`]),
    ...(facts.signalness === undefined
      ? []
      : [`Its probability to be of astrophysical origin is ${facts.signalness}.`]),
  ].join(" ");
}

function containment({ levels, hpd }: Localisation, region: Region | undefined): string {
  const credible = regionOf(hpd, 90);
  return [
    ...(region ? [`The 90% region has ${sizeText(region).replace(/, circ.*/, "")}.`] : []),
    ...(region?.containsPole ? ["It contains a celestial pole: every right ascension."] : []),
    `Its level follows the convention: ${levels.source}${levels.remark ? ` (${levels.remark})` : ""}.`,
    ...(credible && levels.convention !== "HPD"
      ? [`The 90% credible region of the map has ${sizeText(credible).replace(/, circ.*/, "")}.`]
      : []),
  ].join(" ");
}

/** As circulars name sources: those inside of the 90 % region, or the nearest outside. */
function sourcesText({ inside, nearest, catalogue }: SourcesFound): string {
  const degrees = (angle: number) => (angle * degreesPerRadian).toFixed(2);
  const place = (ra: number, dec: number) =>
    `(RA: ${degrees(ra)} deg, Dec: ${degrees(dec)} deg J2000)`;
  const within = inside.filter(({ percent }) => percent <= 90);
  if (within.length > 0) {
    const list = within
      .map(
        ({ source, distance }) =>
          `${source.name} at ${place(source.ra, source.dec)}, ${degrees(distance)} degrees away from the best-fit event position`,
      )
      .join("; ");
    return within.length === 1
      ? `There is one source of ${catalogue} located within the 90% localization region: ${list}.`
      : `There are ${within.length} sources of ${catalogue} located within the 90% localization region: ${list}.`;
  }
  const next = nearest;
  return `There are no sources of ${catalogue} located within the 90% localization region.${
    next
      ? ` The nearest is ${next.source.name} at ${place(next.source.ra, next.source.dec)}, ${degrees(next.distance)} degrees away from the best-fit event position.`
      : ""
  }`;
}
