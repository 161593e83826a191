/** A scan that never was: a seeded valley of likelihood, whose pixels come when the test says so. */

import { uniformNumbers } from "../../src/config/random.ts";
import type { Best, FirstDirection, ScanPage, ScanRow, Stage } from "../../src/desk/messages.ts";
import {
  discStrict,
  npix,
  pixelAt,
  pixelCentre,
  pixelVector,
  type vectorOf,
} from "../../src/sky/healpix.ts";

const degree = Math.PI / 180;

export interface FakePixel {
  readonly nside: number;
  readonly pixel: number;
  /** NaN: no fit. */
  readonly llh: number;
}

export interface FakeSettings {
  readonly id: string;
  readonly reco: string;
  readonly run: number;
  readonly event: number;
  readonly stream: string | null;
  readonly created: number;
  readonly ra: number;
  readonly dec: number;
  readonly seed: number;
  /** Where 512 pixels lie around the minimum, rad; 20.8° make 100 000. */
  readonly reach?: number;
}

export class FakeScan {
  readonly pixels: readonly FakePixel[];
  done = 0;
  state: ScanRow["state"] = "running";
  reason: string | null = null;
  readonly base = 840;
  epoch = "e1";

  constructor(readonly settings: FakeSettings) {
    this.pixels = valley(settings);
  }

  get row(): ScanRow {
    const { id, reco, run, event, stream, created } = this.settings;
    const best = this.best;
    return {
      id,
      event: {
        name: `run00${run}.evt0000${event}.neutrino`,
        run,
        id: event,
        mjd: created / 86400 + 40587 - 79.5 / 86400,
        type: "neutrino",
        stream,
        is_real: true,
      },
      reco,
      nsides: "8:0 64:12 512:24",
      priority: 0,
      state: this.state,
      scan_state: "IN_PROGRESS__PARTIAL_RESULT_GENERATED",
      reason: this.reason,
      progress: { done: 7 * this.done, estimated: 7 * this.pixels.length },
      seconds_left:
        this.state === "running" ? Math.round(0.063 * (this.pixels.length - this.done)) : null,
      best: best && { ra: best.ra, dec: best.dec },
      areas:
        this.state === "done"
          ? [
              { percent: 50, level: 1.39, area_sqdeg: 0.47, radius_deg: 0.39, is_open: false },
              { percent: 90, level: 4.61, area_sqdeg: 1.72, radius_deg: 0.74, is_open: false },
            ]
          : [],
      failed_pixels: this.pixels.slice(0, this.done).filter(({ llh }) => Number.isNaN(llh)).length,
      created,
      started: created,
      ended: this.state === "done" ? created + 112 : null,
      alert: `alert-${run}`,
      rescan_of: null,
    };
  }

  get best(): Best | null {
    let best: FakePixel | undefined;
    for (const pixel of this.pixels.slice(0, this.done))
      if (!Number.isNaN(pixel.llh) && (!best || pixel.llh < best.llh)) best = pixel;
    if (!best) return null;
    const { nside, pixel, llh } = best;
    return {
      ...{
        nside,
        pixel,
        llh,
        ...pixelCentre(nside, pixel),
        zenith: 86.58 * degree,
        azimuth: 39.01 * degree,
      },
      ...{ x: 120.5, y: -88.2, z: -240, time: 10404.2, energy: null, E_in: null, E_tot: null },
    };
  }

  /** Known as soon as the first stage is whole. */
  get first(): FirstDirection | null {
    if (this.stages[0]!.pixels.done < this.stages[0]!.pixels.estimated) return null;
    const { ra, dec } = this.settings;
    return {
      ...{ ra: ra + 0.06 * degree, dec: dec + 0.02 * degree, llh: 843.9 },
      ellipse: { a: 0.95 * degree, b: 0.42 * degree, angle: 84 * degree },
    };
  }

  get stages(): Stage[] {
    return [8, 64, 512].map((nside) => {
      const all = this.pixels.filter((pixel) => pixel.nside === nside).length;
      const done = this.pixels.slice(0, this.done).filter((pixel) => pixel.nside === nside).length;
      const recos = { done: 7 * done, sent: 7 * done, estimated: 7 * all, failed: 0 };
      return { nside, pixels: { done, sent: done, estimated: all }, recos };
    });
  }

