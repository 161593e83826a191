/** What is not known of ice and detector, drawn afresh for each pseudo-experiment. */

import { randomNormal } from "d3-random";
import type { Detector, Dom } from "../detector/detector.ts";
import type { Ice } from "../detector/ice.ts";
import { stringOf } from "../i3/omkey.ts";
import { levelled, type Tilt } from "./rotation.ts";

/** One state of the world. */
export interface Systematics {
  /** Factors on all of the ice. */
  readonly scattering: number;
  readonly absorption: number;
  /** Factors on each layer, by its number from the top. */
  readonly layers: readonly { readonly scattering: number; readonly absorption: number }[];
  /** Factor on every DOM's efficiency. */
  readonly efficiency: number;
  /** 0: h2-50cm, 1: nominal. */
  readonly holeIce: number;
  /** ns. */
  readonly jitter: number;
  /** How far each string is from where it is taken to be, m. */
  readonly strings: ReadonlyMap<number, readonly [x: number, y: number, z: number]>;
  /** Of the ice's layers against the horizon. */
  readonly tilt: Tilt;
  /** Factor on the muon's energy. */
  readonly energy: number;
}

/** Widths of what is drawn; relative ones are those of logarithms. */
export const WIDTHS = {
  /** SPICE-Mie's own uncertainty is 10 % together with the layers' (NIM A 711 (2013) 73); they share it. */
  iceScale: 0.06,
  /** Of scattering and absorption, which flasher data fix along a line. */
  iceCorrelation: -0.1,
  layers: 0.07,
  /** Length over which layers go together, m. */
  layerLength: 30,
  efficiency: 0.1,
  jitter: [2, 6],
  /** Where a string is, m. */
  across: 1,
  depth: 0.5,
  /** The layers' slope; the ice's published tilt is up to 60 m over the array's kilometre, most of it less. */
  tilt: 0.01,
  energy: 0.35,
} as const;

/** The world as fits take it to be. */
export const nominal = (layers: number, jitter: number): Systematics => ({
  ...{ scattering: 1, absorption: 1, efficiency: 1, holeIce: 0, jitter, energy: 1 },
  layers: Array.from({ length: layers }, () => ({ scattering: 1, absorption: 1 })),
  strings: new Map(),
  tilt: { slope: 0, azimuth: 0 },
});

/** @param random uniform in (0, 1) */
export function drawSystematics(ice: Ice, detector: Detector, random: () => number): Systematics {
  const normal = randomNormal.source(random)(0, 1);
  const factor = (width: number) => Math.exp(width * normal());
  const first = normal();
  const { iceScale, iceCorrelation: r } = WIDTHS;
  const second = r * first + Math.sqrt(1 - r * r) * normal();
  const names = [...new Set([...detector.doms.keys()].map(stringOf))];
  const [scattering, absorption] = [layerFactors(ice, normal), layerFactors(ice, normal)];
  return {
    scattering: Math.exp(iceScale * first),
    absorption: Math.exp(iceScale * second),
    layers: scattering.map((value, i) => ({ scattering: value, absorption: absorption[i]! })),
    efficiency: factor(WIDTHS.efficiency),
    holeIce: random(),
    jitter: WIDTHS.jitter[0] + (WIDTHS.jitter[1] - WIDTHS.jitter[0]) * random(),
    strings: new Map(
      names.map((name) => [
        name,
        [WIDTHS.across * normal(), WIDTHS.across * normal(), WIDTHS.depth * normal()] as const,
      ]),
    ),
    tilt: { slope: WIDTHS.tilt * normal(), azimuth: 2 * Math.PI * random() },
    energy: factor(WIDTHS.energy),
  };
}

/** A factor for each layer; neighbours go together: an autoregressive process of order one in depth. */
function layerFactors(ice: Ice, normal: () => number): number[] {
  const { layers } = ice;
  const step = layers.length > 1 ? layers[1]!.depth - layers[0]!.depth : 1;
  const r = Math.exp(-step / WIDTHS.layerLength);
  let at = normal();
  return layers.map(() => {
    const value = Math.exp(WIDTHS.layers * at);
    at = r * at + Math.sqrt(1 - r * r) * normal();
    return value;
  });
}

/** The ice of that world. */
export const iceIn = (ice: Ice, { scattering, absorption, layers }: Systematics): Ice => ({
  source: ice.source,
  layers: ice.layers.map((layer, i) => ({
    depth: layer.depth,
    scattering: layer.scattering * scattering * layers[i]!.scattering,
    absorption: layer.absorption * absorption * layers[i]!.absorption,
  })),
});

/**
 * The detector of that world, in whose coordinates the ice's layers are level: strings moved, efficiency changed, bad
 * DOMs off.
 */
export function detectorIn(detector: Detector, systematics: Systematics): Detector {
  const { strings, efficiency, tilt } = systematics;
  const turned = levelled(tilt);
  const doms = [...detector.doms].map(([key, dom]): [typeof key, Dom] => {
    const [dx, dy, dz] = strings.get(stringOf(key)) ?? [0, 0, 0];
    const [x, y, z] = turned([dom.x + dx, dom.y + dy, dom.z + dz]);
    const known = Number.isNaN(dom.relativeEfficiency) ? 1 : dom.relativeEfficiency;
    return [
      key,
      {
        ...{ ...dom, x, y, z },
        relativeEfficiency: known * efficiency,
        isOn: dom.isOn && !detector.badDoms.has(key),
      },
    ];
  });
  return { ...detector, doms: new Map(doms) };
}
