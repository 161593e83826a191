import type { Manifest } from "./manifest.ts";

/** Those who do a scan's fits, however they are reached: clients at a broker, or tasks in the queues of others. */
export interface Workforce {
  /** Meets whatever stands between. Throws BrokerError. */
  open(): Promise<void>;
  /** They may come. Resolves when tasks go out. */
  begin(): Promise<void>;
  /** Looks at deadlines: to be called about once a second. */
  tick(): void;
  /** Since there was news of them last, s. */
  readonly secondsWithoutResults: number;
  /** What only the talk with them tells: their light, the messages that were not believed. */
  readonly heard: { readonly light: string | null; readonly malformed: number };
  /** How far the scan is, for whoever watches it. */
  progress(manifest: Manifest): void;
  /** The scan is over, and they are to know. */
  over(state: "done" | "failed", reason?: string): Promise<void>;
  /** @param patience for what is still to be said, s */
  close(patience: number): Promise<void>;
}

/** What a workforce tells the server. */
export interface WorkforceEvents {
  /** There is nothing more to be done. */
  readonly onComplete: () => void;
  /** It cannot go on. */
  readonly onError: (error: unknown) => void;
}

/** Work whose errors go to `fail` instead of into the event loop. */
export const guarded = (work: () => void, fail: (error: unknown) => void) => () => {
  try {
    work();
  } catch (error) {
    fail(error);
  }
};
