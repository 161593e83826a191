/** The answer: where, how sure, compared with what; and what can be taken away. */
import type { FileEntry, FirstDirection, ScanPage, ScanRow } from "../../desk/messages.ts";
import { degreesPerRadian } from "../../geometry/constants.ts";
import { drawnLevels, type Shown } from "../desk.ts";
import { type Extent, separation } from "../map/extent.ts";
import {
  angleText,
  areaText,
  decText,
  dmsText,
  durationText,
  energyText,
  fixed,
  hmsText,
  NOTHING,
  raText,
  shown,
} from "../words.ts";
import { BestPixels } from "./best_pixels.tsx";
import { EventPanel } from "./event_panel.tsx";
import { usePage } from "./hooks.ts";
import { energyOf } from "./hover_card.tsx";
import { Log } from "./log.tsx";

export function Answer() {
  const { shell } = usePage();
  const { a } = shell;
  const shownScan = shell.shown(a);
  if (!a || !shownScan?.page) return <aside class="answer" aria-label="Best fit" />;
  const { page } = shownScan;
  return (
    <aside class="answer" aria-label="Best fit">
      <div class="numbers">
        <Direction row={a} scan={shownScan} />
        <Areas row={a} scan={shownScan} />
        <p class={`honesty ${page.is_calibrated ? "calibrated" : ""}`}>
          <Honesty text={page.honesty} />
        </p>
        <Agreement />
        <Facts row={a} page={page} scan={shownScan} />
      </div>
      <EventPanel row={a} />
      <Files row={a} page={page} />
    </aside>
  );
}

/** Its first sentence stands out. */
function Honesty({ text }: { text: string }) {
  const end = text.indexOf(". ") + 1;
  return (
    <>
      <b>{shown(end > 0 ? text.slice(0, end) : "")}</b> {shown(text.slice(end))}
    </>
  );
}

function Copied({ children, value }: { children: preact.ComponentChildren; value: string }) {
  const { shell } = usePage();
  return (
    <button
      type="button"
      class="copied"
      title="Copy in full precision"
      onClick={() => void shell.copy(value)}
    >
      {children}
    </button>
  );
}

function Direction({ row, scan }: { row: ScanRow; scan: Shown }) {
  const { shell } = usePage();
  const { best, page } = scan;
  const online = page?.online;
  const published = page?.place ?? undefined;
  // Fitted free it is nearer than any pixel's centre, until pixels are as fine.
  const first = published ? undefined : aheadOfMap(scan);
  const place = published ?? first ?? best ?? online;
  const extent = first ? extentOfFirst(first) : shell.extent(scan);
  const isFinal = row.state === "done";
  const when = isFinal
    ? ""
    : row.state === "failed"
      ? "failed · "
      : row.state === "cancelled"
        ? "cancelled · "
        : "so far · ";
  return (
    <>
      <h2>
        {first ? "First direction" : best ? "Best fit" : "Online direction"}{" "}
        <span
          class="muted"
          title={first && "fitted with nothing held fixed; the map's pixels follow"}
        >
          {best ? `${when}${shown(row.reco)}` : ((online && shown(online.kind)) ?? "")}
        </span>
      </h2>
      <dl class="direction">
        <dt>RA</dt>
        <dd>
          {place ? (
            <Copied value={String(place.ra * degreesPerRadian)}>
              <b>{raText(place.ra)}</b>
            </Copied>
          ) : (
            NOTHING
          )}
          <Errors plus={extent?.raPlus} minus={extent?.raMinus} extent={extent} />
          <span class="muted sexagesimal">{place && hmsText(place.ra)}</span>
        </dd>
        <dt>Dec</dt>
        <dd>
          {place ? (
            <Copied value={String(place.dec * degreesPerRadian)}>
              <b>{decText(place.dec)}</b>
            </Copied>
          ) : (
            NOTHING
          )}
          <Errors plus={extent?.decPlus} minus={extent?.decMinus} />
          <span class="muted sexagesimal">{place && dmsText(place.dec)}</span>
        </dd>
      </dl>
    </>
  );
}

/** The direction that was fitted free, as long as the map's pixels are coarser than its ellipse and none is lower. */
function aheadOfMap({ first, best }: Shown): FirstDirection | undefined {
  if (!first?.ellipse || !best || first.llh >= best.llh) return undefined;
  const cell = Math.sqrt(Math.PI / 3) / best.nside;
  return cell > first.ellipse.b ? first : undefined;
}

