/** The page's head: whether it is live, what the desk is doing, the time. */
import { SILENCE } from "../desk.ts";
import { ageText, clockText, grouped, utcText } from "../words.ts";
import { usePage, useSeconds } from "./hooks.ts";

export function Header() {
  const { desk, shell } = usePage();
  return (
    <header class="head">
      <button
        type="button"
        class="icon-button drawer-button"
        aria-label="Alerts"
        aria-expanded={shell.isRailOpen}
        onClick={() => shell.set({ isRailOpen: !shell.isRailOpen })}
      >
        ☰
      </button>
      <Logo />
      <Pill />
      <Load />
      <Clock />
      <button
        type="button"
        class="icon-button sound"
        title="Sound and notifications for new alerts and trouble (M)"
        aria-label="Sound and notifications"
        aria-pressed={shell.alarm.isOn}
        onClick={() => shell.toggleSound()}
      >
        ♪
      </button>
      <button
        type="button"
        class="icon-button"
        title="Dark or light (T)"
        aria-label="Dark or light"
        onClick={() => shell.toggleTheme()}
      >
        ◐
      </button>
      <button
        type="button"
        class="icon-button"
        title="Keys (?)"
        aria-label="Keys"
        onClick={() => shell.set({ dialog: "help" })}
      >
        ?
      </button>
      {desk.isOutdated && (
        <p class="newer" role="status">
          A newer desk is running. <a href={location.href}>Reload</a>
        </p>
      )}
    </header>
  );
}

function Logo() {
  return (
    <span class="logo">
      <svg viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
        <path d="M16 2 30 16 16 30 2 16Z" fill="none" stroke="currentColor" stroke-width="2.4" />
        <path d="M16 10 22 16 16 22 10 16Z" fill="currentColor" />
      </svg>
      <b>skyscan</b> <span class="muted wide">desk</span>
    </span>
  );
}

function Pill() {
  const { desk } = usePage();
  useSeconds();
  const silent = (desk.surroundings.now() - desk.heard) / 1000;
  const state = desk.connection === "live" && silent > SILENCE ? "lost" : desk.connection;
  const words = { connecting: "connecting", live: "live", lost: "no news" }[state];
  const sign = { connecting: "○", live: "●", lost: "▲" }[state];
  return (
    <span class={`pill ${state}`} data-state={state}>
      <i aria-hidden="true">{sign}</i> {words}
    </span>
  );
}

function Load() {
  const { desk, shell } = usePage();
  const { clients } = desk;
  const running = clients?.running ?? count(desk.rows, ["running", "stuck"]);
  const waiting = clients?.waiting ?? count(desk.rows, ["waiting", "reading"]);
  return (
    <button
      type="button"
      class="load"
      title="What runs where (Q)"
      onClick={() => shell.openQueue()}
    >
      <b>{running}</b> running · <b>{waiting}</b> waiting
      {clients && (
        <>
          {" · "}
          {clients.workers} workers · <b>{grouped(clients.rate)}</b> fits/s
        </>
      )}
    </button>
  );
}

const count = (rows: ReadonlyMap<string, { readonly state: string }>, states: readonly string[]) =>
  [...rows.values()].filter(({ state }) => states.includes(state)).length;

function Clock() {
  const { desk } = usePage();
  useSeconds();
  const now = desk.now();
  return (
    <time class="clock" dateTime={new Date(now * 1000).toISOString()}>
      <span class="wide">{utcText(now)}</span>
      <span class="narrow">{clockText(now)}</span>
    </time>
  );
}

/** Said under the head while no news comes. */
export function LostBar() {
  const { desk } = usePage();
  useSeconds();
  const silent = (desk.surroundings.now() - desk.heard) / 1000;
  const isLost = desk.connection === "lost" || silent > SILENCE;
  if (!isLost) return null;
  const asOf = desk.now() - silent;
  return (
    <p class="lost-bar" role="alert">
      <b>▲ No news from the desk for {ageText(silent)}.</b> What you see is as of {clockText(asOf)}.
      Trying again.
    </p>
  );
}
