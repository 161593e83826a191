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

/** A whole picture on white, in pixels; children are finished SVG. */
export const picture = (width: number, height: number, ...children: string[]): string =>
  element(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      "font-family": "DejaVu Sans, Verdana, sans-serif",
      "font-size": 13,
      fill: "#222",
    },
    element("rect", { width, height, fill: "#fff" }),
    ...children,
  );

/** Text on the map itself: white, with a shadow that keeps it legible on light colours. */
export const onMap = {
  fill: "#fff",
  stroke: "#000",
  "stroke-width": 2.4,
  "stroke-opacity": 0.45,
  "stroke-linejoin": "round",
  "paint-order": "stroke",
};
