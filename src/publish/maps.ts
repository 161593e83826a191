/** Sky maps as FITS files: probability for telescopes, likelihood for physicists; multi-order and flat. */

import { InputError } from "../config/errors.ts";
import { type Cell, cellArea, cellsOf, type DensityCell, uniqOf } from "../result/cells.ts";
import { type Card, integerCard, textCard, writeFits } from "../result/fits.ts";
import type { Localisation } from "../result/localisation.ts";
import { bestFit } from "../result/result.ts";
import { isNside, nestedOf, npix } from "../sky/healpix.ts";
import type { AlertFacts } from "./facts.ts";
import { headerCards, type Widening } from "./header.ts";

/** Finest nside of a flat map nobody asked to be finer: 100 MB unpacked. */
const FINEST_FLAT = 1024;
/** Finest nside of a flat map at all: 400 MB. */
const FINEST_FLAT_ASKED = 2048;

const orderOf = (cells: readonly { order: number }[]): number =>
  cells.reduce((finest, { order }) => Math.max(finest, order), 0);

const pixelCards = (ordering: string, rest: readonly Card[]): Card[] => [
  textCard("PIXTYPE", "HEALPIX"),
  textCard("ORDERING", ordering),
  textCard("COORDSYS", "C"),
  ...rest,
];

const multiOrderCards = (cells: readonly { order: number }[]): Card[] =>
  pixelCards("NUNIQ", [integerCard("MOCORDER", orderOf(cells)), textCard("INDXSCHM", "EXPLICIT")]);

const flatCards = (ordering: string, nside: number): Card[] =>
  pixelCards(ordering, [
    integerCard("NSIDE", nside),
    integerCard("FIRSTPIX", 0),
    integerCard("LASTPIX", npix(nside) - 1),
    textCard("INDXSCHM", "IMPLICIT"),
  ]);

const coverCards = (cells: readonly Cell[]): Card[] =>
  cells.some(({ origin }) => origin === "none") ? [textCard("SKYCOVER", "PARTIAL")] : [];

/** A map's probability as it is published: as the map has it, or widened. */
export interface PublishedDensity extends Widening {
  readonly cells: readonly DensityCell[];
}

/**
 * The probability density, one row a cell, sorted by UNIQ: the map to publish (file of GCN's `healpix_url`).
 */
export const densityFits = (
  found: Localisation,
  facts: AlertFacts,
  density: PublishedDensity = found,
): Uint8Array => {
  const { cells } = density;
  return writeFits(
    [
      { name: "UNIQ", type: "K", values: cells.map(uniqOf) },
      {
        name: "PROBDENSITY",
        type: "D",
        unit: "sr-1",
        values: cells.map((cell) => cell.density),
      },
    ],
    [
      ...multiOrderCards(cells),
      ...coverCards(cellsOf(found.result)),
      ...headerCards(found, facts, cells, density),
    ],
  );
};

/**
 * Probability per pixel of a flat map in NESTED order, for tools that read no other.
 * @param nside default: the map's finest, at most 1024
 */
export function probabilityFits(
  found: Localisation,
  facts: AlertFacts,
  density: PublishedDensity = found,
  nside = Math.min(2 ** orderOf(density.cells), FINEST_FLAT),
): Uint8Array {
  requireFlat(nside);
  const values = new Float64Array(npix(nside));
  const order = Math.log2(nside);
  for (const cell of density.cells) {
    const shift = 4 ** (order - cell.order);
    if (shift >= 1) {
      const share = (cell.density * cellArea(cell)) / shift;
      values.fill(share, cell.pixel * shift, (cell.pixel + 1) * shift);
    } else values[Math.floor(cell.pixel * shift)]! += cell.density * cellArea(cell);
  }
  return writeFits(
    [{ name: "PROB", type: "D", unit: "pix-1", values }],
    [...flatCards("NESTED", nside), ...headerCards(found, facts, density.cells, density)],
  );
}

/** 2·Δllh of a cell, as fitted; NaN where a fit failed or none was made. */
const doubled = (lowest: number) => (cell: Cell) =>
  cell.origin === "failed" ? Number.NaN : 2 * (cell.llh - lowest);

/** 2·Δllh against the best pixel, one row a cell, as skyreader's multi-order file. */
export function llhMultiOrderFits(found: Localisation, facts: AlertFacts): Uint8Array {
  const cells = likelihoodCells(found);
  const values = cells.map(doubled(bestFit(found.result)!.llh));
  return writeFits(
    [
      { name: "UNIQ", type: "K", values: cells.map(uniqOf) },
      { name: "2DLLH", type: "D", values },
    ],
    [...multiOrderCards(cells), ...coverCards(cells), ...headerCards(found, facts, found.cells)],
  );
}

/** 2·Δllh against the best pixel on a flat map in RING order, as skyreader's. */
export function llhFits(found: Localisation, facts: AlertFacts, nside?: number): Uint8Array {
  const cells = likelihoodCells(found);
  const finest = nside ?? Math.min(2 ** orderOf(cells), FINEST_FLAT);
  requireFlat(finest);
  const order = Math.log2(finest);
  const value = doubled(bestFit(found.result)!.llh);
  const nested = new Float64Array(npix(finest)).fill(Number.NaN);
  for (const cell of cells) {
    const shift = 4 ** (order - cell.order);
    if (shift >= 1) nested.fill(value(cell), cell.pixel * shift, (cell.pixel + 1) * shift);
    else {
      // The lowest of what lies inside: no minimum is lost.
      const at = Math.floor(cell.pixel * shift);
      const known = nested[at]!;
      const own = value(cell);
      if (Number.isNaN(known) || own < known) nested[at] = own;
    }
  }
  const values = new Float64Array(nested.length);
  for (let ring = 0; ring < values.length; ring++) values[ring] = nested[nestedOf(finest, ring)]!;
  return writeFits(
    [{ name: "2DLLH", type: "D", values }],
    [...flatCards("RING", finest), ...headerCards(found, facts, found.cells)],
  );
}

function likelihoodCells({ result }: Localisation): readonly Cell[] {
  if (result.isProbability)
    throw new InputError("the likelihood is lost in a probability map: no 2DLLH can be made of it");
  return cellsOf(result);
}

function requireFlat(nside: number): void {
  if (!isNside(nside) || nside > FINEST_FLAT_ASKED)
    throw new InputError(
      `nside ${nside}: a flat map has a power of two up to ${FINEST_FLAT_ASKED}`,
    );
}
