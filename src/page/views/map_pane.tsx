/** The map of one scan, or of two beside each other, with what is read from it. */
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { ScanRow } from "../../desk/messages.ts";
import type { Mode } from "../address.ts";
import { drawnLevels } from "../desk.ts";
import { drawColourBar, drawDifferenceBar } from "../map/colour_bar.ts";
import { MapCanvas, type Scene } from "../map/map_canvas.ts";
import { type SkyMap, scaleEnd } from "../map/sky_map.ts";
import type { Shell } from "../shell.ts";
import { shown } from "../words.ts";
import { usePage } from "./hooks.ts";
import { HoverCard } from "./hover_card.tsx";
import { Overview } from "./overview.tsx";

/** 2Δllh at either end of a difference's scale: three standard deviations of a direction (χ², 2 degrees of freedom). */
const DIFFERENCE_END = 40;

export function MapPane() {
  const { shell } = usePage();
  const { a, b, mode } = shell;
  const isSide = mode === "side" && b !== undefined;
  const first = mode === "blink" && shell.isSecond && b ? b : a;
  return (
    <section class={`map-pane ${isSide ? "side" : ""}`} aria-label="Sky map">
      <ModeBar />
      {first && <LiveMap key="first" row={first} less={mode === "diff" ? b : undefined} isMain />}
      {isSide && b && <LiveMap key="second" row={b} />}
    </section>
  );
}

/** The scene of one scan's map in this window. */
function sceneOf(shell: Shell, row: ScanRow, less: ScanRow | undefined): Scene | undefined {
  const shownScan = shell.shown(row);
  const map = shownScan?.map;
  if (!map || !shownScan.page) return undefined;
  const { page, best, first, contours } = shownScan;
  const pixel = shell.address.pixel?.split(".").map(Number);
  const other = shell.shown(less)?.map;
  return {
    map,
    less: other,
    view: shell.currentView,
    end: other ? DIFFERENCE_END : endOf(shell, map, drawnLevels(page)),
    // What the pixels so far do not resolve says nothing.
    contours:
      row.state === "done"
        ? contours
        : contours.filter(({ area, resolvedArea }) => area >= resolvedArea),
    best: page.place ?? best ?? undefined,
    online: page.online ?? undefined,
    // A finished map speaks for itself.
    first: row.state === "done" ? undefined : first,
    sources: shell.sources,
    picked: pixel && pixel.length === 2 ? { nside: pixel[0]!, pixel: pixel[1]! } : undefined,
    cross: shell.cross,
    isStill: shell.isStill,
  };
}

/**
 * The local scale ends a little above the outermost contour; that of the whole sky at its worst pixel, and so as long as
 * there are no finer pixels than the first stage's: a contour is narrower than one of these.
 */
function endOf(shell: Shell, map: SkyMap, levels: readonly { level: number }[]): number {
  const [coarsest, ...finer] = map.cells.nsides;
  const isCoarse = finer.length > 0 && map.best?.nside === coarsest;
  return shell.currentView.kind === "sky" || isCoarse ? map.worst() : scaleEnd(levels);
}

function LiveMap({
  row,
  less,
  isMain = false,
}: {
  row: ScanRow;
  less?: ScanRow | undefined;
  isMain?: boolean;
}) {
  const { desk, shell } = usePage();
  const cells = useRef<HTMLCanvasElement>(null);
  const lines = useRef<HTMLCanvasElement>(null);
  const bar = useRef<HTMLCanvasElement>(null);
  const canvas = useRef<MapCanvas | undefined>(undefined);
  const scan = useRef(row.id);
  scan.current = row.id;
  useLayoutEffect(() => {
    const made = new MapCanvas(cells.current!, lines.current!, {
      onView: (view) => shell.look(view),
      onHover: (reading) => shell.set({ hover: reading && { ...reading, scan: scan.current } }),
      onPick: ({ hit }) => hit && void shell.pick(scan.current, hit.nside, hit.pixel),
    });
    canvas.current = made;
    if (isMain) shell.canvas = made;
    return () => made.close();
  }, [shell, isMain]);
  const scene = sceneOf(shell, row, less);
  useLayoutEffect(() => {
    if (scene) canvas.current?.show(scene);
  });
  const page = shell.shown(row)?.page;
  useEffect(() => {
    if (!bar.current || !scene || !page) return;
    if (scene.less) drawDifferenceBar(bar.current, scene.end);
    else
      drawColourBar(bar.current, {
        end: scene.end,
        levels: drawnLevels(page).map(({ level }) => level),
        isCut: scene.end < scene.map.worst(),
      });
  }, [scene?.end, scene?.less, page?.levels, shell.size]);
  const isOld = desk.connection === "lost";
  return (
    <div class={`live-map ${isOld ? "old" : ""} ${row.state}`}>
      <div class="canvases">
        <canvas ref={cells} class="cells" />
        {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: arrow keys move a cross-hair here */}
        <canvas
          ref={lines}
          class="lines"
          tabIndex={0}
          role="application"
          aria-label={`Sky map by ${shown(row.reco)}`}
          aria-describedby="map-says"
          onKeyDown={(event) => shell.mapKey(event)}
        />
        <MapNotes
          row={row}
          hasMap={scene !== undefined && shell.shown(row)?.map?.best !== undefined}
        />
        {isMain && shell.currentView.kind === "local" && scene && <Overview scene={scene} />}
        <HoverCard row={row} />
        {isMain && <ZoomButtons />}
      </div>
      <canvas ref={bar} class="colour-bar" />
    </div>
  );
}

