import { degree } from "../geometry/constants.ts";
import { superDstPulses } from "../i3/classes/superdst.ts";
import type { Alert } from "../i3/envelope.ts";
import type { FrameRecord } from "../i3/frame.ts";
import { classOf, objectOf } from "../i3/objects.ts";
import { domName } from "../i3/omkey.ts";
import type { PulseMap } from "../i3/pulses.ts";
import { PulseFlag } from "../i3/pulses.ts";
import { utcText } from "../i3/time.ts";
import { type Event, eventName } from "./event.ts";
import { type FrameView, findOf, resolvePulses, seenFrom } from "./objects.ts";

const FRAME_NAMES: Readonly<Record<string, string>> = {
  G: "geometry",
  C: "calibration",
  D: "detector status",
  Q: "readout",
  P: "physics",
  p: "physics",
};

const fixed = (value: number, digits: number): string =>
  Number.isFinite(value) ? value.toFixed(digits) : "–";

function pulsesText(pulses: PulseMap): string {
  let count = 0;
  let hlc = 0;
  let charge = 0;
  for (const series of pulses.values())
    for (const pulse of series) {
      count++;
      if (pulse.flags & PulseFlag.LC) hlc++;
      charge += pulse.charge;
    }
  return `${pulses.size} DOMs, ${count} pulses (${hlc} HLC), ${fixed(charge, 2)} PE`;
}

/** One record in a few words and numbers. */
function summary(view: FrameView, record: FrameRecord): string {
  const object = objectOf(record);
  switch (object?.type) {
    case undefined:
      return `class ${classOf(record.buffer).name}, not decoded`;
    case "I3Double":
    case "I3Int":
    case "I3Bool":
      return String(object.value);
    case "I3String":
      return object.value.length > 60 ? `${object.value.slice(0, 60)}…` : object.value;
    case "I3Position":
      return `(${object.value.map((x) => fixed(x, 1)).join(", ")}) m`;
    case "I3Time":
      return utcText(object);
    case "I3TimeWindow":
      return `${fixed(object.start, 1)} … ${fixed(object.stop, 1)} ns`;
    case "I3TimeWindowSeriesMap":
      return `${object.windows.size} DOMs`;
    case "I3VectorChar":
      return `${object.value.length} bytes`;
    case "I3VectorOMKey":
      return `${object.value.length} DOMs`;
    case "I3EventHeader":
      return `run ${object.run_id}, event ${object.event_id}${object.sub_event_stream ? `, ${object.sub_event_stream} ${object.sub_event_id}` : ""}, ${utcText(object.start_time)} UTC`;
    case "I3Particle": {
      const energy = Number.isFinite(object.energy) ? `, ${object.energy.toPrecision(4)} GeV` : "";
      const vertex = `(${object.pos.map((x) => fixed(x, 1)).join(", ")}) m at ${fixed(object.time, 1)} ns`;
      const from = `zenith ${fixed(object.dir.zenith / degree, 2)}°, azimuth ${fixed(object.dir.azimuth / degree, 2)}°`;
      return `${object.shape} ${object.fit_status}: ${from}, ${vertex}${energy}`;
    }
    case "I3RecoPulseSeriesMap":
      return pulsesText(object.pulses);
    case "I3RecoPulseSeriesMapMask":
      return `${pulsesText(resolvePulses(view, record.key))}, of ${object.source}`;
    case "I3RecoPulseSeriesMapUnion":
      return `${pulsesText(resolvePulses(view, record.key))}, of ${object.keys.join(" and ")}`;
    case "I3SuperDST":
      return pulsesText(superDstPulses(object));
    case "I3SuperDSTTriggerSeries":
      return `${object.triggers.length} triggers`;
    case "I3LogLikelihoodFitParams":
      return `llh ${fixed(object.logl, 3)}, reduced ${fixed(object.rlogl, 3)}, ${object.ndof} degrees of freedom`;
    case "I3LineFitParams":
      return `speed ${fixed(object.LFVel, 4)} m/ns`;
    case "I3CscdLlhFitParams":
      return `llh ${fixed(object.neg_llh, 3)}, reduced ${fixed(object.reduced_llh, 3)}, ${object.hit_count} hits`;
    case "I3TrackCharacteristicsValues":
      return `mean DOM distance ${fixed(object.avg_dom_dist_q_tot_dom, 1)} m`;
    case "I3PortiaEvent":
      return `${fixed(object.total_best_npe, 1)} PE in ${object.total_nch} DOMs, first ${domName(object.first_om)}`;
    case "I3Geometry":
      return `${object.omgeo.size} DOMs`;
    case "I3Calibration":
      return `${object.dom_cal.size} DOMs`;
    case "I3DetectorStatus":
      return `${object.dom_status.size} DOMs, ${object.daq_configuration_name}`;
    case "I3GeometryDiff":
      return `to ${object.base_filename}: ${object.omgeo.plus.size} DOMs, ${object.stationgeo.plus.size} stations`;
    case "I3CalibrationDiff":
      return `to ${object.base_filename}: ${object.dom_cal.plus.size} DOMs`;
    case "I3DetectorStatusDiff":
      return `to ${object.base_filename}: ${object.dom_status.plus.size} DOMs, ${object.trigger_status.plus.size} triggers`;
    default:
      return "";
  }
}

/** Left-aligned columns, two spaces between. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths =
    rows[0]?.map((_, i) => Math.max(...rows.map((row) => [...(row[i] ?? "")].length))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, i) =>
        i === row.length - 1 ? cell : cell + " ".repeat(widths[i]! - [...cell].length),
      )
      .join("  ")
      .trimEnd(),
  );
}

function headLines({ metadata, formatVersion, frames }: Event): string[] {
  const header = findOf({ frames }, "I3EventHeader", "I3EventHeader");
  return columns([
    ["Event", eventName(metadata)],
    ["Run", String(metadata.runId)],
    ["Event id", String(metadata.eventId)],
    ["Type", `${metadata.eventType} (${metadata.isRealEvent ? "detector data" : "simulation"})`],
    ["Time", `${header ? `${utcText(header.start_time)} UTC, ` : ""}MJD ${metadata.mjd}`],
    ["Format", formatVersion || "without version"],
  ]);
}

/** The event for a reader: what it is, and every key of every frame with its essentials. */
export function eventTable(contents: Event | Alert): string {
  const lines = "metadata" in contents ? headLines(contents) : ["No event: no physics frame"];
  for (const frame of contents.frames) {
    const view = seenFrom(contents, frame);
    lines.push("", `${frame.stream}  ${FRAME_NAMES[frame.stream] ?? "frame"}`);
    const rows = [...frame.records.values()].map((record) => [
      `  ${record.key}`,
      classOf(record.buffer).name,
      `${record.buffer.length} B`,
      summary(view, record),
    ]);
    lines.push(...columns(rows));
  }
  return `${lines.join("\n")}\n`;
}
