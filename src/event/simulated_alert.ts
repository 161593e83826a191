/** A simulated event as an alert: what the detector would send, and the truth beside it. */

import { randomNormal } from "d3-random";
import { superDstPulses } from "../i3/classes/superdst.ts";
import { encodeAlert } from "../i3/envelope.ts";
import type { OMKey } from "../i3/omkey.ts";
import type { PulseMap, TimeWindow } from "../i3/pulses.ts";
import {
  eventHeaderOf,
  makeFrame,
  maskOf,
  particleOf,
  shortMessageOf,
  superDstOf,
} from "../i3/write.ts";
import { closestApproach, type MuonPassage } from "./muon_losses.ts";
import { READOUT } from "./simulate.ts";
import { SIMULATED_WITH, TRUE_LOSSES, TRUE_TRACK } from "./truth.ts";

/** PDG code of a µ−. */
const MUON = 13;
/** Median error of an online track fit, half a degree, as the width of its two components, rad. */
const ONLINE_ERROR = 0.0074;
/** Width of the online track's error in each coordinate of its vertex, m: of the order of a fit's. */
const ONLINE_VERTEX_ERROR = 10;
/** Spread of the online energy estimate (MuEx) about the true energy: a factor of 1.6. */
const ENERGY_SPREAD = 0.5;

export interface SimulatedAlert {
  readonly runId: number;
  readonly eventId: number;
  /** Start of the readout. */
  readonly start: Date;
  readonly passage: MuonPassage;
  readonly pulses: PulseMap;
  /** Default: {@link READOUT}. */
  readonly readout?: TimeWindow;
  /** DOMs that saw nothing because they are dead, and are known to be. */
  readonly dead?: readonly OMKey[];
  /** What the online energy estimate says, GeV; default: drawn about the energy inside the detector. */
  readonly estimate?: number;
  /** What it was simulated with, for the record. */
  readonly settings?: object;
}

/**
 * An alert document as the detector sends them (format version 2023a, without GCD differences), and the
 * true track, losses and settings under the keys of truth.ts. The online track is the true one with the errors of a
 * fit in direction and place.
 * @param random uniform in (0, 1)
 */
export function simulatedAlert(alert: SimulatedAlert, random: () => number): string {
  const { runId, eventId, start, passage, pulses, readout = READOUT, dead = [] } = alert;
  const { muon, losses } = passage;
  const when = { runId, eventId, start, durationNs: readout.stop };
  const header = eventHeaderOf({ ...when, subEvent: { stream: "InIceSplit", id: 0 } });
  const message = { ...shortMessageOf(header), neutrino: {} };
  const truth = { ...muon, position: [muon.x, muon.y, muon.z] as const, pdgEncoding: MUON };
  const turn = randomNormal.source(random)(0, ONLINE_ERROR);
  const { energy: _, ...direct } = truth;
  const inside = passage.energyAt(closestApproach(muon));
  const { estimate = inside * Math.exp(randomNormal.source(random)(0, ENERGY_SPREAD)()) } = alert;
  const shift = randomNormal.source(random)(0, ONLINE_VERTEX_ERROR);
  const online = {
    ...direct,
    position: [muon.x + shift(), muon.y + shift(), muon.z + shift()] as const,
    zenith: muon.zenith + turn(),
    azimuth: muon.azimuth + turn() / Math.sin(muon.zenith),
  };
  const dst = superDstOf(pulses);
  const frames = [
    ...["G", "C"].map((stream) => makeFrame(stream, {})),
    makeFrame("D", dead.length > 0 ? { BadDomsList: { type: "I3VectorOMKey", value: dead } } : {}),
    makeFrame("Q", { I3SuperDST: dst, QI3EventHeader: eventHeaderOf(when) }),
    makeFrame("P", {
      I3EventHeader: header,
      AlertShortFollowupMsg: { type: "I3String", value: JSON.stringify(message) },
      SplitInIcePulses: maskOf("I3SuperDST", superDstPulses(dst)),
      SplitInIcePulsesTimeRange: { type: "I3TimeWindow", ...readout },
      l2_online_BestFit: particleOf(online),
      l2_online_BestFit_MuEx: particleOf({ ...online, energy: estimate }),
      l2_online_SplineMPE: particleOf(online),
      [TRUE_TRACK]: particleOf(truth),
      ...(losses.length > 0 && { [TRUE_LOSSES]: json(losses) }),
      ...(alert.settings && { [SIMULATED_WITH]: json(alert.settings) }),
    }),
  ];
  return encodeAlert(frames, {
    formatVersion: "2023a",
    message,
    service: "skyscan simulate",
    varname: "realtimeEventData",
    topics: ["neutrino"],
  });
}

const json = (value: unknown) => ({ type: "I3String", value: JSON.stringify(value) }) as const;
