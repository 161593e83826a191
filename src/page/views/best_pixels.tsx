/** The lowest pixels of a map as a table: what the picture shows, for those who do not see it, and to be copied. */
import { useMemo, useState } from "preact/hooks";
import type { ScanRow } from "../../desk/messages.ts";
import { pixelCentre } from "../../sky/healpix.ts";
import { fittedPixels } from "../map/minima.ts";
import { decText, deltaText, raText } from "../words.ts";
import { usePage } from "./hooks.ts";

/** Rows. */
const MOST = 20;

export function BestPixels({ row }: { row: ScanRow }) {
  const { shell } = usePage();
  const [isOpen, setOpen] = useState(false);
  const map = shell.shown(row)?.map;
  const best = useMemo(
    () =>
      isOpen && map
        ? fittedPixels(map)
            .sort((a, b) => a.value - b.value)
            .slice(0, MOST)
        : [],
    [isOpen, map, map?.version],
  );
  if (!map?.best) return null;
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary class="muted">The {MOST} best pixels</summary>
      <div class="table">
        <table>
          <thead>
            <tr>
              {["2Δllh", "RA", "Dec", "nside · pixel"].map((title) => (
                <th key={title} scope="col">
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {best.map(({ nside, pixel, value }) => {
              const { ra, dec } = pixelCentre(nside, pixel);
              return (
                <tr key={`${nside}.${pixel}`}>
                  <td>{deltaText(map.delta(value))}</td>
                  <td>{raText(ra)}</td>
                  <td>{decText(dec)}</td>
                  <td>
                    <button
                      type="button"
                      class="link small"
                      title="Its fits"
                      onClick={() => void shell.pick(row.id, nside, pixel)}
                    >
                      {nside} · {pixel}
                    </button>
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </details>
  );
}
