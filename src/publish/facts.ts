/** What is published besides what the map says: facts that the operator or the scan knows. */

import { InputError } from "../config/errors.ts";

export const streams = ["gold", "bronze", "cascade"] as const;
export type Stream = (typeof streams)[number];

/** Nothing of it is guessed: what is absent is left out of every file. */
export interface AlertFacts {
  /** "IceCube-220624A". */
  readonly name?: string;
  readonly stream?: Stream;
  /** Most probable neutrino energy, TeV: from IceCube's simulations, not a fit's. */
  readonly energy?: number;
  /** Probability to be of astrophysical origin, 0 to 1. */
  readonly signalness?: number;
  /** False alarms a year. */
  readonly farPerYear?: number;
  /** A page about the event. */
  readonly url?: string;
  /** When the map was made; part of the file, so that equal maps of equal moments are equal files. */
  readonly made?: Date;
  /** How long its scan took, s. */
  readonly runtime?: number;
}

/** "IceCube-", the date as YYMMDD, and a letter: A for the first alert of that day. */
const ALERT_NAME = /^IceCube-(\d{6})[A-Z]$/;

/**
 * @param day of the event, YYMMDD, where it is known
 * @throws InputError for what is no alert's name, or another day's
 */
export function requireAlertName(name: string, day: string | undefined): void {
  const [, date] = ALERT_NAME.exec(name) ?? [];
  if (date === undefined)
    throw new InputError(
      `--name ${name.slice(0, 60)}: expected IceCube-YYMMDDA, as IceCube-220624A`,
    );
  if (day !== undefined && date !== day)
    throw new InputError(`--name ${name}: the event is of ${day} (YYMMDD, UTC)`);
}
