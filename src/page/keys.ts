/** Single keys, and what they do. They hold outside of fields only. */
import { isOver } from "./alerts.ts";
import type { Shell } from "./shell.ts";

interface Key {
  readonly names: readonly string[];
  readonly what: string;
  readonly press: (shell: Shell, key: string) => void;
}

const step = (by: number) => (shell: Shell) => {
  const { alerts, alert } = shell;
  const next = alerts[alerts.findIndex(({ key }) => key === alert?.key) + by];
  if (next) shell.open(next);
};

export const keys: readonly Key[] = [
  { names: ["j"], what: "next alert", press: step(1) },
  { names: ["k"], what: "alert before", press: step(-1) },
  { names: ["/"], what: "find an alert", press: (shell) => shell.focusFind() },
  {
    names: ["l"],
    what: "list of alerts (narrow windows)",
    press: (shell) => shell.set({ isRailOpen: !shell.isRailOpen }),
  },
  { names: ["o"], what: "open a file", press: () => document.getElementById("file")?.click() },
  { names: ["+", "="], what: "closer", press: (shell) => shell.zoom(1.5) },
  { names: ["-", "−"], what: "farther", press: (shell) => shell.zoom(1 / 1.5) },
  { names: ["0"], what: "to the contours", press: (shell) => shell.look(undefined) },
  { names: ["a"], what: "whole sky", press: (shell) => shell.look({ kind: "sky" }) },
  { names: ["."], what: "to the best fit", press: (shell) => shell.toBest() },
  { names: ["n"], what: "next local minimum", press: (shell) => shell.toMinimum() },
  { names: ["w"], what: "the contour of 3σ, too", press: (shell) => shell.toggleWide() },
  {
    names: ["p"],
    what: "fits of the pixel under the pointer",
    press: (shell) => shell.pickHovered(),
  },
  { names: ["b"], what: "blink two maps", press: (shell) => shell.compare("blink") },
  { names: ["s"], what: "two maps side by side", press: (shell) => shell.compare("side") },
  { names: ["d"], what: "difference of two maps", press: (shell) => shell.compare("diff") },
  {
    names: ["1", "2", "3", "4", "5"],
    what: "map, numbers, event, files, log",
    press: (shell, key) => shell.showPanel(Number(key) - 1),
  },
  { names: ["e"], what: "the event in three dimensions", press: (shell) => shell.toggleEvent() },
  { names: [" "], what: "play the event", press: (shell) => shell.togglePlay() },
  { names: ["q"], what: "what runs where", press: (shell) => shell.openQueue() },
  {
    names: ["r"],
    what: "rescan",
    press: (shell) => shell.a && isOver(shell.a) && shell.set({ dialog: "rescan" }),
  },
  { names: ["c"], what: "copy the circular's line", press: (shell) => shell.copyDirection() },
  { names: ["m"], what: "sound and notifications", press: (shell) => shell.toggleSound() },
  { names: ["t"], what: "dark or light", press: (shell) => shell.toggleTheme() },
  { names: ["?"], what: "this list", press: (shell) => shell.set({ dialog: "help" }) },
  { names: ["Escape"], what: "close what is open", press: (shell) => shell.escape() },
];

export function press(shell: Shell, event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const target = event.target as HTMLElement;
  const isField = /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
  if (isField && event.key !== "Escape") return;
  if (isField) target.blur();
  if (shell.dialog !== undefined || shell.address.isQueue || shell.desk.needsToken) return;
  if (!shell.hasKeys && event.key !== "Escape") return;
  // A button that has the focus is pressed by it.
  if (event.key === " " && /^(BUTTON|SUMMARY|A)$/.test(target.tagName)) return;
  const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const key = keys.find(({ names }) => names.includes(name));
  if (!key) return;
  event.preventDefault();
  key.press(shell, name);
}
