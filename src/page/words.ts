/** Numbers, times and states as the page says them. */
import { degreesPerRadian } from "../geometry/constants.ts";

/** Between a number and its unit, and between groups of three digits: no line ends there. */
const THIN = "\u00a0";
const MINUS = "−";
export const NOTHING = "–";

/** A number with a true minus sign. */
export const fixed = (value: number, digits: number): string =>
  value.toFixed(digits).replace("-", MINUS);

/** 1106 → "1 106". */
export const grouped = (value: number): string =>
  Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, THIN);

export const percent = (share: number): string => `${Math.floor(100 * share)}${THIN}%`;

/** Right ascension, degrees in [0, 360). */
export function raText(ra: number, digits = 2): string {
  const degrees = (((ra * degreesPerRadian) % 360) + 360) % 360;
  return `${(degrees.toFixed(digits) === (360).toFixed(digits) ? 0 : degrees).toFixed(digits)}°`;
}

/** Declination, degrees, with its sign always. */
export const decText = (dec: number, digits = 2): string =>
  `${signOf(dec)}${Math.abs(dec * degreesPerRadian).toFixed(digits)}°`;

const signOf = (value: number): string => (value < 0 ? MINUS : "+");
const two = (value: number): string => String(value).padStart(2, "0");

/** Right ascension in hours, minutes, seconds of time. */
export function hmsText(ra: number): string {
  const turn = 2 * Math.PI;
  const tenths = Math.round(((((ra % turn) + turn) % turn) / turn) * 864000) % 864000;
  const seconds = (tenths % 600) / 10;
  return `${two(Math.floor(tenths / 36000))}h${THIN}${two(Math.floor(tenths / 600) % 60)}m${THIN}${seconds.toFixed(1).padStart(4, "0")}s`;
}

/** Declination in degrees, minutes, seconds of arc. */
export function dmsText(dec: number): string {
  const seconds = Math.round(Math.abs(dec * degreesPerRadian) * 3600);
  return `${signOf(dec)}${two(Math.floor(seconds / 3600))}°${THIN}${two(Math.floor(seconds / 60) % 60)}′${THIN}${two(seconds % 60)}″`;
}

/** Where, as the desk's circular has it, in plain ASCII. Angles in rad; without errors where none are known. */
export function circularLines(
  best: { readonly ra: number; readonly dec: number },
  extent?: {
    readonly raPlus: number;
    readonly raMinus: number;
    readonly decPlus: number;
    readonly decMinus: number;
  },
): string {
  const degrees = (angle: number) => (angle * degreesPerRadian).toFixed(2);
  const errors = (plus: number, minus: number) =>
    ` (+${degrees(plus)} / -${degrees(minus)} deg 90% PSF containment)`;
  return [
    `RA: ${degrees(best.ra)}${extent ? errors(extent.raPlus, extent.raMinus) : ""} J2000`,
    `Dec: ${best.dec < 0 ? "" : "+"}${degrees(best.dec)}${extent ? errors(extent.decPlus, extent.decMinus) : ""} J2000`,
  ].join("\n");
}

/** An angle, rad, in degrees of fitting precision. */
export function angleText(angle: number): string {
  const degrees = angle * degreesPerRadian;
  return `${degrees < 10 ? degrees.toFixed(2) : degrees.toFixed(1)}°`;
}

/** Three digits, deg². @param resolved the smallest area the map resolves, deg² */
export function areaText(area: number, isOpen = false, resolved = 0): string {
  if (!isOpen && area < resolved) return `<${THIN}${Number(resolved.toPrecision(1))}${THIN}deg²`;
  const digits = area >= 100 ? area.toFixed(0) : area >= 10 ? area.toFixed(1) : area.toFixed(2);
  return `${isOpen ? "≥" : ""}${digits}${THIN}deg²`;
}

/** 2Δllh: two decimals below 100. */
export const deltaText = (value: number): string =>
  value < 99.995 ? fixed(value, 2) : value < 1e6 ? grouped(value) : value.toExponential(1);

/** From GeV: 20500 → "20.5 TeV". */
export function energyText(gev: number): string {
  const units = ["GeV", "TeV", "PeV", "EeV"];
  let unit = 0;
  let value = gev;
  while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${Number(value.toPrecision(3))}${THIN}${units[unit]}`;
}

/** How long ago, in one unit: "12 s", "2 min", "5 h", "3 d". */
export function ageText(seconds: number): string {
  const s = Math.max(0, seconds);
  if (s < 60) return `${Math.floor(s)}${THIN}s`;
  if (s < 3600) return `${Math.floor(s / 60)}${THIN}min`;
  if (s < 2 * 86400) return `${Math.floor(s / 3600)}${THIN}h`;
  return `${Math.floor(s / 86400)}${THIN}d`;
}

/** A length of time: "39 s", "1 min 52 s", "2 h 05 min". */
export function durationText(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s}${THIN}s`;
  if (s < 3600)
    return `${Math.floor(s / 60)}${THIN}min${s < 600 && s % 60 > 0 ? ` ${s % 60}${THIN}s` : ""}`;
  return `${Math.floor(s / 3600)}${THIN}h ${two(Math.floor(s / 60) % 60)}${THIN}min`;
}

/** Since the event: "+79.5 s". */
export function sinceText(seconds: number): string {
  if (Math.abs(seconds) < 200) return `+${Number(seconds.toFixed(1))}${THIN}s`;
  return `+${durationText(seconds)}`;
}

/** 2022-05-24 07:43:48 UTC, of s since 1970. */
export const utcText = (at: number): string => `${iso(Math.floor(at), 19)} UTC`;

/** 07:43:48 UTC. */
export const clockText = (at: number): string => `${iso(Math.floor(at), 19).slice(11)} UTC`;

const iso = (at: number, length: number): string =>
  new Date(Math.round(at * 1000)).toISOString().slice(0, length).replace("T", " ");

/** MJD of 1970-01-01. */
const MJD_1970 = 40587;
export const secondsOfMjd = (mjd: number): number => (mjd - MJD_1970) * 86400;

/** 2022-05-24 07:41:32.185 UTC, of a modified Julian day. */
export const mjdText = (mjd: number): string => {
  const at = secondsOfMjd(mjd);
  return Math.abs(at) < 1e11 ? `${iso(at, 23)} UTC` : `MJD ${mjd}`;
};

/** States, each by a sign and a word: never by colour alone. */
export const stateSigns = {
  reading: "○",
  waiting: "○",
  running: "●",
  stuck: "▲",
  done: "✓",
  failed: "✕",
  cancelled: "–",
} as const;

const LONGEST = 200;

/**
 * Text from outside as it may be shown: what has no picture or turns the writing around is named, long text is cut.
 */
export function shown(text: string): string {
  const cut = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  return cut.replace(
    /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
