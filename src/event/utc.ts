/** Moments as UTC texts, from the Modified Julian Date in which events and results have them. */

const MICROSECONDS_PER_DAY = 86_400_000_000;
/** MJD of 1970-01-01. */
const UNIX_EPOCH = 40587;

/**
 * "2022-06-24T16:13:16.405259": ISO 8601 to the microsecond, which is what a double of days holds, without a Z.
 * @param mjd UTC, days, from the year 0 to 9999
 * @throws RangeError beyond
 */
export function isoOfMjd(mjd: number): string {
  const days = Math.floor(mjd);
  const microseconds = Math.round((mjd - days) * MICROSECONDS_PER_DAY);
  const milliseconds = Math.floor(microseconds / 1000);
  const moment = new Date((days - UNIX_EPOCH) * 86_400_000 + milliseconds).toISOString();
  return `${moment.slice(0, -1)}${String(microseconds % 1000).padStart(3, "0")}`;
}
