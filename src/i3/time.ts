import type { Time } from "./classes/basic.ts";

/** Days (MJD) that end with a leap second. Source: IERS Bulletin C; the list ends with the last one, of 2016. */
const LEAP_SECOND_DAYS = [
  41316, 41498, 41682, 42047, 42412, 42777, 43143, 43508, 43873, 44238, 44785, 45150, 45515, 46246,
  47160, 47891, 48256, 48803, 49168, 49533, 50082, 50629, 51178, 53735, 54831, 56108, 57203, 57753,
];
const SECONDS_PER_DAY = 86400;
/** MJD of 1970-01-01. */
const UNIX_EPOCH = 40587;
/** Tenths of ns in a second. */
const TICKS = 10_000_000_000n;

/** MJD of January 1st. */
function newYear(year: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year);
  return UNIX_EPOCH + date.getTime() / (SECONDS_PER_DAY * 1000);
}

/**
 * Modified Julian Date, UTC, days: in double precision and in the reference's order of operations, so that
 * the last bit agrees.
 */
export function modifiedJulianDate({ year, daq_time }: Time): number {
  const first = newYear(year);
  const ticks = ((daq_time % TICKS) + TICKS) % TICKS;
  let seconds = Number((daq_time - ticks) / TICKS);
  const ns = 0.1 * Number(ticks);
  let isLeapSecond = false;
  for (const day of LEAP_SECOND_DAYS) {
    if (day < first) continue;
    // the inserted second is second 86400 of that day
    const inserted = (day - first + 1) * SECONDS_PER_DAY;
    if (seconds < inserted) break;
    isLeapSecond = seconds === inserted;
    seconds--;
  }
  const days = Math.floor(seconds / SECONDS_PER_DAY);
  const secondOfDay = seconds - days * SECONDS_PER_DAY + (isLeapSecond ? 1 : 0);
  return first + days + (secondOfDay - (isLeapSecond ? 1 : 0) + ns * 1e-9) / SECONDS_PER_DAY;
}

/** "2023-12-02 17:08:24.093224219" UTC: for people. */
export function utcText({ year, daq_time }: Time): string {
  if (year < 1 || year > 9998) return "unset";
  const mjd = modifiedJulianDate({ year, daq_time: daq_time - (daq_time % TICKS) });
  const text = new Date(Math.round((mjd - UNIX_EPOCH) * SECONDS_PER_DAY) * 1000).toISOString();
  const ns = String(Number((daq_time % TICKS) / 10n)).padStart(9, "0");
  return `${text.slice(0, 10)} ${text.slice(11, 19)}.${ns}`;
}
