import { InputError } from "../config/errors.ts";
import { findTrack, inputNames, listed } from "../pulses/inputs.ts";
import type { Reco } from "./reco.ts";
import { splinempe } from "./splinempe.ts";

/** Radius of a pointed scan, rad (3.5°). */
const POINTED_RADIUS = (3.5 * Math.PI) / 180;

/** splinempe on the pixels around the event's online SplineMPE track only. */
export const splinempePointed: Reco = {
  ...splinempe,
  name: "splinempe_pointed",
  seeds: { ...splinempe.seeds, pointedRadius: POINTED_RADIUS },
  prepare: (event, detector, light) => {
    const key = inputNames(event).splineMpe;
    const track = findTrack(event, key);
    if (!track)
      throw new InputError(
        `the event has no track "${key}" to point at; its tracks: ${listed(event, "I3Particle")}`,
      );
    const pointing = { zenith: track.zenith, azimuth: track.azimuth };
    return { ...splinempe.prepare(event, detector, light), pointing };
  },
};
