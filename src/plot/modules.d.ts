declare module "d3-geo-projection" {
  import type { GeoProjection } from "d3-geo";
  export function geoMollweide(): GeoProjection;
}
declare module "*.ttf" {
  const path: string;
  export default path;
}
declare module "*.wasm" {
  const path: string;
  export default path;
}

declare module "svg-to-pdfkit" {
  /** Draws an SVG document upon a page of a pdfkit document. */
  export default function drawSvg(
    document: PDFKit.PDFDocument,
    svg: string,
    x: number,
    y: number,
    options: {
      readonly width: number;
      readonly height: number;
      /** A unit of the SVG is a point. */
      readonly assumePt: boolean;
      readonly fontCallback: (family: string, isBold: boolean) => string;
    },
  ): void;
}
