/** What this browser window shows of the desk, and what its user may do: the state that is not the desk's. */
import type {
  FileEntry,
  PixelAnswer,
  Place,
  Problem,
  ScanAnswer,
  ScanRow,
} from "../desk/messages.ts";
import { pixelCentre } from "../sky/healpix.ts";
import { type Address, addressText, type Mode, panels, parseAddress } from "./address.ts";
import { Alarm, occasionFor } from "./alarm.ts";
import { type Alert, alertsOf, firstShown, isOver, keyOf } from "./alerts.ts";
import { type Desk, isProblem, type Shown } from "./desk.ts";
import { type Extent, extentOf, fieldFor } from "./map/extent.ts";
import type { MapCanvas, Reading } from "./map/map_canvas.ts";
import { localMinima } from "./map/minima.ts";
import type { Source } from "./map/overlay.ts";
import { moved, type View, zoomedAt } from "./map/view.ts";
import { remember, remembered } from "./remembered.ts";
import { readSources } from "./sources.ts";
import { circularLines } from "./words.ts";

const degree = Math.PI / 180;
/** Bytes; the desk refuses more. */
const LARGEST_FILE = 64 * 2 ** 20;

export type Theme = "dark" | "light";
export type Dialog = "help" | "rescan" | "text" | undefined;

/** What plays an event: the view in three dimensions, where it is open. */
export interface Player {
  play(): void;
  pause(): void;
}

export interface Hover extends Reading {
  /** Which map it was read on. */
  readonly scan: string;
}

/** What skyscan calibrate writes, in its first line or two. */
const CALIBRATION = '"skyscan calibration 1"';

/** @returns undefined for a file of another kind */
async function calibrationIn(file: File): Promise<object | undefined> {
  if (!file.name.endsWith(".json") || !(await file.slice(0, 200).text()).includes(CALIBRATION))
    return undefined;
  try {
    return JSON.parse(await file.text());
  } catch {
    // Cut short: the desk says what is wrong with it.
    return {};
  }
}

export class Shell {
  address: Address;
  /** Undefined: as far as the contours reach, whatever they do. */
  view: View | undefined;
  hover: Hover | undefined;
  /** Where keys have put the cross-hair. */
  cross: { ra: number; dec: number } | undefined;
  theme: Theme;
  dialog: Dialog;
  find = "";
  isRailOpen = false;
  isDropping = false;
  /** What the last thing that was asked for led to. */
  message: { readonly text: string; readonly isBad: boolean } | undefined;
  /** Which of two maps a blink shows. */
  isSecond = false;
  sources: readonly Source[] = [];
  picked: PixelAnswer | Problem | undefined;
  text: { readonly title: string; readonly content: string } | undefined;
  readings = new Map<string, PixelAnswer>();
  /** The map that keys act on. */
  canvas: MapCanvas | undefined;
  /** The event view that keys act on, and whether it plays. */
  player: Player | undefined;
  isPlaying = false;
  /** Single keys do something: who dictates to the browser switches them off (WCAG 2.1.4). */
  hasKeys = remembered("keys") !== "off";
  /** The contour of 3σ is drawn as well. */
  isWide = false;
  readonly alarm = new Alarm();
  /** Which local minimum was shown last, of which scan. */
  #minimum: { scan: string; index: number } | undefined;
  #listeners = new Set<() => void>();
  #blinking: number | undefined;

