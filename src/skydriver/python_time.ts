/** Times as Python's str() writes them, for whoever reads the original's reports. */

const pad = (value: number): string => String(value).padStart(2, "0");

/** A timedelta of whole seconds: "0:01:02", "1 day, 0:00:00". */
export function timedelta(seconds: number): string {
  const whole = Math.max(0, Math.trunc(seconds));
  const days = Math.floor(whole / 86_400);
  const text = `${Math.floor(whole / 3600) % 24}:${pad(Math.floor(whole / 60) % 60)}:${pad(whole % 60)}`;
  return days === 0 ? text : `${days} day${days === 1 ? "" : "s"}, ${text}`;
}

/** A datetime, UTC: "2026-11-27 22:01:32". @param date s since 1970 */
export const datetime = (date: number): string =>
  new Date(1000 * Math.trunc(date)).toISOString().slice(0, 19).replace("T", " ");
