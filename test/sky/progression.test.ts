import { describe, expect, test } from "bun:test";
import { InputError } from "../../src/config/errors.ts";
import {
  DEFAULT_PROGRESSION,
  expectedPixels,
  formatProgression,
  parseProgression,
  selectProgression,
} from "../../src/sky/progression.ts";

describe("nside progression", () => {
  test.each([
    ["8:0 64:12 512:24"],
    ["  8:0,64:12, 512:24 "],
    [["8:0", "64:12", "512:24"]],
    [["8:0 64:12", "512:24"]],
  ])("%p is the default one", (text) => {
    expect(parseProgression(text)).toEqual(DEFAULT_PROGRESSION);
  });

  test("one stage is enough, any distance will do", () => {
    expect(parseProgression("1:0")).toEqual([{ nside: 1, extension: 0 }]);
    expect(formatProgression(parseProgression("2:0 4:3 1024:7"))).toBe("2:0 4:3 1024:7");
  });

  test.each([
    ["", "none given"],
    ["8", '"8" is not nside:extension'],
    ["8:0 64", '"64" is not nside:extension'],
    ["8:0 64:-3", '"64:-3" is not nside:extension'],
    ["8:0 64:1.5", '"64:1.5" is not nside:extension'],
    ["8:0 63:12", "nside 63 is not a power of two"],
    ["0:0", "nside 0 is not a power of two"],
    ["65536:0", "nside 65536 is not a power of two"],
    ["8:0 512:24 64:12", "64 after 512 is not ascending"],
    ["8:0 8:12", "8 after 8 is not ascending"],
    ["8:12 64:12", "the first extension must be 0, not 12"],
    ["8:0 64:0", "the extension of nside 64 must be a positive integer, not 0"],
  ])("%p is refused", (text, why) => {
    expect(() => parseProgression(text)).toThrow(InputError);
    expect(() => parseProgression(text)).toThrow(why);
    expect(() => parseProgression(text)).not.toThrow("\n");
  });

  test("the older flags select from the default", () => {
    expect(selectProgression(8, 512)).toEqual(DEFAULT_PROGRESSION);
    expect(formatProgression(selectProgression(8, 64))).toBe("8:0 64:12");
    expect(formatProgression(selectProgression(64, 512))).toBe("64:0 512:24");
    expect(formatProgression(selectProgression(64, 64))).toBe("64:0");
    expect(() => selectProgression(8, 1024)).toThrow(
      "--max-nside 1024: expected one of 8, 64, 512",
    );
    expect(() => selectProgression(512, 8)).toThrow("greater");
  });

  test("the default scan expects 768 + 768 + 1536 pixels", () => {
    expect([0, 1, 2].map((i) => expectedPixels(DEFAULT_PROGRESSION, i))).toEqual([768, 768, 1536]);
  });
});
