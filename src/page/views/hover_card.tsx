/** What lies under the pointer, or the keys' cross-hair. */
import { useEffect } from "preact/hooks";
import type { ScanRow } from "../../desk/messages.ts";
import { isProblem } from "../desk.ts";
import { FAILED } from "../map/cells.ts";
import { separation } from "../map/extent.ts";
import { angleText, decText, deltaText, energyText, fixed, raText } from "../words.ts";
import { usePage } from "./hooks.ts";

/** The pointer rests when it has not moved for so long, ms: then the pixel's vertex is asked for. */
const REST = 140;

export function HoverCard({ row }: { row: ScanRow }) {
  const { shell } = usePage();
  const { hover } = shell;
  const hit = hover?.hit;
  useEffect(() => {
    if (!hit || hover?.scan !== row.id) return;
    const timer = setTimeout(() => void shell.reading(row.id, hit.nside, hit.pixel), REST);
    return () => clearTimeout(timer);
  }, [hit?.nside, hit?.pixel, row.id]);
  const shownScan = shell.shown(row);
  // Beside each other both maps tell of the same direction: each looks for itself.
  if (!hover || !shownScan?.map) return null;
  const own = hover.scan === row.id ? hit : shownScan.map.at(hover.direction);
  const answer = own && shell.readings.get(`${row.id}/${own.nside}.${own.pixel}`);
  const fit = answer && !isProblem(answer) ? bestOf(answer.fits) : undefined;
  return (
    <dl class="hover-card">
      <dt>2Δllh</dt>
      <dd class="large">
        {own
          ? own.value === FAILED
            ? "no fit"
            : deltaText(shownScan.map.delta(own.value))
          : "not scanned"}
      </dd>
      <dt>RA</dt>
      <dd>{raText(hover.direction.ra, 3)}</dd>
      <dt>Dec</dt>
      <dd>{decText(hover.direction.dec, 3)}</dd>
      {own && <dt>pixel</dt>}
      {own && (
        <dd>
          nside {own.nside} · {own.pixel}
        </dd>
      )}
      {shownScan.best && <dt>from best</dt>}
      {shownScan.best && <dd>{angleText(separation(hover.direction, shownScan.best))}</dd>}
      {fit?.x != null && <dt>vertex</dt>}
      {fit?.x != null && (
        <dd>{[fit.x, fit.y, fit.z].map((value) => fixed(value ?? Number.NaN, 0)).join(", ")} m</dd>
      )}
      {energyOf(fit) && <dt>energy</dt>}
      {energyOf(fit) && <dd>{energyOf(fit)}</dd>}
    </dl>
  );
}

export interface Energies {
  readonly energy: number | null;
  readonly E_in: number | null;
  readonly E_tot: number | null;
}

/** The energy a fit states, and which one it is. */
export const energyOf = (fit: Energies | undefined): string | undefined => {
  if (fit?.energy != null) return energyText(fit.energy);
  if (fit?.E_in != null) return `${energyText(fit.E_in)} inside`;
  if (fit?.E_tot != null) return energyText(fit.E_tot);
  return undefined;
};

export function bestOf<T extends { readonly llh: number | null }>(
  fits: readonly T[],
): T | undefined {
  return fits.filter(({ llh }) => llh !== null).sort((a, b) => a.llh! - b.llh!)[0];
}
