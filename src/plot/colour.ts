import { degree } from "../geometry/constants.ts";

/** Ways to colour a map, all dark where it is worse: of our own, matplotlib's viridis turned around, and grey. */
export const palettes = ["ember", "viridis", "grey"] as const;
export type Palette = (typeof palettes)[number];

/** Where a pixel was scanned and its fit failed; darker than what was not scanned. */
export const failedColour = "#a9a9ae";
/** What was not scanned. */
export const unscannedColour = "#d5d5d8";

/** Viridis at tenths, from its yellow end (S. van der Walt & N. Smith 2015, CC0). */
const viridis = [
  ...["#fde725", "#bddf26", "#7ad151", "#44bf70", "#22a884", "#21918c"],
  ...["#2a788e", "#355f8d", "#414487", "#482475", "#440154"],
];

/**
 * The colour of a share of the scale, 0 (best) to 1, as #rrggbb. Ember goes from light yellow over red to dark blue;
 * its lightness falls linearly in OKLab, so that equal steps look equal, in print and to the colour-blind too.
 */
export function colourOf(share: number, palette: Palette = "ember"): string {
  const t = Math.min(1, Math.max(0, share));
  if (palette === "grey") return hex(0.97 - 0.72 * t, 0, 0);
  if (palette === "viridis") return between(viridis, t);
  return hex(0.96 - 0.68 * t, 0.12 + 0.09 * Math.sin(Math.PI * t ** 0.8), 105 - 185 * t);
}

/** Linear between evenly spread colours. */
function between(colours: readonly string[], t: number): string {
  const at = Math.min(colours.length - 2, Math.floor(t * (colours.length - 1)));
  const part = t * (colours.length - 1) - at;
  const channel = (colour: string, k: number) =>
    Number.parseInt(colour.slice(1 + 2 * k, 3 + 2 * k), 16);
  const mixed = [0, 1, 2].map((k) =>
    Math.round(channel(colours[at]!, k) * (1 - part) + channel(colours[at + 1]!, k) * part)
      .toString(16)
      .padStart(2, "0"),
  );
  return `#${mixed.join("")}`;
}

/** OKLCH (lightness, chroma, hue in degrees), with as much of its chroma as sRGB has. */
function hex(lightness: number, chroma: number, hue: number): string {
  let most = chroma;
  let rgb = linearRgb(lightness, most, hue);
  while (most > 0 && rgb.some((value) => value < 0 || value > 1)) {
    most -= 0.002;
    rgb = linearRgb(lightness, Math.max(0, most), hue);
  }
  return `#${rgb
    .map((value) => {
      const v = Math.min(1, Math.max(0, value));
      const encoded = v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055;
      return Math.round(255 * encoded)
        .toString(16)
        .padStart(2, "0");
    })
    .join("")}`;
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
