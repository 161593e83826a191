/** How a muon loses its energy on its way through the detector: a few large losses, and the many small ones as one. */

import { speedOfLight } from "../geometry/constants.ts";
import { directionOfTravel, type EnergyLoss, type MuonTrack } from "../geometry/track.ts";

/** A muon and what it loses; its light is the bare muon's, the small losses' and each large one's. */
export interface MuonPassage {
  readonly muon: MuonTrack;
  /** The bare muon shines too; false where the losses are all the light there was, as unfolded ones are. */
  readonly isBareSeen?: boolean;
  /** Losses drawn one by one, GeV, in order along the track. */
  readonly losses: readonly EnergyLoss[];
  /** Share of the light of stochastic losses that comes from all along the track. */
  readonly continuous: number;
  /** The muon's energy, GeV, this far (m) along the track from its vertex. */
  readonly energyAt: (length: number) => number;
}

/** Stretch about the point closest to the detector's centre along which losses are drawn, m. */
const STRETCH = 1500;
/** Losses of a larger share of the muon's energy are drawn one by one. */
export const LEAST_SHARE = 0.002;
/** Share at which pair production steepens. */
const PAIR_BEND = 1e-3;

/**
 * A kind of loss. b: mean share of its energy that a muon loses by it, 1/m of ice; the values are those of muons of
 * 10 TeV to 1 PeV (D. Groom et al., At. Data Nucl. Data Tables 78 (2001) 183, rounded).
 */
interface LossProcess {
  readonly name: "bremsstrahlung" | "pair production" | "photonuclear";
  readonly b: number;
  /** Number of losses larger than LEAST_SHARE, and the share of all energy that these take, both for b = 1. */
  readonly number: number;
  readonly large: number;
  /** A share of the energy from LEAST_SHARE to 1, from numbers uniform in (0, 1). */
  readonly draw: (random: () => number) => number;
}

/** Of 1/v from LEAST_SHARE to 1. */
const logUniform = (random: () => number): number => LEAST_SHARE ** random();

/** dN/dv = (4/3 − 4/3 v + v²)/v, the complete-screening form; its mean share is 1. */
function bremsstrahlung(): LossProcess {
  const v = LEAST_SHARE;
  const weight = (share: number) => 1 - share + 0.75 * share * share;
  return {
    name: "bremsstrahlung",
    b: 1.1e-4,
    number: -(4 / 3) * Math.log(v) - (4 / 3) * (1 - v) + (1 - v * v) / 2,
    large: 1 - ((4 / 3) * v - (2 / 3) * v * v + (v * v * v) / 3),
    draw: (random) => {
      for (;;) {
        const share = logUniform(random);
        if (random() < weight(share)) return share;
      }
    },
  };
}

/** dN/dv ∝ 1/v·(1 + v/10⁻³)^−1.5: many small pairs, few large. */
function pairProduction(): LossProcess {
  const [least, most] = [LEAST_SHARE / PAIR_BEND, 1 / PAIR_BEND];
  // ∫ v dN = 2 v₀ (1 − (1 + v/v₀)^−½) and ∫ dN = 2/√(1+u) + ln((√(1+u) − 1)/(√(1+u) + 1)) with u = v/v₀.
  const energy = (u: number) => 2 * PAIR_BEND * (1 - 1 / Math.sqrt(1 + u));
  const number = (u: number) => {
    const root = Math.sqrt(1 + u);
    return 2 / root + Math.log((root - 1) / (root + 1));
  };
  const norm = energy(most);
  return {
    name: "pair production",
    b: 1.6e-4,
    number: (number(most) - number(least)) / norm,
    large: 1 - energy(least) / norm,
    draw: (random) => {
      for (;;) {
        // From v^−2.5, which lies above it.
        const u = (least ** -1.5 + random() * (most ** -1.5 - least ** -1.5)) ** (-2 / 3);
        if (random() < (u / (1 + u)) ** 1.5) return u * PAIR_BEND;
      }
    },
  };
}

/** dN/dv = 1/v. */
const photonuclear = (): LossProcess => ({
  name: "photonuclear",
  b: 4e-5,
  number: -Math.log(LEAST_SHARE),
  large: 1 - LEAST_SHARE,
  draw: logUniform,
});

export const lossProcesses: readonly LossProcess[] = [
  bremsstrahlung(),
  pairProduction(),
  photonuclear(),
];

/** Mean share of its energy that a muon loses, 1/m. */
export const totalLoss = lossProcesses.reduce((sum, { b }) => sum + b, 0);
/** Losses of more than LEAST_SHARE, 1/m. */
export const lossRate = lossProcesses.reduce((sum, { b, number }) => sum + b * number, 0);
/** The part of totalLoss that smaller ones make. */
const smallLoss = lossProcesses.reduce((sum, { b, large }) => sum + b * (1 - large), 0);

/** The energy of a muon where the stretch begins that has on average this energy (GeV) in its middle. */
export const energyBefore = (energyInside: number): number =>
  energyInside * Math.exp((totalLoss * STRETCH) / 2);

/** A muon whose losses are as even as a fit takes them to be. */
export const evenPassage = (muon: MuonTrack): MuonPassage => ({
  muon,
  losses: [],
  continuous: 1,
  energyAt: () => muon.energy,
});

/** How far along the track from its vertex (m) it is nearest to the detector's centre. */
export function closestApproach(muon: MuonTrack): number {
  const [nx, ny, nz] = directionOfTravel(muon);
  return -(muon.x * nx + muon.y * ny + muon.z * nz);
}

/**
 * A muon whose losses of more than 0.2 % of its energy are drawn, along 1.5 km about the point closest to the
 * detector's centre. Its energy is the one where this stretch begins.
 * @param random uniform in (0, 1)
 */
export function drawnPassage(muon: MuonTrack, random: () => number): MuonPassage {
  const direction = directionOfTravel(muon);
  const begin = closestApproach(muon) - STRETCH / 2;
  const losses: (EnergyLoss & { readonly length: number; readonly left: number })[] = [];
  let length = begin;
  let left = muon.energy;
  for (;;) {
    const step = -Math.log(random()) / lossRate;
    length += step;
    if (length > begin + STRETCH) break;
    left *= Math.exp(-smallLoss * step);
    const energy = left * processOf(random).draw(random);
    left -= energy;
    losses.push({
      x: muon.x + length * direction[0],
      y: muon.y + length * direction[1],
      z: muon.z + length * direction[2],
      time: muon.time + length / speedOfLight,
      ...{ energy, length, left },
    });
  }
  return {
    muon,
    losses: losses.map(({ length: _l, left: _e, ...loss }) => loss),
    continuous: smallLoss / totalLoss,
    energyAt: (at) => {
      const before = losses.findLast((loss) => loss.length <= at) ?? {
        length: begin,
        left: muon.energy,
      };
      return before.left * Math.exp(-smallLoss * Math.max(0, at - before.length));
    },
  };
}

function processOf(random: () => number): LossProcess {
  let at = random() * lossRate;
  for (const process of lossProcesses) {
    at -= process.b * process.number;
    if (at < 0) return process;
  }
  return lossProcesses.at(-1)!;
}