  page(siblings: readonly ScanRow[]): ScanPage {
    const { ra, dec, created } = this.settings;
    const isDone = this.state === "done";
    return {
      row: this.row,
      provenance: {
        ...{
          version: "skyscan 0.1.0",
          reco: this.settings.reco,
          nsides: "8:0 64:12 512:24",
          variations: 7,
        },
        ...{ light: "built-in", detector: "built-in IC86", seed: null },
        energy: { value: 20_500, source: "from the alert (MuEx)" },
      },
      levels: {
        convention: "Wilks",
        list: [
          { percent: 50, level: 1.39 },
          { percent: 90, level: 4.61 },
          { percent: 99.73, level: 11.83 },
        ],
      },
      is_calibrated: false,
      honesty:
        "Not calibrated. Wilks levels, statistical only; built-in light, nominal detector. Coverage not studied.",
      online: {
        ra: ra - 0.93 * degree,
        dec: dec + 0.15 * degree,
        r50: null,
        r90: null,
        kind: "OnlineL2_SplineMPE",
      },
      best: this.best,
      first: this.first,
      place: null,
      stages: this.stages,
      timeline: [
        { what: "alert", at: created - 79.5 },
        { what: "received", at: created },
        { what: "first pixel", at: created + 0.8 },
        { what: "nside 64", at: created + 8.5 },
        { what: "nside 512", at: created + 23.5 },
      ],
      siblings: [...siblings],
      files: [
        "npz",
        "json",
        "multiorder.fits.gz",
        "contours.txt",
        "contours.reg",
        "notice.json",
        "circular.txt",
        "map.png",
        "map.pdf",
      ].map((name) => ({
        name: isDone ? `run00136662.${name}` : `run00136662.draft.${name}`,
        what: name.includes("multiorder") ? "FITS, multi-order" : name,
        says: "Made of the finished map.",
        state: isDone ? "final" : name.includes("fits") ? "not yet" : "draft",
        reason: isDone ? null : "The map is not finished.",
        media_type: "text/plain",
      })),
      epoch: this.epoch,
      seq: this.done,
    };
  }

  /** A "SKM1" body of the pixels from one number to another. */
  body(from: number, to: number): Uint8Array<ArrayBuffer> {
    const pixels = this.pixels.slice(from, to);
    const byNside = [8, 64, 512]
      .map((nside) =>
        pixels.filter((pixel) => pixel.nside === nside).sort((a, b) => a.pixel - b.pixel),
      )
      .filter((block) => block.length > 0);
    const header = new TextEncoder().encode(
      JSON.stringify({
        epoch: this.epoch,
        seq: to,
        base: this.base,
        blocks: byNside.map((block) => ({ nside: block[0]!.nside, count: block.length })),
        columns: ["pixel:u32", "d:f32"],
      }),
    );
    const start = Math.ceil((8 + header.length) / 4) * 4;
    const bytes = new Uint8Array(start + 8 * pixels.length).fill(32, 0, start);
    bytes.set(new TextEncoder().encode("SKM1"));
    new DataView(bytes.buffer).setUint32(4, header.length, true);
    bytes.set(header, 8);
    let at = start;
    for (const block of byNside) {
      new Uint32Array(bytes.buffer, at, block.length).set(block.map(({ pixel }) => pixel));
      at += 4 * block.length;
      new Float32Array(bytes.buffer, at, block.length).set(block.map(({ llh }) => llh - this.base));
      at += 4 * block.length;
    }
    return bytes;
  }
}

/** A curved valley with two minima, as real events have. */
function valley({ ra, dec, seed, reach = 2.1 * degree }: FakeSettings): FakePixel[] {
  const random = uniformNumbers(seed);
  const value = (nside: number, pixel: number): number => {
    const at = pixelCentre(nside, pixel);
    let dx = (((at.ra - ra) / degree + 540) % 360) - 180;
    const dy = (at.dec - dec) / degree;
    dx *= Math.cos(dec);
    const bent = dy - 0.06 * Math.sin(2.2 * dx);
    const d = Math.min(
      (dx / 0.55) ** 2 + (bent / 0.24) ** 2,
      1.1 + ((dx - 0.9) / 0.5) ** 2 + (bent / 0.26) ** 2,
    );
    return 843.97 + Math.min(d, 6 * Math.sqrt(d)) / 2 + 0.12 * random() + (nside < 512 ? 0.3 : 0);
  };
  const centre = pixelVector(512, pixelAt(512, ra, dec));
  const all = (nside: number, radius: number) =>
    (nside === 8
      ? Array.from({ length: npix(8) }, (_, i) => i)
      : discStrict(nside, centre, radius)
    ).map((pixel) => ({
      nside,
      pixel,
      llh: nside === 512 && random() < 0.0015 ? Number.NaN : value(nside, pixel),
    }));
  // As the scan chooses them: nearest to the minimum first, more or less.
  const fine = all(512, reach).sort(
    (a, b) => distance(a, centre) - distance(b, centre) + 0.004 * (random() - 0.5),
  );
  return [...all(8, 4), ...all(64, Math.max(7 * degree, reach + 2 * degree)), ...fine];
}

const distance = ({ nside, pixel }: FakePixel, centre: ReturnType<typeof vectorOf>): number => {
  const v = pixelVector(nside, pixel);
  return 1 - v[0] * centre[0] - v[1] * centre[1] - v[2] * centre[2];
};
