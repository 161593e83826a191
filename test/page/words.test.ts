import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { addressText, parseAddress } from "../../src/page/address.ts";
import { readSources } from "../../src/page/sources.ts";
import { createParser } from "../../src/page/stream.ts";
import {
  ageText,
  areaText,
  clockText,
  decText,
  deltaText,
  dmsText,
  durationText,
  energyText,
  hmsText,
  mjdText,
  raText,
  shown,
  sinceText,
} from "../../src/page/words.ts";

const degree = Math.PI / 180;
/** Blanks at which no line ends, as plain ones. */
const plain = (text: string) => text.replaceAll("\u00a0", " ");

describe("numbers in words", () => {
  const cases: readonly (readonly [string, string])[] = [
    [raText(47.9883 * degree), "47.99°"],
    [raText(-0.001 * degree), "0.00°"],
    [raText(359.999 * degree), "0.00°"],
    [decText(-3.5085 * degree), "−3.51°"],
    [decText(41.306 * degree, 1), "+41.3°"],
    [hmsText(47.9883 * degree), "03h 11m 57.2s"],
    [hmsText(359.99999 * degree), "00h 00m 00.0s"],
    [dmsText(-3.5086 * degree), "−03° 30′ 31″"],
    [dmsText(-0.0001 * degree), "−00° 00′ 00″"],
    [areaText(0.4712), "0.47 deg²"],
    [areaText(12.44, true), "≥12.4 deg²"],
    [areaText(412.7), "413 deg²"],
    [areaText(0.02, false, 0.052), "< 0.05 deg²"],
    [areaText(0.02, true, 0.052), "≥0.02 deg²"],
    [deltaText(3.048), "3.05"],
    [deltaText(1234.5), "1 235"],
    [energyText(20_500), "20.5 TeV"],
    [energyText(999.7), "1 TeV"],
    [energyText(512), "512 GeV"],
    [ageText(12.9), "12 s"],
    [ageText(130), "2 min"],
    [ageText(5 * 3600), "5 h"],
    [ageText(-3), "0 s"],
    [durationText(39.2), "39 s"],
    [durationText(112), "1 min 52 s"],
    [durationText(7500), "2 h 05 min"],
    [sinceText(79.54), "+79.5 s"],
    [clockText(1653378228), "07:43:48 UTC"],
    // Run 136662, as its alert states it.
    [mjdText(59723.32051140046), "2022-05-24 07:41:32.185 UTC"],
  ];
  for (const [found, expected] of cases)
    test(expected, () => {
      expect(plain(found)).toBe(expected);
    });

  test("text from outside: control and bidi characters are named, long text is cut", () => {
    expect(shown("a\u202eb\u0007\nc")).toBe("a\\u202eb\\u0007\\u000ac");
    expect(shown("x".repeat(300))).toHaveLength(201);
    expect(shown("<img src=x onerror=alert(1)>")).toBe("<img src=x onerror=alert(1)>");
  });
});

describe("the address", () => {
  test("what it says is what it is read as", () => {
    fc.assert(
      fc.property(
        fc.record(
          {
            mode: fc.constantFrom("one", "blink", "side", "diff"),
            panel: fc.constantFrom("map", "numbers", "event", "files", "log"),
            view: fc.constantFrom("local", "sky"),
            event: fc.stringMatching(/^[0-9]{1,8}\.[0-9]{1,10}$/),
            a: fc.stringMatching(/^[0-9a-f]{4,32}$/),
            b: fc.stringMatching(/^[0-9a-f]{4,32}$/),
            pixel: fc.stringMatching(/^[0-9]{1,5}\.[0-9]{1,8}$/),
            at: fc.tuple(
              fc.integer({ min: 0, max: 359_999 }).map((x) => x / 1000),
              fc.integer({ min: -90_000, max: 90_000 }).map((x) => x / 1000),
              fc.integer({ min: 20, max: 18_000 }).map((x) => x / 100),
            ),
          },
          { requiredKeys: ["mode", "panel", "view"] },
        ),
        (address) => {
          const [path, query = ""] = addressText(address as never).split("?");
          expect(parseAddress(path!, query)).toEqual(address as never);
        },
      ),
    );
  });

  test("nonsense in it is left out", () => {
    expect(parseAddress("e/../..", "a=%00&mode=x&at=1,2&pixel=<b>&view=up")).toEqual({
      mode: "one",
      panel: "map",
      view: "local",
    });
  });
});

describe("events of the stream", () => {
  const text =
    ': hello\n\nevent: pixels\r\ndata: {"n":1}\r\n\r\ndata: [1,\ndata: 2]\n\nevent: x\ndata: no\n\n';

  test("come out the same wherever the text is cut", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: text.length }), { maxLength: 8 }), (cuts) => {
        const found: unknown[] = [];
        const parse = createParser((name, data) => found.push([name, data]));
        const places = [0, ...cuts.sort((a, b) => a - b), text.length];
        for (let i = 1; i < places.length; i++) parse(text.slice(places[i - 1], places[i]));
        expect(found).toEqual([
          ["pixels", { n: 1 }],
          ["message", [1, 2]],
        ]);
      }),
    );
  });
});

describe("a table of sources", () => {
  test("with commas, tabs or blanks, quoted names, comments", () => {
    const expected = [{ name: "NGC 1068, M 77", ra: 40.67 * degree, dec: -0.013 * degree }];
    expect(readSources('# mine\nName,RA,Dec\n"NGC 1068, M 77",40.67,-0.013\n')).toEqual(expected);
    expect(readSources("ra\tdec\tname\n40.67\t-0.013\tNGC 1068, M 77\n")).toEqual(expected);
    expect(readSources("ra dec name\n40.67 -0.013 TXS\n")).toEqual([
      { ...expected[0]!, name: "TXS" },
    ]);
  });

  test("what is none is refused with what is wrong with it", () => {
    expect(readSources("a,b\n1,2\n")).toBe(
      "A table of sources has a line of titles with ra and dec (degrees); found a, b.",
    );
    expect(readSources("ra,dec\n10,20\n10,95\n")).toBe(
      "Line 3 of the table has no RA and Dec in degrees: 10 95.",
    );
  });
});
