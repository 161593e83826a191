/** How far the scan is: its nsides, time left, and what happened when. */
import type { ScanRow, Stage } from "../../desk/messages.ts";
import { isOver } from "../alerts.ts";
import { clockText, durationText, grouped, secondsOfMjd, shown, sinceText } from "../words.ts";
import { Bar } from "./bar.tsx";
import { usePage } from "./hooks.ts";

export function Stages() {
  const { desk, shell } = usePage();
  const { a } = shell;
  const scan = shell.shown(a);
  if (!a || !scan?.page) return <section class="stages" aria-label="Progress" />;
  const { stages, timeline } = scan.page;
  return (
    <section class="stages" aria-label="Progress">
      <div class="bars">
        {stages.map((stage) => (
          <StageBar key={stage.nside} stage={stage} isStuck={a.state === "stuck"} />
        ))}
      </div>
      <TimeLeft row={a} now={desk.now()} />
      <Timeline row={a} timeline={timeline} />
      <p class="rates muted">
        {desk.clients && `${desk.clients.workers} workers · `}
        {scan.rate != null && !isOver(a) && `${grouped(scan.rate)} fits/s · `}
        {a.failed_pixels} failed
      </p>
    </section>
  );
}

function StageBar({ stage: { nside, pixels }, isStuck }: { stage: Stage; isStuck: boolean }) {
  const share = pixels.estimated > 0 ? pixels.done / pixels.estimated : 0;
  return (
    <div class="stage">
      <b>nside {nside}</b>
      <span class="muted">
        {pixels.estimated > 0 && pixels.done >= pixels.estimated ? (
          <span class="tick">✓ </span>
        ) : null}
        {grouped(pixels.done)} / {grouped(pixels.estimated)}
      </span>
      <Bar share={share} isStuck={isStuck} label={`pixels of nside ${nside}`} />
    </div>
  );
}

function TimeLeft({ row, now }: { row: ScanRow; now: number }) {
  const { state, started, ended, seconds_left: left, progress } = row;
  if (state === "done" && started !== null && ended !== null)
    return (
      <p class="time-left">
        <b>done in {durationText(ended - started)}</b>
        <span class="muted">{grouped(progress.done)} fits</span>
      </p>
    );
  if (isOver(row))
    return (
      <p class="time-left">
        <b class={state}>{state}</b>
        <span class="muted">{shown(row.reason ?? `${grouped(progress.done)} fits are kept`)}</span>
      </p>
    );
  if (left !== null && state === "running")
    return (
      <p class="time-left">
        <b>{durationText(left)} left</b>
        <span class="muted">done {clockText(now + left)}</span>
      </p>
    );
  return (
    <p class="time-left">
      <b class={state}>{state}</b>
      <span class="muted">{shown(row.reason ?? "time left is not known yet")}</span>
    </p>
  );
}

/** Times count from the event; from when it came, if that was more than a day later. */
function Timeline({
  row,
  timeline,
}: {
  row: ScanRow;
  timeline: readonly { what: string; at: number }[];
}) {
  if (timeline.length === 0) return null;
  const event = row.event ? secondsOfMjd(row.event.mjd) : row.created;
  const isOld = row.created - event > 86400 || row.created < event;
  const zero = isOld ? row.created : event;
  const entries = timeline.filter(({ at }) => at >= zero - 1);
  return (
    <ol class="timeline" aria-label="What happened when">
      {entries.map(({ what, at }, i) => (
        <li key={`${what}${i}`} title={clockText(at)}>
          {shown(what)} <b>{sinceText(Math.max(0, at - zero))}</b>
        </li>
      ))}
    </ol>
  );
}