  constructor(
    readonly desk: Desk,
    readonly isStill: boolean,
  ) {
    this.address = parseAddress(
      location.href.slice(desk.surroundings.base.length).split(/[?#]/)[0]!,
      location.search,
    );
    this.theme = rememberedTheme();
    this.#applyView();
    addEventListener("popstate", () => {
      this.address = parseAddress(
        location.href.slice(desk.surroundings.base.length).split(/[?#]/)[0]!,
        location.search,
      );
      this.#applyView();
      this.changed();
    });
    desk.subscribe(() => this.follow());
    desk.onRow((row, before) => {
      if (!desk.hasRows) return;
      const isAlertKnown =
        before === undefined &&
        [...desk.rows.values()].some(({ id, alert }) => id !== row.id && alert === row.alert);
      const occasion = occasionFor(row, before, isAlertKnown);
      if (occasion) this.alarm.ring(occasion, row);
    });
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  changed(): void {
    for (const listener of this.#listeners) listener();
  }

  set(
    change: Partial<
      Pick<
        Shell,
        "dialog" | "find" | "isRailOpen" | "isDropping" | "message" | "hover" | "cross" | "text"
      >
    >,
  ): void {
    Object.assign(this, change);
    this.changed();
  }

  #applyView(): void {
    const { at, view } = this.address;
    if (view === "sky") this.view = { kind: "sky" };
    else if (at)
      this.view = { kind: "local", ra: at[0] * degree, dec: at[1] * degree, field: at[2] * degree };
    else this.view = undefined;
  }

  /** Goes somewhere else; with `isStep` the browser's Back returns. */
  go(change: Partial<Address>, isStep = false): void {
    this.address = { ...this.address, ...change };
    const url = this.desk.surroundings.base + addressText(this.address);
    if (isStep) history.pushState(null, "", url);
    else history.replaceState(null, "", url);
    this.follow();
    this.changed();
  }

  get alerts(): Alert[] {
    return alertsOf(this.desk.rows.values());
  }

  /** The event that is looked at: the one named, else the newest unfinished, else the newest. */
  get alert(): Alert | undefined {
    const { alerts, address } = this;
    // A scan that was being read when its address was made has an event by now.
    const row = address.a ? this.desk.rows.get(address.a) : undefined;
    if (address.event !== undefined)
      return (
        alerts.find(({ key }) => key === address.event) ??
        alerts.find(({ scans }) =>
          scans.some(({ id, alert }) => id === address.event || alert === address.event),
        ) ??
        (row && alerts.find(({ key }) => key === keyOf(row)))
      );
    return alerts.find(({ scans }) => scans.some((scan) => !isOver(scan))) ?? alerts[0];
  }

  get a(): ScanRow | undefined {
    const { alert } = this;
    if (!alert) return undefined;
    return alert.scans.find(({ id }) => id === this.address.a) ?? firstShown(alert);
  }

  /** What the first is compared with. */
  get b(): ScanRow | undefined {
    const { alert, a } = this;
    if (!alert || !a) return undefined;
    return (
      alert.scans.find(({ id }) => id === this.address.b && id !== a.id) ??
      alert.scans.find(
        ({ id, progress, state }) => id !== a.id && (progress.done > 0 || state === "done"),
      )
    );
  }

  get mode() {
    return this.b ? this.address.mode : "one";
  }

  shown(row: ScanRow | undefined): Shown | undefined {
    return row && this.desk.shown.get(row.id);
  }

  /** Has the desk send what is looked at. */
  follow(): void {
    const { alert, a, b, address } = this;
    // A scan that was just asked for has no row yet: its stream is open, and another one would only be opened in between.
    if (address.a && this.desk.shown.has(address.a) && !this.desk.rows.has(address.a)) return;
    // An alert has its event's address as soon as it has been read.
    if (address.event !== undefined && alert && alert.key !== address.event && a?.event) {
      this.address = { ...address, event: alert.key };
      history.replaceState(null, "", this.desk.surroundings.base + addressText(this.address));
    }
    const ids = [a, address.mode === "one" ? undefined : b].flatMap((row) => (row ? [row.id] : []));
    if (ids.length > 0 || this.desk.shown.size > 0) this.desk.show(ids);
  }

  /** The view to the contours of a scan. */
  fitted(shown: Shown | undefined): View {
    const best = shown?.best ?? shown?.page?.best ?? shown?.page?.online;
    if (!best) return { kind: "sky" };
    const field = shown!.best ? fieldFor(shown!.contours, best) : 60 * degree;
    return { kind: "local", ra: best.ra, dec: best.dec, field };
  }

  get currentView(): View {
    return this.view ?? this.fitted(this.shown(this.a));
  }

  look(view: View | undefined): void {
    this.view = view;
    this.changed();
    clearTimeout(this.#settling);
    this.#settling = window.setTimeout(() => {
      const at =
        view?.kind === "local"
          ? ([
              (((view.ra / degree) % 360) + 360) % 360,
              view.dec / degree,
              view.field / degree,
            ] as const)
          : undefined;
      const { at: _, ...rest } = this.address;
      this.address = { ...rest, view: view?.kind ?? "local", ...(at ? { at } : {}) };
      history.replaceState(null, "", this.desk.surroundings.base + addressText(this.address));
    }, 300);
  }
  #settling = 0;

  blink(isOn: boolean): void {
    clearInterval(this.#blinking);
    this.isSecond = false;
    // 0.8 s each way: well below three flashes a second (WCAG 2.3.1).
    if (isOn && !this.isStill)
      this.#blinking = window.setInterval(() => {
        this.isSecond = !this.isSecond;
        this.changed();
      }, 800);
    this.changed();
  }

  toggleTheme(): void {
    this.theme = this.theme === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = this.theme;
    remember("theme", this.theme);
    this.changed();
  }

  /** To be called by somebody's hand. */
  toggleSound(): void {
    this.alarm.switch(!this.alarm.isOn);
    remember("sound", this.alarm.isOn ? "on" : "off");
    this.say(
      this.alarm.isOn
        ? "A sound and a notification for new alerts, and for what is stuck or fails."
        : "No sound, no notifications.",
    );
  }

  toggleKeys(): void {
    this.hasKeys = !this.hasKeys;
    remember("keys", this.hasKeys ? "on" : "off");
    this.changed();
  }

  togglePlay(): void {
    if (this.isPlaying) this.player?.pause();
    else this.player?.play();
  }

  toggleWide(): void {
    this.isWide = !this.isWide;
    this.desk.drawWide(this.isWide);
    this.changed();
  }

  say(text: string, isBad = false): void {
    this.set({ message: { text, isBad } });
  }

  /** Takes what came of a request that starts scans: shows the first. */
  #started(answer: ScanAnswer | Problem): void {
    if (isProblem(answer)) {
      this.say(answer.error, true);
      if (answer.code === 401) this.desk.needsToken = true;
      if (answer.scan_id) this.#show(answer.scan_id);
      return;
    }
    this.set({ message: undefined, dialog: undefined });
    this.#show(answer.scan_ids[0] ?? answer.scan_id);
  }

  #show(id: string): void {
    const row = this.desk.rows.get(id);
    const { event: _e, a: _a, b: _b, pixel: _p, ...rest } = this.address;
    this.view = undefined;
    this.picked = undefined;
    this.address = { ...rest, a: id, event: row ? keyOf(row) : id, mode: "one", view: "local" };
    const { at: _at, ...placeless } = this.address;
    this.address = placeless;
    history.pushState(null, "", this.desk.surroundings.base + addressText(this.address));
    this.desk.show([id]);
    this.changed();
  }

  open(alert: Alert, scan?: ScanRow): void {
    this.isRailOpen = false;
    this.#show((scan ?? firstShown(alert)).id);
  }

  /** A file is dropped: an alert goes to the desk, a calibration to the scan that is shown, a table of sources on the map. */
  async drop(file: File): Promise<void> {
    if (/\.(csv|tsv|ecsv|txt)$/i.test(file.name)) {
      const sources = readSources(await file.text());
      if (typeof sources === "string") return this.say(sources, true);
      this.sources = sources;
      return this.say(`${sources.length} sources on the map, from ${file.name}.`);
    }
    if (file.size > LARGEST_FILE)
      return this.say(`The file has ${sizeText(file.size)}; an alert has less than 64 MB.`, true);
    const calibration = await calibrationIn(file);
    if (calibration !== undefined) return await this.#calibrate(calibration, file.name);
    this.say(`Sending ${file.name}…`);
    const base64 = new Uint8Array(await file.arrayBuffer()).toBase64();
    this.#started(
      await this.desk.ask<ScanAnswer>("POST", "scan", { event_file: { name: file.name, base64 } }),
    );
  }

