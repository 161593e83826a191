import { InputError } from "../config/errors.ts";
import { degree } from "../geometry/constants.ts";

/** The colour of a share of the scale, 0 (best) to 1, as #rrggbb. Lightness falls: in print, and to the colour-blind, too. */
export type Palette = (share: number) => string;

/**
 * Magma-like, reversed: from light yellow over red to dark blue. Lightness falls linearly in OKLab, so that equal
 * steps look equal.
 */
const dusk: Palette = (share) => {
  const t = within(share);
  return hex(0.96 - 0.68 * t, 0.12 + 0.09 * Math.sin(Math.PI * t ** 0.8), 105 - 185 * t);
};

/** For print without colours. */
const grey: Palette = (share) => hex(0.97 - 0.72 * within(share), 0, 0);

/** Of viridis (S. van der Walt & N. Smith, matplotlib, CC0), ten evenly spaced, light to dark. */
const viridisStops = "fde725 b5de2b 6ece58 35b779 1f9e89 26828e 31688e 3e4989 482878 440154"
  .split(" ")
  .map((stop) => [0, 2, 4].map((at) => Number.parseInt(stop.slice(at, at + 2), 16)));

const viridis: Palette = (share) => {
  const at = within(share) * (viridisStops.length - 1);
  const from = viridisStops[Math.floor(at)]!;
  const to = viridisStops[Math.ceil(at)]!;
  return rgbText(from.map((value, i) => value + (at % 1) * (to[i]! - value)));
};

const palettes: Readonly<Record<string, Palette>> = { dusk, viridis, grey };

export const paletteNames: readonly string[] = Object.keys(palettes);

/** The one without a name given, and the page's. */
export const colourOf: Palette = dusk;

/** @throws InputError for a name there is not */
export function paletteNamed(name: string): Palette {
  if (Object.hasOwn(palettes, name)) return palettes[name]!;
  throw new InputError(`--colours ${name.slice(0, 40)}: there are ${paletteNames.join(", ")}`);
}

const within = (share: number): number => Math.min(1, Math.max(0, share));

/** @param values red, green, blue, 0 to 255 */
const rgbText = (values: readonly number[]): string =>
  `#${values.map((value) => Math.round(value).toString(16).padStart(2, "0")).join("")}`;

/** OKLCH (lightness, chroma, hue in degrees), with as much of its chroma as sRGB has. */
function hex(lightness: number, chroma: number, hue: number): string {
  let most = chroma;
  let rgb = linearRgb(lightness, most, hue);
  while (most > 0 && rgb.some((value) => value < 0 || value > 1)) {
    most -= 0.002;
    rgb = linearRgb(lightness, Math.max(0, most), hue);
  }
  return rgbText(
    rgb.map((value) => {
      const v = within(value);
      return 255 * (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055);
    }),
  );
}

/** OKLab → linear sRGB; B. Ottosson, "A perceptual color space for image processing" (2020). */
function linearRgb(lightness: number, chroma: number, hue: number): [number, number, number] {
  const a = chroma * Math.cos(hue * degree);
  const b = chroma * Math.sin(hue * degree);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
}
