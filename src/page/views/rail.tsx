/** The alerts, newest first, each with its scans; and the place to drop one. */
import type { ScanRow } from "../../desk/messages.ts";
import { type Alert, isOver, matches } from "../alerts.ts";
import { ageText, areaText, decText, percent, raText, shown, stateSigns } from "../words.ts";
import { Bar } from "./bar.tsx";
import { usePage, useSeconds } from "./hooks.ts";

export function Rail() {
  const { desk, shell } = usePage();
  const alerts = shell.alerts.filter((alert) => shell.find === "" || matches(alert, shell.find));
  const current = shell.alert?.key;
  return (
    <nav class={`rail ${shell.isRailOpen ? "open" : ""}`} aria-label="Alerts">
      <h2>Alerts</h2>
      <input
        type="search"
        class="find"
        placeholder="Find run, name, state…"
        aria-label="Find an alert"
        value={shell.find}
        onInput={(event) => shell.set({ find: event.currentTarget.value })}
      />
      <ul class="cards">
        {alerts.map((alert) => (
          <Card key={alert.key} alert={alert} isCurrent={alert.key === current} />
        ))}
      </ul>
      {desk.hasRows && alerts.length === 0 && shell.find !== "" && (
        <p class="empty-find">No alert matches.</p>
      )}
      <DropPlace />
    </nav>
  );
}

function Card({ alert, isCurrent }: { alert: Alert; isCurrent: boolean }) {
  const { desk, shell } = usePage();
  useSeconds();
  return (
    <li class={`card ${isCurrent ? "current" : ""}`}>
      <a
        href={`${desk.surroundings.base}e/${alert.key}`}
        aria-current={isCurrent ? "page" : undefined}
        onClick={(event) => {
          event.preventDefault();
          shell.open(alert);
        }}
      >
        <span class="card-title">
          <b>{alert.title}</b>
          {alert.stream && <Badge stream={alert.stream} />}
          <span class="age" title="since it came">
            {ageText(desk.now() - alert.came)}
          </span>
        </span>
        <span class="muted small">{alert.subtitle}</span>
        {alert.scans.slice(0, 4).map((row) => (
          <ScanLine key={row.id} row={row} />
        ))}
      </a>
    </li>
  );
}

export function Badge({ stream }: { stream: string }) {
  return (
    <span class={`badge ${/^(gold|bronze)$/i.test(stream) ? stream.toLowerCase() : ""}`}>
      {stream}
    </span>
  );
}

function ScanLine({ row }: { row: ScanRow }) {
  const area = row.areas.find(({ percent }) => percent === 90);
  const share = row.progress.estimated > 0 ? row.progress.done / row.progress.estimated : 0;
  return (
    <span class={`scan-line ${row.state}`} title={row.scan_state}>
      <i class="sign" aria-hidden="true">
        {stateSigns[row.state]}
      </i>
      <span class="reco">{shown(row.reco)}</span>
      <span class="state">{row.state === "running" ? percent(share) : row.state}</span>
      {!isOver(row) && row.state !== "waiting" && row.state !== "reading" && (
        <Bar share={share} isStuck={row.state === "stuck"} />
      )}
      {row.state === "done" && row.best && (
        <span class="outcome">
          {raText(row.best.ra, 1)} {decText(row.best.dec, 1)}
          {area && ` · 90 %: ${areaText(area.area_sqdeg, area.is_open, area.resolved_sqdeg)}`}
        </span>
      )}
      {row.reason && row.state !== "done" && <span class="reason">{shown(row.reason)}</span>}
    </span>
  );
}

function DropPlace() {
  const { desk, shell } = usePage();
  if (desk.info?.may_write === false) return null;
  return (
    <div class="drop-place">
      <label class="drop-button">
        <b>Drop an alert here</b>
        <span class="muted small">
          .json .pkl .i3, also gzipped · or press <kbd>O</kbd>
        </span>
        <input
          type="file"
          id="file"
          class="unseen"
          accept=".json,.pkl,.pickle,.i3,.gz,.bz2,.zst,.csv,.tsv,.ecsv"
          onChange={(event) => {
            const file = event.currentTarget.files?.[0];
            event.currentTarget.value = "";
            if (file) void shell.drop(file);
          }}
        />
      </label>
      <button type="button" class="link small" onClick={() => void shell.simulate()}>
        or simulate a muon
      </button>
    </div>
  );
}
