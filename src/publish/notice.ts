/**
 * The GCN notice of a localisation: JSON after GCN's schema gcn/notices/icecube/single_neutrino_alerts (gcn-schema
 * 7.2.1). The file is written; nothing is sent.
 */

import * as v from "valibot";
import { InputError } from "../config/errors.ts";
import { isoOfMjd } from "../event/utc.ts";
import { degreesPerRadian } from "../geometry/constants.ts";
import { type Localisation, type Region, regionOf } from "../result/localisation.ts";
import { provenanceOf } from "../result/provenance.ts";
import { type AlertFacts, requireAlertName, type Stream } from "./facts.ts";

const SCHEMA =
  "https://gcn.nasa.gov/schema/v7.2.1/gcn/notices/icecube/single_neutrino_alerts.schema.json";

const pipelines: Readonly<Record<Stream, string>> = {
  gold: "Gold Track Alert",
  bronze: "Bronze Track Alert",
  cascade: "Cascade Alert",
};

/** Seconds in a Julian year: GCN counts false alarms in Hz, IceCube a year. */
export const secondsPerYear = 31_557_600;

export const alertTypes = ["initial", "subsequent", "update", "retraction"] as const;

export interface NoticeOptions {
  /** 0 for the first notice of an event, before a scan. */
  readonly revision: number;
  readonly alertType?: (typeof alertTypes)[number];
  readonly isTest: boolean;
  /** The errors as an ellipse instead of a circle's radius. */
  readonly asEllipse: boolean;
  /** Where the map can be had. */
  readonly healpixUrl?: string;
  /** Or the map itself. */
  readonly healpixFile?: Uint8Array;
  /** When it is issued. */
  readonly now: Date;
}

const moment = v.pipe(v.string(), v.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/));
const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const positive = v.pipe(v.number(), v.finite(), v.minValue(0));

/** What GCN's schema asks for, and what its mission page says beyond it. */
const notice = v.strictObject({
  $schema: v.literal(SCHEMA),
  mission: v.literal("IceCube"),
  instrument: v.literal("IC86"),
  messenger: v.literal("Neutrino"),
  pipeline: v.picklist(Object.values(pipelines)),
  record_number: v.pipe(v.number(), v.integer(), v.minValue(0)),
  event_name: v.optional(v.tuple([v.pipe(v.string(), v.regex(/^IceCube-\d{6}[A-Z]$/))])),
  id: v.tuple([v.pipe(v.string(), v.regex(/^\d+_\d+$/))]),
  alert_datetime: moment,
  alert_type: v.picklist(alertTypes),
  alert_tense: v.picklist(["current", "injection", "test"]),
  alert_topology: v.picklist(["Track", "Shower"]),
  number_of_events: v.literal(1),
  ra: v.pipe(v.number(), v.minValue(0), v.ltValue(360)),
  dec: v.pipe(v.number(), v.minValue(-90), v.maxValue(90)),
  ra_dec_error: v.union([positive, v.tuple([positive, positive, positive])]),
  containment_probability: v.literal(0.9),
  systematic_included: v.boolean(),
  healpix_url: v.optional(v.pipe(v.string(), v.url())),
  healpix_file: v.optional(v.pipe(v.string(), v.base64())),
  trigger_time: moment,
  nu_energy: v.optional(positive),
  p_astro: v.optional(share),
  far: v.optional(positive),
});
export type Notice = v.InferOutput<typeof notice>;

/**
 * Radius of the circle that notices give for a 90 % contour, deg: √(mean RA error · cos δ · mean Dec error)
 * (GCN's mission page of IceCube).
 */
export function circularError(region: Region, dec: number): number {
  const ra = ((region.raPlus + region.raMinus) / 2) * Math.cos(dec);
  return Math.sqrt(ra * ((region.decPlus + region.decMinus) / 2)) * degreesPerRadian;
}

/**
 * The notice of a localisation.
 * @throws InputError where the map lacks what a notice must say, or a fact is none
 */
export function noticeOf(found: Localisation, facts: AlertFacts, options: NoticeOptions): Notice {
  const { event, best, contours, levels } = found;
  if (event === undefined)
    throw new InputError("a notice names run, event and time, and the map does not have them");
  if (facts.stream === undefined)
    throw new InputError(
      "--stream is needed: gold, bronze or cascade; the alert itself does not say",
    );
  const region = regionOf(contours, 90);
  if (region === undefined)
    throw new InputError("a notice gives the error of 90 %, and the levels have no 90 %");
  if (region.area < region.resolvedArea && !region.isOpen)
    throw new InputError(
      "the 90 % contour is smaller than the map's pixels resolve: its error is no error to publish (scan finer)",
    );
  const trigger = isoOfMjd(event.mjd);
  if (facts.name !== undefined) requireAlertName(facts.name, dayOf(event.mjd));
  const { ellipse } = found;
  // What our own light does not know is in no calibration made with it.
  const isBuiltIn = provenanceOf(found.result).light?.startsWith("embedded") ?? false;
  const document: Notice = {
    $schema: SCHEMA,
    mission: "IceCube",
    instrument: "IC86",
    messenger: "Neutrino",
    pipeline: pipelines[facts.stream],
    record_number: options.revision,
    ...(facts.name !== undefined && { event_name: [facts.name] }),
    id: [`${event.runId}_${event.eventId}`],
    alert_datetime: `${options.now.toISOString().slice(0, -1)}000Z`,
    alert_type: options.alertType ?? (options.revision === 0 ? "initial" : "update"),
    alert_tense: options.isTest ? "test" : event.isRealEvent ? "current" : "injection",
    alert_topology: facts.stream === "cascade" ? "Shower" : "Track",
    number_of_events: 1,
    ra: (best.ra * degreesPerRadian) % 360,
    dec: best.dec * degreesPerRadian,
    ra_dec_error:
      options.asEllipse && ellipse
        ? ([ellipse.a, ellipse.b, ellipse.positionAngle].map((x) => x * degreesPerRadian) as [
            number,
            number,
            number,
          ])
        : circularError(region, best.dec),
    containment_probability: 0.9,
    systematic_included: levels.systematicIncluded && !isBuiltIn,
    ...(options.healpixUrl !== undefined && { healpix_url: options.healpixUrl }),
    ...(options.healpixFile !== undefined && {
      healpix_file: Buffer.from(options.healpixFile).toString("base64"),
    }),
    trigger_time: `${trigger}Z`,
    ...(facts.energy !== undefined && { nu_energy: facts.energy }),
    ...(facts.signalness !== undefined && { p_astro: facts.signalness }),
    ...(facts.farPerYear !== undefined && { far: facts.farPerYear / secondsPerYear }),
  };
  return requireNotice(document);
}

/** @throws InputError naming the field that is wrong */
export function requireNotice(document: unknown): Notice {
  const parsed = v.safeParse(notice, document);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new InputError(`notice: ${v.getDotPath(issue) ?? "document"}: ${issue.message}`);
}

/** YYMMDD, UTC. */
export const dayOf = (mjd: number): string => isoOfMjd(mjd).slice(2, 10).replaceAll("-", "");
