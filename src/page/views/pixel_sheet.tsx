/** All fits of one pixel, its energy losses along the track, and the same fit for the command line. */
import { useEffect, useRef } from "preact/hooks";
import type { PixelAnswer, PixelFit } from "../../desk/messages.ts";
import { isProblem } from "../desk.ts";
import { decText, deltaText, energyText, fixed, NOTHING, raText, shown } from "../words.ts";
import { usePage } from "./hooks.ts";
import { energyOf } from "./hover_card.tsx";

export function PixelSheet() {
  const { shell } = usePage();
  const { a, address, picked } = shell;
  useEffect(() => {
    const [nside, pixel] = (address.pixel ?? "").split(".").map(Number);
    if (a && nside && pixel !== undefined && !picked) void shell.pick(a.id, nside, pixel);
  }, [a?.id, address.pixel]);
  if (!address.pixel) return null;
  return (
    <section class="sheet" aria-label="Pixel">
      <button
        type="button"
        class="close"
        aria-label="Close (Escape)"
        onClick={() => shell.unpick()}
      >
        ×
      </button>
      {picked === undefined ? (
        <p class="muted">asking…</p>
      ) : isProblem(picked) ? (
        <p>{picked.error}</p>
      ) : (
        <Fits answer={picked} />
      )}
    </section>
  );
}

function Fits({ answer }: { answer: PixelAnswer }) {
  const { shell } = usePage();
  const { nside, pixel, fits, minima, losses } = answer;
  const best = fits.reduce<number | null>(
    (least, { llh }) => (llh !== null && (least === null || llh < least) ? llh : least),
    null,
  );
  const map = shell.shown(shell.a)?.best;
  return (
    <>
      <h2>
        nside {nside} · pixel {pixel}
        {best !== null && map && (
          <span class="muted"> · 2Δllh {deltaText(2 * (best - map.llh))}</span>
        )}
      </h2>
      <p class="muted small">
        RA {raText(answer.ra, 3)} Dec {decText(answer.dec, 3)} · zenith {raText(answer.zenith, 3)}{" "}
        azimuth {raText(answer.azimuth, 3)}
      </p>
      <div class="table">
        <table>
          <thead>
            <tr>
              {["from", "−ln L", "vertex (m)", "time (ns)", "energy", "evaluations", "s"].map(
                (title) => (
                  <th key={title} scope="col">
                    {title}
                  </th>
                ),
              )}
            </tr>
          </thead>
          <tbody>
            {fits.map((fit) => (
              <Fit
                key={`${fit.posvar}.${fit.round}`}
                fit={fit}
                isBest={fit.llh !== null && fit.llh === best}
              />
            ))}
          </tbody>
        </table>
      </div>
      {minima.length > 1 && (
        <p class="muted small">
          {minima.length} minima at this direction, 2Δllh{" "}
          {minima.map((llh) => deltaText(2 * (llh - minima[0]!))).join(", ")}
        </p>
      )}
      {losses && losses.length > 0 && <Losses losses={losses} />}
      <p class="command">
        <code>{shown(answer.command)}</code>
        <button type="button" onClick={() => void shell.copy(answer.command)}>
          Copy
        </button>
      </p>
    </>
  );
}

/** Where a task's fits began: a variation of the seed, all of them, or what the pixels around had found. */
function originOf({ round, posvar, variations }: PixelFit): string {
  if (round > 0) return `its neighbours' minima, look ${round}`;
  return variations > 1 ? `${variations} seeds, the best` : `seed ${posvar}`;
}

function Fit({ fit, isBest }: { fit: PixelFit; isBest: boolean }) {
  const vertex =
    fit.x === null ? NOTHING : [fit.x, fit.y, fit.z].map((v) => fixed(v ?? 0, 1)).join(", ");
  return (
    <tr class={isBest ? "best" : ""}>
      <td>{originOf(fit)}</td>
      <td>{fit.llh === null ? shown(fit.reason ?? "no fit") : fixed(fit.llh, 3)}</td>
      <td>{vertex}</td>
      <td>{fit.time === null ? NOTHING : fixed(fit.time, 1)}</td>
      <td>{energyOf(fit) ?? NOTHING}</td>
      <td>{fit.evaluations}</td>
      <td>{fit.seconds.toFixed(2)}</td>
    </tr>
  );
}

/** Decades of energy shown below the largest loss. */
const DECADES = 4;

/** Energy of each loss along the track, logarithmic. */
function Losses({ losses }: { losses: NonNullable<PixelAnswer["losses"]> }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const total = losses.reduce((sum, { energy }) => sum + energy, 0);
  useEffect(() => {
    if (canvas.current) drawLosses(canvas.current, losses);
  });
  return (
    <figure class="losses">
      <figcaption class="muted small">
        losses along the track, {losses.filter(({ energy }) => energy > 0).length} of{" "}
        {losses.length} with light, {energyText(total)} in all
      </figcaption>
      <canvas
        ref={canvas}
        role="img"
        aria-label={`Energy losses along the track, ${energyText(total)} in all`}
      />
    </figure>
  );
}

function drawLosses(canvas: HTMLCanvasElement, losses: NonNullable<PixelAnswer["losses"]>): void {
  const ratio = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const context = canvas.getContext("2d")!;
  context.scale(ratio, ratio);
  const style = getComputedStyle(canvas);
  const sorted = [...losses].sort((a, b) => a.time - b.time);
  const top = Math.max(...sorted.map(({ energy }) => energy), 1e-3);
  const [from, to] = [sorted[0]!.time, sorted.at(-1)!.time];
  const step = (width - 60) / Math.max(1, sorted.length);
  const y = (energy: number) =>
    (height - 18) * (1 - Math.max(0, 1 + Math.log10(energy / top) / DECADES));
  context.font = "11px Inter, system-ui, sans-serif";
  context.fillStyle = style.color;
  context.fillText(energyText(top), 2, 11);
  context.fillText("0 ns", 52, height - 3);
  context.textAlign = "right";
  context.fillText(`${Math.round(to - from)} ns`, width - 2, height - 3);
  context.fillStyle = style.getPropertyValue("--accent");
  sorted.forEach(({ energy }, i) => {
    if (energy <= 0) return;
    const at = y(energy);
    context.fillRect(56 + i * step, at, Math.max(1, step - 1), height - 18 - at);
  });
}
