import type { OMKey } from "../omkey.ts";
import { type ClassType, f64, i32, struct } from "../types.ts";
import { omKeyClass } from "./basic.ts";

/** What fits say of their own quality, as far as alerts carry it. */

export interface LogLikelihoodFitParams {
  readonly logl: number;
  readonly rlogl: number;
  readonly ndof: number;
  readonly nmini: number;
}
export const logLikelihoodFitParamsClass: ClassType<LogLikelihoodFitParams> = struct(
  "I3LogLikelihoodFitParams",
  {},
  [
    ["logl", f64],
    ["rlogl", f64],
    ["ndof", i32],
    ["nmini", i32],
  ],
);

/** Line fit: speed and velocity, m/ns. */
export interface LineFitParams {
  readonly LFVel: number;
  readonly LFVelX: number;
  readonly LFVelY: number;
  readonly LFVelZ: number;
  readonly nHits: number;
}
export const lineFitParamsClass: ClassType<LineFitParams> = struct(
  "I3LineFitParams",
  { version: 1 },
  [
    ["LFVel", f64],
    ["LFVelX", f64],
    ["LFVelY", f64],
    ["LFVelZ", f64],
    ["nHits", i32, { since: 1, otherwise: 0 }],
  ],
);

export interface CascadeFitParams {
  readonly hit_count: number;
  readonly hit_om_count: number;
  readonly unhit_om_count: number;
  readonly status: number;
  readonly err_t: number;
  readonly err_x: number;
  readonly err_y: number;
  readonly err_z: number;
  readonly err_theta: number;
  readonly err_phi: number;
  readonly err_energy: number;
  readonly neg_llh: number;
  readonly reduced_llh: number;
}
export const cascadeFitParamsClass: ClassType<CascadeFitParams> = struct("I3CscdLlhFitParams", {}, [
  ["hit_count", i32],
  ["hit_om_count", i32],
  ["unhit_om_count", i32],
  ["status", i32],
  ["err_t", f64],
  ["err_x", f64],
  ["err_y", f64],
  ["err_z", f64],
  ["err_theta", f64],
  ["err_phi", f64],
  ["err_energy", f64],
  ["neg_llh", f64],
  ["reduced_llh", f64],
]);

/** Lengths in m. */
export interface TrackCharacteristics {
  readonly avg_dom_dist_q_tot_dom: number;
  readonly empty_hits_track_length: number;
  readonly track_hits_separation_length: number;
  readonly track_hits_distribution_smoothness: number;
}
export const trackCharacteristicsClass: ClassType<TrackCharacteristics> = struct(
  "I3TrackCharacteristicsValues",
  {},
  [
    ["avg_dom_dist_q_tot_dom", f64],
    ["empty_hits_track_length", f64],
    ["track_hits_separation_length", f64],
    ["track_hits_distribution_smoothness", f64],
  ],
);

/** Summary of the brightest event selection: numbers of photoelectrons and of channels. */
export interface PortiaEvent {
  readonly total_best_npe: number;
  readonly total_atwd_npe: number;
  readonly total_fadc_npe: number;
  readonly total_nch: number;
  readonly atwd_nch: number;
  readonly fadc_nch: number;
  readonly first_om: OMKey;
  readonly last_om: OMKey;
  readonly total_best_npe_btw?: number;
  readonly total_atwd_npe_btw?: number;
  readonly total_fadc_npe_btw?: number;
  readonly total_nch_btw?: number;
  readonly atwd_nch_btw?: number;
  readonly fadc_nch_btw?: number;
  readonly largest_om?: OMKey;
  readonly first_om_btw?: OMKey;
  readonly last_om_btw?: OMKey;
}
export const portiaEventClass: ClassType<PortiaEvent> = struct("I3PortiaEvent", { version: 2 }, [
  ["total_best_npe", f64],
  ["total_atwd_npe", f64],
  ["total_fadc_npe", f64],
  ["total_nch", i32],
  ["atwd_nch", i32],
  ["fadc_nch", i32],
  ["first_om", omKeyClass],
  ["last_om", omKeyClass],
  ["total_best_npe_btw", f64, { since: 2 }],
  ["total_atwd_npe_btw", f64, { since: 2 }],
  ["total_fadc_npe_btw", f64, { since: 2 }],
  ["total_nch_btw", i32, { since: 2 }],
  ["atwd_nch_btw", i32, { since: 2 }],
  ["fadc_nch_btw", i32, { since: 2 }],
  ["largest_om", omKeyClass, { since: 2 }],
  ["first_om_btw", omKeyClass, { since: 2 }],
  ["last_om_btw", omKeyClass, { since: 2 }],
]);
