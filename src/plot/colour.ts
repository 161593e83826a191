import { degree } from "../geometry/constants.ts";

/**
 * The colour of a share of the scale, 0 (best) to 1, as #rrggbb: from light yellow over red to dark blue.
 * Lightness falls linearly in OKLab, so that equal steps look equal, in print and to the colour-blind too.
 */
export function colourOf(share: number): string {
  const t = Math.min(1, Math.max(0, share));
  return hex(0.96 - 0.68 * t, 0.12 + 0.09 * Math.sin(Math.PI * t ** 0.8), 105 - 185 * t);
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