  /** Gives the scan that is shown its event's own levels. */
  async #calibrate(calibration: object, name: string): Promise<void> {
    const row = this.a;
    if (row === undefined)
      return this.say("A calibration is one scan's: open that scan first.", true);
    const path = `scan/${encodeURIComponent(row.id)}/calibration`;
    const answer = await this.desk.ask("POST", path, calibration);
    const isBad = isProblem(answer);
    this.say(isBad ? answer.error : `Levels of this event's own, from ${name}.`, isBad);
  }

  async simulate(): Promise<void> {
    this.say("Simulating a muon…");
    this.#started(await this.desk.ask<ScanAnswer>("POST", "scan", { simulate: true }));
  }

  /** @returns why not: for the form that asked, where no other message takes its place */
  async rescan(
    row: ScanRow,
    settings: { reco_algo?: string; nsides?: Record<string, number> },
  ): Promise<string | undefined> {
    const answer = await this.desk.ask<ScanAnswer>(
      "POST",
      `scan/${encodeURIComponent(row.id)}/actions/rescan`,
      settings,
    );
    if (isProblem(answer) && answer.code !== 401 && !answer.scan_id) return answer.error;
    this.#started(answer);
    return undefined;
  }

  async cancel(row: ScanRow): Promise<void> {
    const answer = await this.desk.ask("DELETE", `scan/${encodeURIComponent(row.id)}`, {});
    this.say(
      isProblem(answer) ? answer.error : `Cancelled ${row.reco}. What was fitted is kept.`,
      isProblem(answer),
    );
  }

  async enter(token: string): Promise<void> {
    const answer = await this.desk.ask("POST", "session", { token });
    if (isProblem(answer)) return this.say("That token is not right.", true);
    this.desk.needsToken = false;
    this.set({ message: undefined });
    this.desk.connect();
  }

  openQueue(): void {
    void this.desk.loadQueue();
    this.go({ isQueue: true }, true);
  }

  closeQueue(): void {
    const { isQueue: _, ...rest } = this.address;
    this.address = rest;
    this.go({}, true);
  }

  /** A scan's log; why it cannot be read. */
  async history(row: ScanRow): Promise<string> {
    try {
      const answer = await fetch(
        `${this.desk.surroundings.base}scan/${encodeURIComponent(row.id)}/files/log.txt`,
      );
      const content = await answer.text();
      return answer.ok ? content : reasonIn(content);
    } catch {
      return "The desk does not answer.";
    }
  }

  /** All fits of a pixel, by NSIDE.I. */
  async reading(scan: string, nside: number, pixel: number): Promise<PixelAnswer | Problem> {
    const key = `${scan}/${nside}.${pixel}`;
    const known = this.readings.get(key);
    if (known) return known;
    const answer = await this.desk.ask<PixelAnswer>(
      "GET",
      `scan/${encodeURIComponent(scan)}/pixel/${nside}/${pixel}`,
    );
    if (this.readings.size > 200) this.readings.clear();
    if (!isProblem(answer)) this.readings.set(key, answer);
    this.changed();
    return answer;
  }

  async pick(scan: string, nside: number, pixel: number): Promise<void> {
    this.go({ pixel: `${nside}.${pixel}` });
    this.picked = await this.reading(scan, nside, pixel);
    this.changed();
  }

  unpick(): void {
    this.picked = undefined;
    const { pixel: _, ...rest } = this.address;
    this.address = rest;
    this.go({});
  }

  fileAddress(row: ScanRow, file: FileEntry): string {
    return `${this.desk.surroundings.base}scan/${encodeURIComponent(row.id)}/files/${encodeURIComponent(file.name)}`;
  }

  /** Shows a text file to read and to copy. */
  async read(row: ScanRow, file: FileEntry): Promise<void> {
    try {
      const answer = await fetch(this.fileAddress(row, file));
      const content = await answer.text();
      if (!answer.ok) return this.say(reasonIn(content), true);
      this.set({ text: { title: file.what, content }, dialog: "text" });
    } catch {
      this.say("The desk does not answer.", true);
    }
  }

  async copy(text: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      this.say("Copied.");
    } catch {
      this.say("This browser does not let the page copy.", true);
    }
  }

  // What keys and buttons do to the map.

  get size(): string {
    const { width, height } = this.canvas?.size ?? { width: 0, height: 0 };
    return `${width} × ${height}`;
  }

  zoom(factor: number): void {
    const view = this.currentView;
    const { canvas } = this;
    if (view.kind === "local" && canvas)
      this.look(zoomedAt(view, canvas.size, canvas.size.width / 2, canvas.size.height / 2, factor));
    else if (factor > 1) this.look(undefined);
  }

  toBest(): void {
    const best = this.shown(this.a)?.best;
    const view = this.currentView;
    if (best && view.kind === "local") this.look({ ...view, ra: best.ra, dec: best.dec });
  }

  /** Shows the next local minimum, from the lowest on, with a cross-hair on it. */
  toMinimum(): void {
    const { a, canvas } = this;
    const map = this.shown(a)?.map;
    if (!a || !map || !canvas) return;
    const minima = localMinima(map);
    if (minima.length === 0) {
      this.say("There is no fitted pixel yet.");
      return;
    }
    const before = this.#minimum?.scan === a.id ? this.#minimum.index : -1;
    const index = (before + 1) % minima.length;
    this.#minimum = { scan: a.id, index };
    const hit = minima[index]!;
    const direction = pixelCentre(hit.nside, hit.pixel);
    const { currentView } = this;
    const view = currentView.kind === "local" ? currentView : this.fitted(this.shown(a));
    if (view.kind === "local") this.look({ ...view, ...direction });
    const { width, height } = canvas.size;
    const hover = { direction, hit, x: width / 2, y: height / 2, scan: a.id };
    this.set({ cross: direction, hover });
    this.say(`Minimum ${index + 1} of ${minima.length}, 2Δllh ${map.delta(hit.value).toFixed(2)}.`);
  }

  /** Arrows move a cross-hair; with Shift the map. */
  mapKey(event: KeyboardEvent): void {
    const steps: Record<string, [number, number]> = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    };
    const step = steps[event.key];
    const { canvas } = this;
    const view = this.currentView;
    if (event.key === "Enter") this.pickHovered();
    if (!step || !canvas) return;
    event.preventDefault();
    const { width, height } = canvas.size;
    if (event.shiftKey) {
      if (view.kind === "local")
        this.look(moved(view, canvas.size, width / 2 + 60 * step[0], height / 2 + 60 * step[1]));
      return;
    }
    const start = (this.cross && canvas.placeOf(this.cross)) ?? [width / 2, height / 2];
    const reading = canvas.read(
      Math.min(width - 1, Math.max(1, start[0] + 8 * step[0])),
      Math.min(height - 1, Math.max(1, start[1] + 8 * step[1])),
    );
    if (reading && this.a)
      this.set({ cross: reading.direction, hover: { ...reading, scan: this.a.id } });
  }

  pickHovered(): void {
    const { hover } = this;
    if (hover?.hit) void this.pick(hover.scan, hover.hit.nside, hover.hit.pixel);
  }

  /** Shows another of the event's scans on the map. */
  choose(row: ScanRow): void {
    const before = this.a;
    this.picked = undefined;
    const { pixel: _, ...rest } = this.address;
    this.address = rest;
    this.go({ a: row.id, ...(before && before.id !== row.id ? { b: before.id } : {}) });
  }

  compare(mode: Mode): void {
    if (!this.b) {
      this.say("There is no second map of this event to compare with.");
      return;
    }
    const next = this.address.mode === mode ? "one" : mode;
    this.go({ mode: next });
    this.blink(next === "blink");
  }

  showPanel(index: number): void {
    const panel = panels[index];
    if (panel) this.go({ panel });
  }

  isEventLarge = false;
  toggleEvent(): void {
    this.isEventLarge = !this.isEventLarge;
    this.changed();
  }

  focusFind(): void {
    this.set({ isRailOpen: true });
    document.querySelector<HTMLInputElement>(".find")?.focus();
  }

  /** The two lines of a circular that say where. */
  copyDirection(): void {
    const scan = this.shown(this.a);
    const place = scan?.page?.place ?? scan?.best;
    if (place) void this.copy(circularLines(place, this.extent(scan)));
  }

  /** Closes one thing that is open, the uppermost first. */
  escape(): void {
    if (this.isEventLarge) this.toggleEvent();
    else if (this.message) this.set({ message: undefined });
    else if (this.address.pixel) this.unpick();
    else if (this.cross) this.set({ cross: undefined, hover: undefined });
    else if (this.isRailOpen) this.set({ isRailOpen: false });
    else if (this.address.mode !== "one") this.compare(this.address.mode);
  }

  extent(shown: Shown | undefined, percent = 90) {
    // A finished map's are the desk's to say: they are what its circular says.
    const place = shown?.page?.place;
    if (place) return place.errors ? extentSaid(place.errors) : undefined;
    const contour = shown?.contours.find((c) => c.percent === percent);
    const isResolved = contour && contour.area >= contour.resolvedArea;
    return isResolved && shown?.best ? extentOf(contour, shown.best) : undefined;
  }
}

const extentSaid = (errors: NonNullable<Place["errors"]>): Extent => ({
  ...{ raPlus: errors.ra_plus, raMinus: errors.ra_minus },
  ...{ decPlus: errors.dec_plus, decMinus: errors.dec_minus },
  hasPole: errors.contains_pole,
});

function reasonIn(content: string): string {
  try {
    const problem: unknown = JSON.parse(content);
    if (isProblem(problem)) return problem.error;
  } catch {
    // Not JSON: no reason was given.
  }
  return "The desk could not make that file.";
}

const sizeText = (bytes: number): string =>
  bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.round(bytes / 1e6)} MB`;

/** What was chosen, else dark at night (18 to 8 o'clock) and what the system says by day. */
function rememberedTheme(): Theme {
  let theme = remembered("theme");
  if (theme !== "dark" && theme !== "light") {
    const hour = new Date().getHours();
    const isNight = hour >= 18 || hour < 8;
    theme = isNight || matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }
  document.documentElement.dataset.theme = theme;
  return theme as Theme;
}
