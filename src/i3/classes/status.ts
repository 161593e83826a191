import type { OMKey } from "../omkey.ts";
import {
  base,
  bool,
  type ClassType,
  classType,
  f64,
  i32,
  map,
  string,
  struct,
  u32,
} from "../types.ts";
import { omKeyClass, type Time, type TriggerKey, timeClass, triggerKeyClass } from "./basic.ts";
import { emptyMap } from "./geometry.ts";

/** How a DOM was set. Modes as numbers: −1 unknown, then as i3 files have them. */
export interface DomStatus {
  readonly trig_mode: number;
  readonly lc_mode: number;
  readonly lc_window_pre: number;
  readonly lc_window_post: number;
  readonly lc_span: number;
  readonly status_atwd_a: number;
  readonly status_atwd_b: number;
  readonly status_fadc: number;
  /** In the I3 unit, 1 V = 1e-9. */
  readonly pmt_hv: number;
  readonly spe_threshold: number;
  readonly fe_pedestal: number;
  readonly dac_trigger_bias_0: number;
  readonly dac_trigger_bias_1: number;
  readonly dac_fadc_ref: number;
  readonly n_bins_atwd_0: number;
  readonly n_bins_atwd_1: number;
  readonly n_bins_atwd_2: number;
  readonly n_bins_atwd_3: number;
  readonly n_bins_fadc: number;
  readonly fb_state: number;
  readonly fb_brightness: number;
  readonly fb_length: number;
  readonly fb_delay: number;
  readonly fb_mask: number;
  readonly fb_rate: number;
  readonly dom_gain_type: number;
  readonly cable_type: number;
  readonly delta_compress: number;
  readonly slc_active: boolean;
  readonly mpe_threshold: number;
  readonly tx_mode: number;
}

export const domStatusClass: ClassType<DomStatus> = struct(
  "I3DOMStatus",
  { version: 6, base: false },
  [
    ["trig_mode", i32],
    ["lc_mode", i32],
    ["lc_window_pre", f64],
    ["lc_window_post", f64],
    ["lc_span", u32],
    ["status_atwd_a", i32],
    ["status_atwd_b", i32],
    ["status_fadc", i32],
    ["pmt_hv", f64],
    ["spe_threshold", f64],
    ["fe_pedestal", f64],
    ["dac_trigger_bias_0", f64],
    ["dac_trigger_bias_1", f64],
    ["dac_fadc_ref", f64],
    ["n_bins_atwd_0", u32],
    ["n_bins_atwd_1", u32],
    ["n_bins_atwd_2", u32],
    ["n_bins_atwd_3", u32],
    ["n_bins_fadc", u32],
    ["fb_state", i32],
    ["fb_brightness", u32],
    ["fb_length", u32],
    ["fb_delay", u32],
    ["fb_mask", u32],
    ["fb_rate", u32],
    ["dom_gain_type", i32, { since: 1, otherwise: -1 }],
    ["cable_type", i32, { since: 1, otherwise: -1 }],
    ["delta_compress", i32, { since: 2, otherwise: -1 }],
    ["slc_active", bool, { since: 3, otherwise: false }],
    ["mpe_threshold", f64, { since: 4, otherwise: Number.NaN }],
    ["tx_mode", i32, { since: 6, otherwise: -1 }],
  ],
);

/** Readout around a trigger, ns. */
export interface ReadoutConfig {
  readonly minus: number;
  readonly plus: number;
  readonly offset: number;
}
const readoutConfigClass: ClassType<ReadoutConfig> = struct(
  "I3TriggerReadoutConfig",
  { base: false },
  [
    ["minus", f64],
    ["plus", f64],
    ["offset", f64],
  ],
);

export interface TriggerStatus {
  readonly name: string;
  readonly settings: ReadonlyMap<string, string | number>;
  /** By subdetector. */
  readonly readout: ReadonlyMap<number, ReadoutConfig>;
}

const settings = map(string, string);
const oldSettings = map(string, i32);
const readouts = map(i32, readoutConfigClass);

export const triggerStatusClass: ClassType<TriggerStatus> = classType(
  "I3TriggerStatus",
  { version: 3 },
  (from, version) => {
    const name = from.text();
    const found = version < 3 ? oldSettings.read(from) : settings.read(from);
    if (version === 1) for (let i = 0; i < 3; i++) from.f64();
    return { name, settings: found, readout: version > 1 ? readouts.read(from) : new Map() };
  },
  (to, value) => {
    to.text(value.name);
    settings.write(to, new Map([...value.settings].map(([key, text]) => [key, String(text)])));
    readouts.write(to, new Map(value.readout));
  },
);

export interface DetectorStatus {
  readonly dom_status: ReadonlyMap<OMKey, DomStatus>;
  readonly trigger_status: ReadonlyMap<TriggerKey, TriggerStatus>;
  readonly start_time: Time;
  readonly end_time: Time;
  readonly daq_configuration_name: string;
}

const domStatuses = map(omKeyClass, domStatusClass);
const triggerStatuses = map(triggerKeyClass, triggerStatusClass);

export const detectorStatusClass: ClassType<DetectorStatus> = classType(
  "I3DetectorStatus",
  { version: 4 },
  (from, version) => {
    base.read(from);
    const dom_status = domStatuses.read(from);
    if (version >= 1 && version <= 3) emptyMap("map<OMKey,I3AMANDAOMStatus>").read(from);
    const trigger_status = triggerStatuses.read(from);
    // the same type again, so that no class information is due
    if (version === 2 || version === 3) triggerStatuses.read(from);
    const start_time = timeClass.read(from);
    const end_time = timeClass.read(from);
    const daq_configuration_name = version > 2 ? from.text() : "";
    return { dom_status, trigger_status, start_time, end_time, daq_configuration_name };
  },
  (to, value) => {
    base.write(to, undefined);
    domStatuses.write(to, new Map(value.dom_status));
    triggerStatuses.write(to, new Map(value.trigger_status));
    timeClass.write(to, value.start_time);
    timeClass.write(to, value.end_time);
    to.text(value.daq_configuration_name);
  },
);
