/** A soft sound and the system's notification for what must not be slept through; off until somebody switches it on. */
import type { ScanRow } from "../desk/messages.ts";
import { isOver } from "./alerts.ts";
import { shown } from "./words.ts";

export type Occasion = "alert" | "trouble";

/**
 * What a change of a row is worth waking somebody for: an alert's first scan, and a scan that is stuck or has failed.
 * A rescan is somebody's own doing.
 * @param isAlertKnown another scan of the same alert is there
 */
export function occasionFor(
  row: ScanRow,
  before: ScanRow | undefined,
  isAlertKnown: boolean,
): Occasion | undefined {
  const isTrouble = row.state === "stuck" || row.state === "failed";
  if (before === undefined)
    return isOver(row) || isAlertKnown || row.rescan_of !== null ? undefined : "alert";
  return isTrouble && row.state !== before.state ? "trouble" : undefined;
}

/** Two tones each, Hz: rising for news, falling for trouble. */
const tones: Readonly<Record<Occasion, readonly [number, number]>> = {
  alert: [587, 784],
  trouble: [494, 370],
};
/** Of each tone, s; and how loud, of 1. */
const LENGTH = 0.28;
const LOUDNESS = 0.12;

export class Alarm {
  #sound: AudioContext | undefined;
  /** Of a browser's windows that have it switched on one rings. */
  #isMine = false;

  get isOn(): boolean {
    return this.#sound !== undefined;
  }

  /** To be called by somebody's hand: browsers let nothing sound before, nor ask for leave to notify. */
  switch(isOn: boolean): void {
    if (!isOn) {
      void this.#sound?.close();
      this.#sound = undefined;
      return;
    }
    this.#sound = new AudioContext();
    void this.#sound.resume();
    this.#play("alert");
    if ("Notification" in globalThis && Notification.permission === "default")
      void Notification.requestPermission();
    if (this.#isMine || !navigator.locks) {
      this.#isMine = true;
      return;
    }
    // Held for as long as this window is there; the next in line rings after it.
    void navigator.locks.request("skyscan alarm", () => {
      this.#isMine = true;
      return new Promise(() => {});
    });
  }

  ring(occasion: Occasion, row: ScanRow): void {
    if (!this.#sound || !this.#isMine) return;
    this.#play(occasion);
    if (!("Notification" in globalThis) || Notification.permission !== "granted") return;
    const event = row.event ? `Run ${row.event.run}` : "An alert";
    const words = occasion === "alert" ? "has come in" : `${row.state}: ${shown(row.reason ?? "")}`;
    new Notification(`${event} ${words}`, { body: shown(row.reco), tag: row.id });
  }

  #play(occasion: Occasion): void {
    const sound = this.#sound!;
    const gain = sound.createGain();
    gain.connect(sound.destination);
    const start = sound.currentTime + 0.02;
    tones[occasion].forEach((frequency, i) => {
      const tone = sound.createOscillator();
      tone.frequency.value = frequency;
      tone.connect(gain);
      tone.start(start + i * LENGTH);
      tone.stop(start + (i + 1) * LENGTH);
    });
    gain.gain.setValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(LOUDNESS, start + 0.04);
    gain.gain.setValueAtTime(LOUDNESS, start + 1.6 * LENGTH);
    gain.gain.linearRampToValueAtTime(0, start + 2 * LENGTH);
  }
}
