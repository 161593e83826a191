import { InputError } from "../config/errors.ts";
import type { Detector } from "../detector/detector.ts";
import type { Hypothesis } from "../geometry/track.ts";
import type { PulseMap } from "../i3/pulses.ts";

/**
 * A first idea of the track: the straight line, run along at constant speed, that is nearest to the
 * pulses in the charge-weighted least-squares sense (V. J. Stenger's line fit; J. Ahrens et al.,
 * NIM A 524 (2004) 169, section 4.1). Returns its point and time at the centre of charge.
 */
export function lineFit(pulses: PulseMap, detector: Detector): Hypothesis {
  let weight = 0;
  let time = 0;
  const mean: [number, number, number] = [0, 0, 0];
  const each = (visit: (w: number, t: number, at: readonly [number, number, number]) => void) => {
    for (const [key, series] of pulses) {
      const dom = detector.doms.get(key);
      if (dom) for (const pulse of series) visit(pulse.charge, pulse.time, [dom.x, dom.y, dom.z]);
    }
  };
  each((w, t, at) => {
    weight += w;
    time += w * t;
    at.forEach((value, i) => {
      mean[i]! += w * value;
    });
  });
  time /= weight;
  mean.forEach((value, i) => {
    mean[i] = value / weight;
  });
  const velocity: [number, number, number] = [0, 0, 0];
  each((w, t, at) => {
    at.forEach((value, i) => {
      velocity[i]! += w * (t - time) * (value - mean[i]!);
    });
  });
  const length = Math.hypot(...velocity);
  if (!(length > 0))
    throw new InputError(
      "the event's pulses show no direction: expected light on several DOMs at different times",
    );
  const [nx, ny, nz] = velocity.map((v) => v / length) as [number, number, number];
  return {
    x: mean[0],
    y: mean[1],
    z: mean[2],
    time,
    zenith: Math.acos(-nz),
    azimuth: (Math.atan2(-ny, -nx) + 2 * Math.PI) % (2 * Math.PI),
  };
}
