import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadEvent } from "../../src/event/load.ts";
import { findOf } from "../../src/event/objects.ts";
import { fitRequestDocument } from "../../src/ewms/messages.ts";
import { pixelFrame } from "../../src/ewms/pixel_frame.ts";
import { encodeFrameEntry } from "../../src/i3/envelope.ts";
import { simulatedEvent } from "../programs.ts";

/** The original's files of single fits, and what CPython unpickles of its answers: nside, pixel, variation, llh. */
export const taskFiles: readonly (readonly [
  name: string,
  fit: { readonly nside: number; readonly pixel: number; readonly posvar: number },
  llh: number,
])[] = [
  ["millipede_original/BRONZE", { nside: 1, pixel: 0, posvar: 0 }, 4400.257537913162],
  ["millipede_original/GOLD", { nside: 1, pixel: 8, posvar: 0 }, 6005.269564655553],
  ["millipede_original/JSON", { nside: 1, pixel: 9, posvar: 0 }, 471.81879528589195],
  ["millipede_wilks/BRONZE", { nside: 1, pixel: 4, posvar: 0 }, 887.3922109329362],
  ["millipede_wilks/GOLD", { nside: 1, pixel: 7, posvar: 0 }, 2408.6851829957054],
  ["millipede_wilks/JSON", { nside: 1, pixel: 3, posvar: 0 }, 127.51615963455372],
  ["splinempe/BRONZE", { nside: 1, pixel: 9, posvar: 3 }, 1094.1010782779736],
  ["splinempe/GOLD", { nside: 1, pixel: 8, posvar: 2 }, 2454.1272793061094],
  ["splinempe_pointed/BRONZE", { nside: 1, pixel: 9, posvar: 3 }, 1094.1010782779736],
  ["splinempe_pointed/GOLD", { nside: 1, pixel: 8, posvar: 2 }, 2454.1272793061094],
];

/**
 * Files of one fit of the repository's simulated alert, as our server makes them.
 * @returns the flags of a client that does it
 */
export async function writeTask(
  directory: string,
  reco: string,
  task = { nside: 8, pixel: 321, posvar: 2 },
): Promise<string[]> {
  const event = await loadEvent(simulatedEvent);
  const header = findOf(
    { frames: event.frames.filter(({ stream }) => stream === "P") },
    "I3EventHeader",
    "I3EventHeader",
  )!;
  const seed = { x: 10, y: -20, z: 30, time: 9000, zenith: 1.5, azimuth: 0.7 };
  const request = fitRequestDocument(
    reco,
    event.formatVersion,
    pixelFrame({ ...task, seed }, header),
  );
  const path = (name: string) => join(directory, name);
  mkdirSync(directory, { recursive: true });
  writeFileSync(path("in.json"), JSON.stringify(request));
  const packet = { frames: event.frames.map((frame) => encodeFrameEntry(frame)) };
  writeFileSync(
    path("startup.json"),
    JSON.stringify({ baseline_GCD_file: "", GCDQp_packet: packet }),
  );
  return [
    ...["--infile", path("in.json"), "--outfile", path("out.json")],
    ...["--client-startup-json", path("startup.json")],
  ];
}
