/** How a picture is to be drawn. */
export interface RasterSettings {
  readonly fontFamily: string;
  /** Paths of its files, that only this process may be able to read: in the executable they are part of it. */
  readonly fonts: readonly string[];
  readonly fitTo: {
    readonly mode: "zoom" | "width";
    /** PNG pixels per SVG unit, or in all. */
    readonly value: number;
  };
}

/** Draws SVG as PNG. Throws when it cannot be loaded here, or the picture is none. */
export type Rasteriser = (svg: string, settings: RasterSettings) => Promise<Uint8Array>;
