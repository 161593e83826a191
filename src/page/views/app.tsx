/** The page: alerts, map, answer. */
import { useEffect } from "preact/hooks";
import { degreesPerRadian } from "../../geometry/constants.ts";
import { panels } from "../address.ts";
import { areaText, decText, raText, shown } from "../words.ts";
import { Announcer } from "./announcer.tsx";
import { Answer } from "./answer.tsx";
import { Comparison } from "./comparison.tsx";
import { Dialogs } from "./dialogs.tsx";
import { EventHead } from "./event_head.tsx";
import { Header, LostBar } from "./header.tsx";
import { type Page, PageContext, useChanges, usePage } from "./hooks.ts";
import { MapPane } from "./map_pane.tsx";
import { PixelSheet } from "./pixel_sheet.tsx";
import { Rail } from "./rail.tsx";
import { Stages } from "./stages.tsx";

export function App(page: Page) {
  const { desk, shell } = page;
  useChanges(page);
  const { alert, address } = shell;
  return (
    <PageContext.Provider value={page}>
      <div class={`page panel-${address.panel} ${shell.isEventLarge ? "large-event" : ""}`}>
        <Header />
        <LostBar />
        <Rail />
        {shell.isRailOpen && (
          <button
            type="button"
            class="veil"
            aria-label="Close the list"
            onClick={() => shell.set({ isRailOpen: false })}
          />
        )}
        {alert ? (
          <>
            <main class="main">
              <EventHead />
              <MapPane />
              <PixelSheet />
              <Comparison />
              <Stages />
              <MapSentence />
            </main>
            <Answer />
          </>
        ) : (
          <Empty isReady={desk.hasRows} />
        )}
        <Tabs />
        <Message />
        <DropVeil />
        <Announcer />
      </div>
      <Dialogs />
    </PageContext.Provider>
  );
}

function Empty({ isReady }: { isReady: boolean }) {
  const { desk, shell } = usePage();
  if (!isReady)
    return (
      <main class="main empty">
        {desk.connection === "lost" ? "The desk does not answer." : "connecting…"}
      </main>
    );
  if (desk.rows.size > 0)
    return (
      <main class="main empty">
        <h1>There is no such alert.</h1>
        <p>
          {shown(shell.address.event ?? "")} is not on this desk. Those that are stand in the list.
        </p>
      </main>
    );
  return (
    <main class="main empty">
      <h1>No alert yet.</h1>
      <p>
        Drop a .json, .pkl or .i3 file here, or POST it to /scan
        {desk.info?.watch ? ", or put it into the watched folder" : ""}.
      </p>
      {desk.info?.may_write !== false && (
        <p class="row">
          <button
            type="button"
            class="primary"
            onClick={() => document.getElementById("file")?.click()}
          >
            Choose a file
          </button>
          <button type="button" onClick={() => void shell.simulate()}>
            Simulate a muon
          </button>
        </p>
      )}
      {desk.info && (
        <p class="muted">
          {desk.info.workers} workers ready ·{" "}
          {desk.info.recipe.map(({ reco, nsides }) => `${shown(reco)} ${nsides}`).join(", then ")}
        </p>
      )}
    </main>
  );
}

/** The map in a sentence, for those who do not see it. */
function MapSentence() {
  const { shell } = usePage();
  const { a } = shell;
  const scan = shell.shown(a);
  if (!a) return null;
  const best = scan?.best;
  const area = scan?.contours.find(({ percent }) => percent === 90);
  const share =
    a.progress.estimated > 0 ? Math.floor((100 * a.progress.done) / a.progress.estimated) : 0;
  const text = best
    ? `Best fit${a.state === "done" ? "" : " so far"} right ascension ${raText(best.ra)}, declination ${decText(best.dec)}.${area ? ` 90 percent area ${areaText(area.area * degreesPerRadian ** 2, area.isOpen)}.` : ""} ${share} percent done, ${a.state}.`
    : `No pixel yet, ${a.state}.`;
  return (
    <p id="map-says" class="unseen">
      {text} Arrows move a cross-hair, Enter shows the fits of its pixel.
    </p>
  );
}

const panelNames = {
  map: "Map",
  numbers: "Numbers",
  event: "Event",
  files: "Files",
  log: "Log",
} as const;

/** Below the page on narrow windows. */
function Tabs() {
  const { shell } = usePage();
  const unfinished = shell.alerts.filter(({ scans }) =>
    scans.some(({ state }) => state === "running" || state === "waiting" || state === "stuck"),
  ).length;
  return (
    <nav class="tabs" aria-label="Parts of the page">
      {panels.slice(0, 4).map((panel) => (
        <button
          type="button"
          key={panel}
          aria-current={shell.address.panel === panel && !shell.isRailOpen ? "page" : undefined}
          onClick={() => shell.go({ panel })}
        >
          {panelNames[panel]}
        </button>
      ))}
      <button
        type="button"
        aria-expanded={shell.isRailOpen}
        onClick={() => shell.set({ isRailOpen: !shell.isRailOpen })}
      >
        Alerts {unfinished > 0 && <span class="count">{unfinished}</span>}
      </button>
    </nav>
  );
}

/** How long a message stays that nobody has to act upon, ms. */
const STAYS = 4000;

function Message() {
  const { shell } = usePage();
  const { message } = shell;
  useEffect(() => {
    if (!message || message.isBad) return;
    const timer = setTimeout(
      () => shell.message === message && shell.set({ message: undefined }),
      STAYS,
    );
    return () => clearTimeout(timer);
  }, [message]);
  if (!message || (message.isBad && shell.dialog === "rescan")) return null;
  return (
    <div class={`message ${message.isBad ? "bad" : ""}`} role={message.isBad ? "alert" : "status"}>
      <span>{shown(message.text)}</span>
      <button
        type="button"
        class="close"
        aria-label="Close"
        onClick={() => shell.set({ message: undefined })}
      >
        ×
      </button>
    </div>
  );
}

function DropVeil() {
  const { shell } = usePage();
  return shell.isDropping ? (
    <div class="drop-veil" aria-hidden="true">
      <b>Drop it anywhere</b>
      <span>an alert to scan, or a table of sources for the map</span>
    </div>
  ) : null;
}
