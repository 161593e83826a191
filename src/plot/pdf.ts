import { readFile } from "node:fs/promises";
import font from "./font/DejaVuSans.ttf" with { type: "file" };
import boldFont from "./font/DejaVuSans-Bold.ttf" with { type: "file" };

/** Of a CSS pixel, and of a millimetre, in PDF's points. */
const POINTS_PER_PIXEL = 0.75;
const POINTS_PER_MM = 72 / 25.4;

/** A PDF carries a date; one and the same keeps equal pictures equal files. */
const date = new Date(0);

/** SVG → PDF with lines and text, nothing of it as raster; the page is as large as the picture. */
export async function toPdf(svg: string): Promise<Uint8Array> {
  // A megabyte of code that only this needs.
  const [{ default: PdfDocument }, { default: draw }] = await Promise.all([
    import("pdfkit"),
    import("svg-to-pdfkit"),
  ]);
  const [width, height] = ["width", "height"].map((name) => lengthOf(svg, name)) as [
    number,
    number,
  ];
  const document = new PdfDocument({
    size: [width, height],
    margin: 0,
    // Nothing is read from a disk that may have no such fonts.
    font: null as unknown as string,
    info: { CreationDate: date, ModDate: date, Creator: "skyscan" },
  });
  const parts: Uint8Array[] = [];
  const done = new Promise<void>((resolve, reject) => {
    document.on("data", (part: Uint8Array) => parts.push(part));
    document.on("end", resolve);
    document.on("error", reject);
  });
  document.registerFont("regular", await readFile(font));
  document.registerFont("bold", await readFile(boldFont));
  // Drawn in its own units, which the page's follow: svg-to-pdfkit takes millimetres for points.
  const [, x, y] = /viewBox="0 0 ([\d.]+) ([\d.]+)"/.exec(svg)!.map(Number);
  document.scale(width / x!, height / y!);
  draw(document, svg.replace(/(<svg[^>]*) width="[^"]*" height="[^"]*"/, "$1"), 0, 0, {
    ...{ width: x, height: y, assumePt: true },
    fontCallback: (_family: string, isBold: boolean) => (isBold ? "bold" : "regular"),
  });
  document.end();
  await done;
  return Buffer.concat(parts);
}

/** Of the picture's outermost element, in points. */
function lengthOf(svg: string, name: string): number {
  const [, value, unit] = new RegExp(`^<svg[^>]* ${name}="([\\d.]+)(mm)?"`).exec(svg)!;
  return Number(value) * (unit === "mm" ? POINTS_PER_MM : POINTS_PER_PIXEL);
}
