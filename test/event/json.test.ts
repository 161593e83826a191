import { describe, expect, test } from "bun:test";
import { eventJson, type Json } from "../../src/event/json.ts";
import { loadEvent } from "../../src/event/load.ts";
import { present, shared } from "../shared.ts";

/** What the reference software found in an alert. */
interface Dump {
  frames: { stream: string; keys: Record<string, Record<string, Json>> }[];
}

/** Integers that a JSON number does not hold exactly become strings, as `event --json` prints them. */
function parseExactly(text: string): Dump {
  const quoted = text.replace(/([:[,]\s*)(-?\d{16,})(?=\s*[,\]}])/g, (all, before, digits) =>
    Number.isSafeInteger(Number(digits)) ? all : `${before}"${digits}"`,
  );
  return JSON.parse(quoted, (_, value) => (value === "NaN" ? null : value));
}

const alerts = [
  ["138632_31747601.json", "138632_31747601.json"],
  ["event_HESE_2017-11-28.json", "event_HESE_2017-11-28.json"],
  ["hese_event_00.json", "hese_event_00.json"],
  ["hese_event_01.json", "hese_event_01.json"],
  ["hese_event_02.json", "hese_event_02.json"],
  ["run00136662-evt000035405932-BRONZE.pkl", "run00136662-evt000035405932-BRONZE.json"],
] as const;

describe("event --json", () => {
  test.each(present(alerts, ([file, dump]) => [`events/${file}`, `oracle/events/${dump}`]))(
    "%s: every value as the reference has it",
    async (file, dump) => {
      const expected = parseExactly(await Bun.file(shared("oracle/events", dump)).text());
      // through text, as a user gets it
      const found: Dump = JSON.parse(
        JSON.stringify(eventJson(await loadEvent(shared("events", file)))),
      );
      expect(found.frames.map(({ stream }) => stream)).toEqual(
        expected.frames.map(({ stream }) => stream),
      );
      for (const [i, { keys }] of expected.frames.entries()) {
        expect(Object.keys(found.frames[i]!.keys).sort()).toEqual(Object.keys(keys).sort());
        for (const [key, record] of Object.entries(keys))
          expect(found.frames[i]!.keys[key], key).toEqual(record);
      }
    },
  );

  // recorded in results of the original (test data of its repository)
  const metadataOf = [
    ["run00136766-evt000007637140-GOLD.pkl", 136766, 7637140, "neutrino", 59754.67588432013],
    ["run00136662-evt000035405932-BRONZE.pkl", 136662, 35405932, "neutrino", 59723.32051140454],
    ["138632_31747601.json", 138632, 31747601, "neutrino", 60280.71416774572],
    ["hese_event_01.json", 127907, 20178442, "HESE", 57517.64354153215],
  ] as const;
  test.each(present(metadataOf, ([file]) => `events/${file}`))(
    "%s: metadata",
    async (file, run_id, event_id, event_type, mjd) => {
      const { metadata } = eventJson(await loadEvent(shared("events", file)));
      expect(metadata).toMatchObject({ run_id, event_id, event_type, mjd, is_real_event: true });
    },
  );
});