/** How far its ellipse reaches in RA and Dec. */
function extentOfFirst({ dec, ellipse }: FirstDirection): Extent | undefined {
  if (ellipse === null) return undefined;
  const { a, b, angle } = ellipse;
  const north = Math.hypot(a * Math.cos(angle), b * Math.sin(angle));
  const east = Math.hypot(a * Math.sin(angle), b * Math.cos(angle)) / Math.cos(dec);
  const hasPole = Math.abs(dec) + north > Math.PI / 2;
  return { raPlus: east, raMinus: east, decPlus: north, decMinus: north, hasPole };
}

function Errors({
  plus,
  minus,
  extent,
}: {
  plus: number | undefined;
  minus: number | undefined;
  extent?: Extent | undefined;
}) {
  if (plus === undefined || minus === undefined) return null;
  if (extent?.hasPole) return <span class="errors">any: the region holds a pole</span>;
  const text = (angle: number) => (angle * degreesPerRadian).toFixed(2);
  return (
    <span class="errors">
      +{text(plus)} −{text(minus)} (90 %)
    </span>
  );
}

const guess = "so far: the contour passes over pixels that are not fitted yet";

/** Areas of the finished map as the desk states them, before that as they are traced here. */
function Areas({ row, scan }: { row: ScanRow; scan: Shown }) {
  const { page, contours } = scan;
  const stated = row.areas.map(({ percent, area_sqdeg, radius_deg, is_open, resolved_sqdeg }) => ({
    percent,
    isGuess: false,
    area: area_sqdeg,
    radius: radius_deg,
    isOpen: is_open,
    resolved: resolved_sqdeg ?? 0,
  }));
  const traced = contours.map(({ percent, area, radius, isOpen, resolvedArea, bridged }) => ({
    percent,
    isGuess: bridged.length > 0,
    area: area * degreesPerRadian ** 2,
    radius: radius * degreesPerRadian,
    isOpen,
    resolved: resolvedArea * degreesPerRadian ** 2,
  }));
  const list = stated.length > 0 ? stated : traced;
  const levels = page ? drawnLevels(page) : [];
  return (
    <div class="areas">
      {levels.map(({ percent, level }) => {
        const area = list.find((entry) => entry.percent === percent);
        const isStated = area?.isOpen === true && stated.length > 0;
        const isResolved = area !== undefined && (area.area >= area.resolved || isStated);
        // While few pixels hold an open contour nothing can be said of it, not even that it is small.
        const isKnown = area !== undefined && (isResolved || !area.isOpen);
        return (
          <div
            class="area"
            key={percent}
            title={`2Δllh below ${level}, ${page?.levels.convention}`}
          >
            <b>
              {area?.isGuess && isResolved && <abbr title={guess}>≈ </abbr>}
              {isKnown ? areaText(area.area, area.isOpen, area.resolved) : NOTHING}
            </b>
            <span>
              <span class="muted">{percent} %</span>
              {isKnown && !isResolved && <span class="muted"> · below the map's resolution</span>}
              {isResolved && (
                <>
                  <span class="muted"> · r </span>
                  {area.radius.toFixed(2)}°
                </>
              )}
              <span class="muted"> · {page?.levels.convention}</span>
            </span>
          </div>
        );
      })}
    </div>
  );
}

/** Whether two algorithms say the same of one event. */
function Agreement() {
  const { shell } = usePage();
  const { a, b } = shell;
  if (!a?.best || !b?.best || a.reco === b.reco) return null;
  const apart = separation(a.best, b.best);
  const radius = (row: ScanRow) => row.areas.find(({ percent }) => percent === 90)?.radius_deg;
  const [ra, rb] = [radius(a), radius(b)];
  const text = `${shown(a.reco)} and ${shown(b.reco)} are ${angleText(apart)} apart.`;
  if (ra === undefined || rb === undefined) return null;
  const isFar = apart * degreesPerRadian > Math.max(ra, rb);
  return (
    <p class={isFar ? "honesty" : "muted small agreement"}>
      {isFar ? <b>The two algorithms disagree:</b> : null} {text}
    </p>
  );
}

/** Where it was fitted free, how well that is known, and how far from there the map's best is. */
function firstText(first: FirstDirection, place: { ra: number; dec: number }): string {
  const { ra, dec, ellipse } = first;
  const radius = ellipse && ` · r ${angleText(Math.sqrt(ellipse.a * ellipse.b))}`;
  return `${raText(ra)} ${decText(dec)}${radius ?? ""} · ${angleText(separation(first, place))} off`;
}

function Facts({ row, page, scan }: { row: ScanRow; page: ScanPage; scan: Shown }) {
  const { best, first } = scan;
  const { online, provenance } = page;
  const event = row.event;
  const facts: [string, string][] = [];
  if (first && best) facts.push(["First direction", firstText(first, page.place ?? best)]);
  if (online && best)
    facts.push([
      "From online",
      `${angleText(separation(online, page.place ?? best))} away · ${raText(online.ra)} ${decText(online.dec)}`,
    ]);
  if (best)
    facts.push(["Detector", `zenith ${raText(best.zenith)} · azimuth ${raText(best.azimuth)}`]);
  if (event)
    facts.push([
      "MJD",
      `${event.mjd.toFixed(6)}${event.is_real ? " · detector data" : " · simulated"}`,
    ]);
  if (best)
    facts.push(["−ln L", `${fixed(best.llh, 2)} · nside ${best.nside} · pixel ${best.pixel}`]);
  const made: [string, string][] = [];
  if (best?.x != null)
    made.push([
      "Vertex",
      `${[best.x, best.y, best.z].map((v) => fixed(v ?? 0, 0)).join(", ")} m at ${fixed(best.time ?? 0, 0)} ns`,
    ]);
  if (provenance.energy)
    facts.push([
      "Energy",
      `${energyText(provenance.energy.value)}, ${shown(provenance.energy.source)}`,
    ]);
  else if (energyOf(best)) facts.push(["Energy", `${energyOf(best)}, from the fit`]);
  if (row.failed_pixels > 0)
    facts.push(["No fit", `${row.failed_pixels} pixels; the contours pass over them`]);
  if (provenance.light) made.push(["Light", shown(provenance.light)]);
  if (provenance.detector) made.push(["Geometry", shown(provenance.detector)]);
  made.push(["Scan", `${shown(provenance.nsides)} · ${shown(provenance.version)}`]);
  if (row.ended && row.started) made.push(["Took", durationText(row.ended - row.started)]);
  return (
    <div class="facts">
      <Pairs pairs={facts} />
      <details>
        <summary class="muted">How it was made</summary>
        <Pairs pairs={made} />
      </details>
      <BestPixels row={row} />
    </div>
  );
}

function Pairs({ pairs }: { pairs: readonly (readonly [string, string])[] }) {
  return (
    <dl>
      {pairs.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

const isKind = (pattern: RegExp) => (file: FileEntry) =>
  pattern.test(file.name) || pattern.test(file.what);

function Files({ row, page }: { row: ScanRow; page: ScanPage }) {
  const { shell } = usePage();
  const { files } = page;
  const fits = files.find(isKind(/multi-?order/i));
  const notice = files.find(isKind(/notice/i));
  const circular = files.find(isKind(/circular/i));
  const rest = files.filter((file) => file !== fits);
  return (
    <div class="files">
      {fits && <Main file={fits} row={row} />}
      {notice && <TextButton row={row} file={notice} name="Notice" />}
      {circular && <TextButton row={row} file={circular} name="Circular" />}
      {rest.length > 0 && (
        <details class="more-files" open={shell.address.panel === "files"}>
          <summary>
            All files <span class="muted small">{files.length}</span>
          </summary>
          <ul>
            {files.map((file) => (
              <FileLine key={file.name} row={row} file={file} />
            ))}
          </ul>
        </details>
      )}
      <Log row={row} />
    </div>
  );
}

function Main({ row, file }: { row: ScanRow; file: FileEntry }) {
  const { shell } = usePage();
  if (file.state !== "final")
    return (
      <span class="main-file waiting" title={file.reason ?? ""}>
        FITS when done
        {row.seconds_left != null && row.state === "running"
          ? ` · about ${durationText(row.seconds_left)}`
          : ""}
      </span>
    );
  return (
    <a class="main-file" href={shell.fileAddress(row, file)} download>
      Download {shown(file.what)}
    </a>
  );
}

function TextButton({ row, file, name }: { row: ScanRow; file: FileEntry; name: string }) {
  const { shell } = usePage();
  return (
    <button
      type="button"
      disabled={file.state === "not yet"}
      title={file.reason ?? file.says}
      onClick={() => void shell.read(row, file)}
    >
      {name} <span class="muted small">{file.state === "final" ? "" : file.state}</span>
    </button>
  );
}

function FileLine({ row, file }: { row: ScanRow; file: FileEntry }) {
  const { shell } = usePage();
  return (
    <li>
      {file.state === "not yet" ? (
        <span class="muted">{shown(file.name)}</span>
      ) : (
        <a href={shell.fileAddress(row, file)} download>
          {shown(file.name)}
        </a>
      )}
      <span class="muted small">
        {" "}
        {shown(file.what)}.{" "}
        {shown(file.state === "final" ? file.says : (file.reason ?? file.state))}
      </span>
    </li>
  );
}