/** What is said on the map itself. */
function MapNotes({ row, hasMap }: { row: ScanRow; hasMap: boolean }) {
  const { shell } = usePage();
  const shownScan = shell.shown(row);
  const convention = shownScan?.page?.levels.convention;
  return (
    <>
      {shell.mode === "side" && (
        <p class="map-title">
          {shown(row.reco)} {convention && <span class="muted">({convention})</span>}
        </p>
      )}
      {shell.mode === "diff" && (
        <p class="map-title diff">
          2Δllh of {shown(row.reco)} less that of {shown(shell.b?.reco ?? "")}
        </p>
      )}
      {row.state === "stuck" && (
        <p class="map-note stuck">▲ {shown(row.reason ?? "no new pixel for some time")}</p>
      )}
      {!hasMap && (
        <p class="map-note">
          {shownScan?.problem ??
            (row.state === "failed" ? shown(row.reason ?? "failed") : "no pixel yet")}
        </p>
      )}
    </>
  );
}

const modes: readonly (readonly [Mode, string, string | undefined])[] = [
  ["blink", "Blink", "B"],
  ["side", "Side by side", undefined],
  ["diff", "Difference", undefined],
];

function ModeBar() {
  const { shell } = usePage();
  const { alert, a, b, mode } = shell;
  if (!alert || !a) return null;
  const visible = mode === "blink" && shell.isSecond && b ? b : a;
  return (
    <div class="mode-bar" role="toolbar" aria-label="Which map">
      {alert.scans.slice(0, 4).map((row) => (
        <button
          type="button"
          key={row.id}
          aria-pressed={row.id === visible.id}
          onClick={() => shell.choose(row)}
        >
          {shown(row.reco)}
          {alert.scans.filter(({ reco }) => reco === row.reco).length > 1 && (
            <small> {row.nsides.split(" ").at(-1)}</small>
          )}
        </button>
      ))}
      {b && <span class="divider" />}
      {b &&
        modes.map(([name, words, key]) => (
          <button
            type="button"
            key={name}
            class={`mode ${name}`}
            aria-pressed={mode === name}
            onClick={() => shell.compare(name)}
          >
            {words} {key && <kbd>{key}</kbd>}
          </button>
        ))}
    </div>
  );
}

function ZoomButtons() {
  const { shell } = usePage();
  const by = (factor: number) => shell.zoom(factor);
  return (
    <div class="zoom-buttons">
      <button
        type="button"
        aria-label="Contour of 3σ"
        title="Contour of 3σ (W)"
        aria-pressed={shell.isWide}
        onClick={() => shell.toggleWide()}
      >
        3σ
      </button>
      <button type="button" aria-label="Closer" title="Closer (+)" onClick={() => by(1.5)}>
        +
      </button>
      <button type="button" aria-label="Farther" title="Farther (−)" onClick={() => by(1 / 1.5)}>
        −
      </button>
      <button
        type="button"
        aria-label="To the contours"
        title="To the contours (0)"
        onClick={() => shell.look(undefined)}
      >
        ⤢
      </button>
      <button
        type="button"
        aria-label="Whole sky"
        title="Whole sky (A)"
        onClick={() => shell.look({ kind: "sky" })}
      >
        ◯
      </button>
    </div>
  );
}
