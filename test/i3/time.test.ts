import { expect, test } from "bun:test";
import { modifiedJulianDate, utcText } from "../../src/i3/time.ts";

const TICKS = 10_000_000_000n;

// start time of an alert and the date recorded in results of the original
test("an alert's time", () => {
  const time = { year: 2023, daq_time: 290057040932302199n };
  expect(modifiedJulianDate(time)).toBe(60280.71416774572);
  expect(utcText(time)).toBe("2023-12-02 17:08:24.093230219");
});

test("days begin where the calendar says, before and after leap seconds", () => {
  const day = (year: number, days: number, leap: number) =>
    modifiedJulianDate({ year, daq_time: (BigInt(days) * 86400n + BigInt(leap)) * TICKS });
  expect(day(2000, 0, 0)).toBe(51544);
  expect(day(2016, 60, 0)).toBe(57388 + 60);
  // 2015-06-30 (MJD 57203) had 86401 seconds: July begins one second later
  expect(day(2015, 180, 0)).toBe(57203);
  expect(day(2015, 181, 1)).toBe(57204);
  expect(day(2015, 200, 1)).toBe(57223);
  expect(day(2012, 182, 1)).toBe(56109);
  // the next year starts from its own January
  expect(day(2016, 0, 0)).toBe(57388);
});

test("unset times", () => {
  expect(utcText({ year: 0, daq_time: 0n })).toBe("unset");
  expect(utcText({ year: 9999, daq_time: 0n })).toBe("unset");
});
