/** Which event is looked at, and what can be done about its scans. */
import { isOver } from "../alerts.ts";
import { mjdText, shown } from "../words.ts";
import { usePage } from "./hooks.ts";
import { Badge } from "./rail.tsx";

export function EventHead() {
  const { desk, shell } = usePage();
  const { alert, a } = shell;
  if (!alert || !a) return null;
  const event = a.event;
  const mayWrite = desk.info?.may_write !== false;
  return (
    <div class="event-head">
      <div class="event-name">
        <h1>{alert.title}</h1> {alert.stream && <Badge stream={alert.stream} />}
        {event && !event.is_real && <span class="badge">simulated</span>}
        <p class="muted">
          {event ? (
            <>
              {mjdText(event.mjd)} · event {event.id}
              <span class="wide"> · {shown(event.type)}</span>
            </>
          ) : (
            "reading the alert…"
          )}
        </p>
      </div>
      {mayWrite && (
        <div class="event-actions">
          <button type="button" onClick={() => shell.set({ dialog: "rescan" })}>
            Rescan…
          </button>
          {!isOver(a) && (
            <button type="button" class="danger" onClick={() => void shell.cancel(a)}>
              Cancel
            </button>
          )}
        </div>
      )}
    </div>
  );
}
