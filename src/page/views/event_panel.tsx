/** The event in three dimensions: loaded when it is first to be seen. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { ScanRow } from "../../desk/messages.ts";
import { isProblem } from "../desk.ts";
import type { EventView } from "../event/event_view.ts";
import { openEventView } from "../event/loader.ts";
import { grouped } from "../words.ts";
import { usePage } from "./hooks.ts";

/**
 * To load and to light the scene takes seconds on a machine without a graphics card. A scan's first pixels go before it:
 * so long after they are there, ms, or after the scan was opened, if none come.
 */
const AFTER_FIRST_PIXEL = 400;
const AFTER_OPENING = 4000;

/** Whether it is the event's turn. */
function useTurn(row: ScanRow): boolean {
  const { shell } = usePage();
  const [isDue, setDue] = useState(false);
  const isFilling = row.state === "running" || row.state === "waiting" || row.state === "reading";
  const isFirst = isFilling && shell.shown(row)?.map?.best === undefined;
  useEffect(() => {
    const timer = setTimeout(() => setDue(true), isFirst ? AFTER_OPENING : AFTER_FIRST_PIXEL);
    return () => clearTimeout(timer);
  }, [row.id, isFirst]);
  return isDue;
}

export function EventPanel({ row }: { row: ScanRow }) {
  const { desk, shell } = usePage();
  const holder = useRef<HTMLDivElement>(null);
  const view = useRef<EventView | undefined>(undefined);
  const [state, setState] = useState<"asleep" | "loading" | "shown" | string>("asleep");
  const event = row.event ? `${row.event.run}.${row.event.id}` : undefined;
  const isDue = useTurn(row);
  useEffect(() => {
    const { current } = holder;
    if (!current || !event || !isDue) return;
    let isGone = false;
    const observer = new IntersectionObserver(async (entries) => {
      if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
      observer.disconnect();
      setState("loading");
      const opened = await openEventView(desk.surroundings.base, event, current);
      if (isGone) return typeof opened === "string" ? undefined : opened.close();
      if (typeof opened === "string") return setState(opened);
      view.current = opened;
      setState("shown");
    });
    observer.observe(current);
    return () => {
      isGone = true;
      observer.disconnect();
      view.current?.close();
      view.current = undefined;
      setState("asleep");
    };
  }, [event, desk, isDue]);
  const best = shell.shown(row)?.best;
  const hovered =
    shell.hover?.scan === row.id && shell.hover.hit
      ? shell.readings.get(`${row.id}/${shell.hover.hit.nside}.${shell.hover.hit.pixel}`)
      : undefined;
  // The sheet's pixel keeps its track and losses while it is open.
  const picked = shell.picked && !isProblem(shell.picked) ? shell.picked : undefined;
  const other = picked ?? hovered;
  useEffect(() => {
    view.current?.showTracks(best, other, picked?.losses ?? []);
  }, [state, best, other, picked]);
  const summary = view.current?.summary;
  return (
    <section class="event-panel" aria-label="Event in three dimensions">
      <p class="event-title">
        Event{" "}
        {summary && (
          <span class="muted">
            · {grouped(summary.doms)} DOMs · {grouped(summary.charge)} PE
          </span>
        )}
        <button
          type="button"
          class="icon-button small-button"
          aria-label="Large (E)"
          title="Large (E)"
          onClick={() => shell.toggleEvent()}
        >
          ⤢
        </button>
      </p>
      <div ref={holder} class="event-view" />
      {state !== "shown" && (
        <p class="event-note muted">
          {state === "asleep" ? "" : state === "loading" ? "loading…" : state}
        </p>
      )}
      {state === "shown" && view.current && <Player view={view.current} />}
    </section>
  );
}

function Player({ view }: { view: EventView }) {
  const { shell } = usePage();
  const [at, setAt] = useState(view.length);
  const [isPlaying, setPlaying] = useState(false);
  useEffect(() => {
    shell.player = view;
    const end = view.onTime((time, playing) => {
      setAt(time);
      setPlaying(playing);
      shell.isPlaying = playing;
    });
    return () => {
      end();
      shell.player = undefined;
    };
  }, [view, shell]);
  return (
    <div class="player">
      <button
        type="button"
        class="icon-button"
        aria-label={isPlaying ? "Pause" : "Play"}
        onClick={() => (isPlaying ? view.pause() : view.play())}
      >
        {isPlaying ? "⏸" : "▶"}
      </button>
      <input
        type="range"
        min={0}
        max={view.length}
        step={view.length / 500}
        value={at}
        aria-label="Time of the event, ns"
        onInput={(event) => view.seek(Number(event.currentTarget.value))}
      />
      <span class="small">{(at / 1000).toFixed(1)} µs</span>
      {(["side", "along", "top", "all"] as const).map((name) => (
        <button type="button" key={name} class="small preset" onClick={() => view.look(name)}>
          {name}
        </button>
      ))}
    </div>
  );
}
