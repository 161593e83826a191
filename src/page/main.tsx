/** The page's start: connects what it shows to the desk and to the window. */
import { render } from "preact";
import { Desk } from "./desk.ts";
import { createFeed } from "./feed.ts";
import greek from "./font/inter-greek-wght-normal.woff2" with { type: "file" };
import latin from "./font/inter-latin-wght-normal.woff2" with { type: "file" };
import { press } from "./keys.ts";
import { Shell } from "./shell.ts";
import { createTracer } from "./tracer.ts";
import { App } from "./views/app.tsx";
import { shown } from "./words.ts";

/** Inter (SIL Open Font License 1.1, font/LICENSE), in two parts of its letters. */
function loadFonts(base: string): void {
  const part = (address: string, unicodeRange: string) => {
    const url = new URL(address.replace(/^\.?\//, ""), base).href;
    document.fonts.add(
      new FontFace("Inter", `url("${url}")`, { weight: "100 900", unicodeRange, display: "swap" }),
    );
  };
  part(
    latin,
    "U+0000-00FF,U+0131,U+0152-0153,U+02BB-02BC,U+02C6,U+02DA,U+02DC,U+2000-206F,U+20AC,U+2122,U+2191,U+2193,U+2212,U+2215,U+FEFF,U+FFFD",
  );
  part(greek, "U+0370-03FF");
}

/** Files may be dropped anywhere on the page. */
function takeDrops(shell: Shell): void {
  const isFile = (event: DragEvent) => event.dataTransfer?.types.includes("Files") === true;
  document.addEventListener("dragover", (event) => {
    if (!isFile(event)) return;
    event.preventDefault();
    if (!shell.isDropping) shell.set({ isDropping: true });
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) shell.set({ isDropping: false });
  });
  document.addEventListener("drop", (event) => {
    if (!isFile(event)) return;
    event.preventDefault();
    shell.set({ isDropping: false });
    const file = event.dataTransfer?.files[0];
    if (file) void shell.drop(file);
  });
}

/** A window that nobody has seen for so long needs no stream, ms. */
const HIDDEN = 60_000;

/** Where every window has a stream of its own, those nobody looks at let go of theirs: a browser has six to a desk. */
function restWhenHidden(desk: Desk): void {
  let timer = 0;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (document.hidden) timer = window.setTimeout(() => desk.sleep(), HIDDEN);
    else desk.wake();
  });
}

/** The tab tells how far the scan is. */
function titleOf(shell: Shell): string {
  const { alert, a } = shell;
  if (!alert || !a) return "skyscan desk";
  const { progress, state } = a;
  const sign = {
    running: "●",
    stuck: "▲",
    done: "✓",
    failed: "✕",
    waiting: "○",
    reading: "○",
    cancelled: "–",
  }[state];
  const share =
    state === "running" && progress.estimated > 0
      ? ` ${Math.floor((100 * progress.done) / progress.estimated)} %`
      : "";
  return `${sign}${share} ${shown(alert.title)} · skyscan`;
}

const base = new URL(".", document.baseURI).href;
const feed = createFeed(base);
const desk = new Desk({
  ...{ base, now: () => Date.now(), trace: createTracer(base), listen: feed.listen },
});
const shell = new Shell(desk, matchMedia("(prefers-reduced-motion: reduce)").matches);
loadFonts(base);
takeDrops(shell);
document.addEventListener("keydown", (event) => press(shell, event));
addEventListener("offline", () => desk.tick());
addEventListener("online", () => desk.connect());
// A page that comes back from the browser's memory had left.
addEventListener("pageshow", (event: PageTransitionEvent) => {
  if (event.persisted) desk.connect();
});
if (feed.isOwn) restWhenHidden(desk);
setInterval(() => desk.tick(), 1000);
desk.subscribe(() => {
  const title = titleOf(shell);
  if (document.title !== title) document.title = title;
});
desk.connect();
const place = document.getElementById("desk")!;
place.replaceChildren();
render(<App desk={desk} shell={shell} />, place);
