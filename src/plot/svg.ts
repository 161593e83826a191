type Attributes = Readonly<Record<string, string | number | undefined>>;

const escapes: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escaped = (content: string): string =>
  content.replace(/[&<>"]/g, (letter) => escapes[letter]!);

/** Pixels, to a hundredth. */
export const round = (value: number): number => Math.round(value * 100) / 100;

/** One SVG element; children are finished SVG. */
export function element(name: string, attributes: Attributes, ...children: string[]): string {
  const list = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(
      ([key, value]) =>
        ` ${key}="${typeof value === "number" ? round(value) : escaped(String(value))}"`,
    )
    .join("");
  const content = children.join("");
  return content === "" ? `<${name}${list}/>` : `<${name}${list}>${content}</${name}>`;
}

/** A line of text. */
export const text = (x: number, y: number, content: string, attributes: Attributes = {}): string =>
  element("text", { x, y, ...attributes }, escaped(content.replaceAll("  ", "\u00a0 ")));

/** A five-pointed star. */
export function star(x: number, y: number, radius: number): string {
  const points = Array.from({ length: 10 }, (_, i) => {
    const r = i % 2 === 0 ? radius : radius * 0.42;
    const angle = (i * Math.PI) / 5;
    return `${round(x + r * Math.sin(angle))},${round(y - r * Math.cos(angle))}`;
  });
  return element("polygon", {
    points: points.join(" "),
    fill: "#fff",
    stroke: "#000",
    "stroke-width": 1,
    "stroke-linejoin": "round",
  });
}

/**
 * A whole picture on white; children are finished SVG.
 * @param size in pixels
 * @param widthMm how wide it is printed; default: as many CSS pixels as it has
 */
export const picture = (
  { width, height, widthMm }: { width: number; height: number; widthMm?: number },
  ...children: string[]
): string =>
  element(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      viewBox: `0 0 ${width} ${height}`,
      ...(widthMm === undefined
        ? { width, height }
        : { width: `${widthMm}mm`, height: `${round((widthMm * height) / width)}mm` }),
      "font-family": "DejaVu Sans, Verdana, sans-serif",
      "font-size": 13,
      fill: "#222",
    },
    element("rect", { width, height, fill: "#fff" }),
    ...children,
  );

/**
 * Text on the map itself: white, with a shadow that keeps it legible on light colours. The shadow is a text of its
 * own below: not all that draws SVG knows paint-order.
 */
export const halo = (x: number, y: number, content: string, attributes: Attributes = {}): string =>
  text(x, y, content, {
    ...attributes,
    fill: "none",
    stroke: "#000",
    "stroke-width": 2.4,
    "stroke-opacity": 0.65,
    "stroke-linejoin": "round",
    "aria-hidden": "true",
  }) + text(x, y, content, { ...attributes, fill: "#fff" });

/** A line on a white casing, legible on any colour. @param d its path; nothing is drawn of an empty one */
export function cased(d: string, line: Attributes & { readonly "stroke-width": number }): string {
  if (d === "") return "";
  const shape = { d, fill: "none", "stroke-linejoin": "round" };
  const casing = {
    stroke: "#fff",
    "stroke-opacity": 0.7,
    "stroke-width": line["stroke-width"] + 2,
  };
  return element("path", { ...shape, ...casing }) + element("path", { ...shape, ...line });
}
