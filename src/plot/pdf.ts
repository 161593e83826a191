import { readFile } from "node:fs/promises";
import font from "./font/DejaVuSans.ttf" with { type: "file" };
import boldFont from "./font/DejaVuSans-Bold.ttf" with { type: "file" };

/** Points per CSS pixel and per mm. */
const PER_PIXEL = 0.75;
const PER_MM = 72 / 25.4;

/**
 * SVG → PDF of one page, as vectors, its text as text. The same bytes each time.
 * Loaded only where a PDF is wanted: its libraries take a tenth of a second.
 */
export async function toPdf(svg: string): Promise<Uint8Array> {
  const [{ default: PdfDocument }, { default: drawSvg }] = await Promise.all([
    import("pdfkit"),
    import("svg-to-pdfkit"),
  ]);
  const [width, height] = ["width", "height"].map((name) => points(svg, name)) as [number, number];
  // In no time zone, or the machine's own would show.
  const never = new Date(0);
  const document = new PdfDocument({
    ...{ size: [width, height], margin: 0, font: null as unknown as string },
    info: { Producer: "skyscan", Creator: "skyscan", CreationDate: never, ModDate: never },
  });
  document.registerFont("regular", await readFile(font));
  document.registerFont("bold", await readFile(boldFont));
  const written = new Promise<Uint8Array>((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    document.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    document.on("end", () => resolve(Buffer.concat(chunks)));
    document.on("error", reject);
  });
  drawSvg(document, haloed(unsized(svg)), 0, 0, {
    ...{ width, height, assumePt: true },
    fontCallback: (_family, isBold) => (isBold ? "bold" : "regular"),
  });
  document.end();
  return await written;
}

/** The picture as large as its page, whatever it says of its size. */
const unsized = (svg: string): string =>
  svg.replace(/^<svg[^>]*>/, (tag) => tag.replace(/ (width|height)="[^"]*"/g, ""));

/** A size of the picture in points. */
function points(svg: string, name: string): number {
  const [, number, unit] = new RegExp(`^<svg[^>]* ${name}="([\\d.]+)(mm)?"`).exec(svg) ?? [];
  return Number(number) * (unit === "mm" ? PER_MM : PER_PIXEL);
}

/** This renderer knows no paint-order, so that a halo would cover its letters: they are drawn once more upon it. */
const haloed = (svg: string): string =>
  svg.replace(
    /<text([^>]*) paint-order="stroke"([^>]*)>([^<]*)<\/text>/g,
    (_all, before: string, after: string, content: string) => {
      const attributes = before + after;
      const plain = attributes.replace(/ stroke[a-z-]*="[^"]*"/g, "");
      return `<text${attributes}>${content}</text><text${plain}>${content}</text>`;
    },
  );
