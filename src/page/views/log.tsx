/** What happened to a scan, line by line, as the desk's own log of it has it. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { ScanRow } from "../../desk/messages.ts";
import { shown } from "../words.ts";
import { usePage } from "./hooks.ts";

export function Log({ row }: { row: ScanRow }) {
  const { shell } = usePage();
  const isOpen = shell.address.panel === "log";
  const details = useRef<HTMLDetailsElement>(null);
  const [lines, setLines] = useState<readonly string[]>();
  useEffect(() => {
    if (!isOpen) return;
    let isGone = false;
    void shell.history(row).then((text) => {
      if (!isGone) setLines(text.trimEnd().split("\n"));
    });
    return () => {
      isGone = true;
    };
    // Whatever changes a scan's state is in its log.
  }, [shell, isOpen, row.id, row.state, row.reason]);
  // Where there are lines, and not before: it grows.
  useEffect(() => {
    if (isOpen) details.current?.scrollIntoView({ block: "end" });
  }, [isOpen, lines]);
  return (
    <details
      ref={details}
      class="log"
      open={isOpen}
      onToggle={(event) => {
        const { open } = event.currentTarget;
        if (open !== isOpen) shell.go({ panel: open ? "log" : "map" });
      }}
    >
      <summary>
        Log <span class="muted small">what happened to this scan</span>
      </summary>
      {isOpen && (
        <ol aria-label="Log of the scan">
          {(lines ?? ["asking…"]).map((line) => (
            <LogLine key={line} line={line} />
          ))}
        </ol>
      )}
    </details>
  );
}

/** "2022-05-24T07:43:48.123Z started: why" */
function LogLine({ line }: { line: string }) {
  const [, time, words] = /^\d{4}-\d\d-\d\dT([\d:.]+)Z (.*)$/.exec(line) ?? [];
  return (
    <li>
      {time && <time class="muted">{time.slice(0, 12)}</time>} {shown(words ?? line)}
    </li>
  );
}
