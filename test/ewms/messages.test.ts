import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import {
  fitAnswerDocument,
  fitRequestDocument,
  readFitAnswer,
  readFitRequest,
} from "../../src/ewms/messages.ts";
import { readPickledFrame, writePickledFrame } from "../../src/ewms/pixel_frame.ts";
import { describeShared, shared } from "../shared.ts";
import { taskFiles } from "./task_files.ts";

const json = (path: string) => JSON.parse(readFileSync(path, "utf8"));

describeShared("the original's task files", () => {
  test.each(taskFiles)("%s: a fit to be done", (name, fit) => {
    const document = json(shared("oracle/task_files", name, "in.json"));
    const request = readFitRequest(document);
    expect(request).toMatchObject({
      ...fit,
      reco: document.reco_algo,
      formatVersion: document.realtime_format_version,
    });
    // The pickle and the frame in it are written as they were, byte for byte.
    const frame = readPickledFrame(Buffer.from(document.pframe_pkl_b64, "base64"));
    expect(Buffer.from(writePickledFrame(frame)).toString("base64")).toBe(document.pframe_pkl_b64);
    expect(fitRequestDocument(request.reco, request.formatVersion, frame)).toEqual(document);
  });

  test.each(taskFiles)("%s: a fit that is done, written again byte for byte", (name, fit, llh) => {
    const document = json(shared("oracle/task_files", name, "out.json"));
    const answer = readFitAnswer(document);
    expect(answer.result).toMatchObject({ ...fit, llh, energy: Number.NaN });
    expect(fitAnswerDocument(answer)).toEqual(document);
  });
});
