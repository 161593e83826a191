import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { detectorOf } from "../../src/detector/gcd.ts";
import { loadEvent } from "../../src/event/load.ts";
import { directionOfTravel } from "../../src/geometry/track.ts";
import { momentAt, toDetector } from "../../src/native/sky.ts";
import { colourOf } from "../../src/plot/colour.ts";
import { plotEvent } from "../../src/plot/event_picture.ts";
import {
  eventView,
  HALF_WIDTH,
  trackInside,
  trackOfLosses,
  trackOfMap,
} from "../../src/plot/event_view.ts";
import { basePulses } from "../../src/pulses/inputs.ts";
import { resultFromScan } from "../../src/result/result.ts";
import { pixelCentre } from "../../src/sky/healpix.ts";
import { testFolder } from "../folder.ts";
import { program, simulatedEvent } from "../programs.ts";
import { pixel } from "../result/examples.ts";

const event = await loadEvent(simulatedEvent);
const view = eventView(event, await detectorOf(event));
const track = { name: "made up", x: 30, y: -80, z: 120, time: 9000, zenith: 1.1, azimuth: 4.2 };

describe("what an event shows", () => {
  test("is every DOM with its light: first pulse and charge", () => {
    const pulses = [...basePulses(event).values()];
    expect(view.hits).toHaveLength(pulses.length);
    const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
    expect(sum(view.hits.map(({ charge }) => charge))).toBeCloseTo(
      sum(pulses.flat().map(({ charge }) => charge)),
      6,
    );
    expect(Math.min(...view.hits.map(({ time }) => time))).toBe(
      Math.min(...pulses.flat().map(({ time }) => time)),
    );
  });

  test("is 86 strings of 60 DOMs, and the online track", () => {
    expect(view.strings.map((doms) => doms.length)).toEqual(Array(86).fill(60));
    expect(view.track?.name).toBe("l2_online_SplineMPE");
  });
});

describe("tracks", () => {
  test("of losses go where the losses go", () => {
    const [dx, dy, dz] = directionOfTravel(track);
    const losses = [300, -200, 40].map((along) => ({
      x: track.x + along * dx,
      y: track.y + along * dy,
      z: track.z + along * dz,
      time: track.time + along / 0.299792458,
      energy: 100,
    }));
    const found = trackOfLosses(losses)!;
    expect(found.zenith).toBeCloseTo(track.zenith, 9);
    expect(found.azimuth).toBeCloseTo(track.azimuth, 9);
    expect(trackOfLosses(losses.slice(0, 1))).toBeUndefined();
  });

  test("of a map have its best pixel's vertex and direction", () => {
    const fit = { x: 1, y: 2, z: 3, time: 4 };
    const pixels = [pixel(2, 7, { llh: 5, ...fit }), pixel(2, 8, { llh: 6 })];
    const map = resultFromScan(new Map([[2, pixels]]), event.metadata, true);
    const { ra, dec } = pixelCentre(2, 7);
    const local = toDetector(ra, dec, momentAt(event.metadata.mjd));
    expect(trackOfMap(map, event.metadata)).toMatchObject({ ...fit, ...local });
  });

  test("are drawn from one face of the cube around the detector to another, and not where they pass by", () => {
    const ends = trackInside(track)!;
    for (const end of ends) {
      const farthest = Math.max(...end.map(Math.abs));
      expect(farthest).toBeCloseTo(HALF_WIDTH, 6);
    }
    const [dx, dy, dz] = directionOfTravel(track);
    const [a, b] = ends;
    expect((b[0] - a[0]) / dx).toBeCloseTo((b[1] - a[1]) / dy, 6);
    expect((b[0] - a[0]) / dx).toBeCloseTo((b[2] - a[2]) / dz, 6);
    expect((b[0] - a[0]) / dx).toBeGreaterThan(0);
    expect(trackInside({ ...track, x: 5000, zenith: 0 })).toBeUndefined();
    expect(trackInside({ ...track, zenith: 0 })![0][2]).toBe(HALF_WIDTH);
  });
});

describe("the event display", () => {
  const losses = [{ x: 0, y: 0, z: 0, time: 9000, energy: 5000 }];
  const svg = plotEvent({ ...view, track, losses }, colourOf);
  const circles = [...svg.matchAll(/<circle [^>]*r="([\d.]+)" fill="(#[0-9a-f]{6})"/g)];

  test("shows every hit in three views, coloured by time, as large as its charge", () => {
    // And four samples of the charge.
    expect(circles).toHaveLength(3 * view.hits.length + 4);
    expect(new Set(circles.map(([, , fill]) => fill)).size).toBeGreaterThan(20);
    const radii = circles.slice(0, view.hits.length).map(([, r]) => Number(r));
    const charges = view.hits.map(({ charge }) => charge);
    // Areas go with the root of charge.
    expect(Math.max(...radii) / Math.min(...radii)).toBeCloseTo(
      (Math.max(...charges) / Math.max(0.25, Math.min(...charges))) ** 0.25,
      1,
    );
  });

  test("names the event, the track and its losses, and is the same each time", () => {
    expect(svg).toContain("2023-02-25 06:00:00.00 UTC");
    expect(svg).toContain("made up: zenith 63.0°, azimuth 240.6°");
    expect(svg).toContain("1 in all, 5.00 TeV");
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    expect(plotEvent({ ...view, track, losses }, colourOf)).toBe(svg);
  });

  test("an event without light, without track, is drawn all the same", () => {
    const { track: _, ...dark } = { ...view, hits: [] };
    expect(plotEvent(dark, colourOf)).not.toMatch(/NaN|undefined|Infinity/);
  });
});

describe("skyscan plot ALERT", () => {
  const folder = testFolder();
  const plot = (...args: string[]) => {
    const { exitCode, stderr } = Bun.spawnSync([...program, "plot", simulatedEvent, ...args]);
    return { exitCode, stderr: stderr.toString() };
  };

  test("draws the event with the track of a fit and its losses", () => {
    const fit = join(folder, "fit.json");
    const losses = [0, 300].map((time) => ({ x: time, y: 0, z: 0, time, energy: 2000 }));
    writeFileSync(fit, JSON.stringify({ llh: 1, time: 0, E_in: 1, E_tot: 1, losses }));
    const out = join(folder, "event.svg");
    expect(plot("--result", fit, "--out", out)).toMatchObject({ exitCode: 0 });
    expect(readFileSync(out, "utf8")).toContain("2 in all, 4.00 TeV");
  });

  test("says in one line what is wrong with the track's file", () => {
    const missing = plot("--result", join(folder, "none.npz"), "--out", join(folder, "x.svg"));
    expect(missing.exitCode).toBe(2);
    expect(missing.stderr).toContain("none.npz: cannot be read");
  });
});
