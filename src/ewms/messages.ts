import * as v from "valibot";
import { InputError } from "../config/errors.ts";
import { parseJson } from "../config/json.ts";
import { inContext } from "../i3/context.ts";
import type { Frame } from "../i3/frame.ts";
import type { TaskResult } from "../scan/task.ts";
import { isNside, npix } from "../sky/healpix.ts";
import {
  readPickledFrame,
  readPixelFrame,
  type SeededTask,
  writePickledFrame,
} from "./pixel_frame.ts";
import { readRecoPixelVariation, writeRecoPixelVariation } from "./reco_pixel_variation.ts";

/** What the original's server and client say to each other about one fit: the content of messages and task files. */

const base64 = v.pipe(v.string(), v.base64("no base64"));
const ToClient = v.object({
  reco_algo: v.pipe(v.string(), v.regex(/^\w{1,64}$/, "no name of an algorithm")),
  realtime_format_version: v.optional(v.string(), ""),
  pframe_pkl_b64: base64,
});
const FromClient = v.object({
  reco_pixel_variation_pkl_b64: base64,
  runtime: v.pipe(v.number(), v.finite(), v.minValue(0)),
});

/** A fit to be done: with what algorithm, on an alert of which format. */
export interface FitRequest extends SeededTask {
  readonly reco: string;
  readonly formatVersion: string;
}

/** A fit that is done. */
export interface FitAnswer {
  readonly result: TaskResult;
  /** s. */
  readonly runtime: number;
}

function parsed<S extends v.GenericSchema>(schema: S, document: unknown): v.InferOutput<S> {
  const read = v.safeParse(schema, document, { abortEarly: true });
  if (read.success) return read.output;
  const [issue] = read.issues;
  throw new InputError(`${v.getDotPath(issue) ?? "document"}: ${issue.message}`);
}

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64"));
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

/** A JSON text. Throws InputError. */
export function jsonOf(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    throw new InputError(`no JSON: ${(error as Error).message}`);
  }
}

/** @param frame as pixelFrame makes it */
export const fitRequestDocument = (reco: string, formatVersion: string, frame: Frame): object => ({
  pframe_pkl_b64: textOf(writePickledFrame(frame)),
  realtime_format_version: formatVersion,
  reco_algo: reco,
});

/** Throws InputError naming the member, and the key of the frame, that is no good. */
export function readFitRequest(document: unknown): FitRequest {
  const { reco_algo, realtime_format_version, pframe_pkl_b64 } = parsed(ToClient, document);
  const task = inContext("pframe_pkl_b64", () =>
    readPixelFrame(readPickledFrame(bytesOf(pframe_pkl_b64))),
  );
  return { reco: reco_algo, formatVersion: realtime_format_version, ...task };
}

export const fitAnswerDocument = ({ result, runtime }: FitAnswer): object => ({
  reco_pixel_variation_pkl_b64: textOf(writeRecoPixelVariation(result)),
  runtime,
});

/** Throws InputError for what is no answer, or one about a pixel that does not exist. */
export function readFitAnswer(document: unknown): FitAnswer {
  const { reco_pixel_variation_pkl_b64, runtime } = parsed(FromClient, document);
  const result = inContext("reco_pixel_variation_pkl_b64", () =>
    readRecoPixelVariation(bytesOf(reco_pixel_variation_pkl_b64)),
  );
  const { nside, pixel } = result;
  if (!isNside(nside) || pixel >= npix(nside))
    throw new InputError(`result: there is no pixel ${pixel} of nside ${nside}`);
  return { result, runtime };
}
