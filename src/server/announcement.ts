import { version } from "../config/version.ts";
import { eventName } from "../event/event.ts";
import { isAnythingChosen } from "../light/choice.ts";
import type { Connection } from "../mq/connection.ts";
import { type Control, longestText, protocolVersion, type StartupData } from "../mq/messages.ts";
import { splitStartup } from "../mq/startup.ts";
import type { Topics } from "../mq/topics.ts";
import { type Manifest, withoutLists } from "./manifest.ts";
import type { ScanPlan } from "./plan.ts";
import type { Session } from "./session.ts";

/** What the broker keeps for whoever comes, whenever: the scan's state, the start-up data, how far it is. */
export interface Announcement {
  /** Clients may come. To be said again whenever the connection was lost: the broker may have lost its memory. */
  open(): void;
  /** How far the scan is. */
  progress(manifest: Manifest): void;
  /** The scan is over. */
  over(state: "done" | "failed", reason?: string): void;
  /** Takes the start-up data away again. */
  withdraw(): void;
}

export interface AnnouncementOptions {
  readonly plan: Pick<ScanPlan, "event" | "reco" | "seed" | "miniTest" | "choice">;
  readonly session: Pick<Session, "number">;
  readonly startup: StartupData;
  /** What pseudo-experiments are made of, where tasks are these. */
  readonly experiments?: unknown;
  /** s. */
  readonly recoTimeout: number;
  readonly timeoutToClients: number;
  /** What the broker takes, bytes. */
  readonly longestMessage?: number;
  readonly topics: Topics;
  readonly publish: Connection["publish"];
}

export function createAnnouncement(options: AnnouncementOptions): Announcement {
  const { plan, session, topics, publish, experiments } = options;
  const { parts, summary } = splitStartup(options.startup, options.longestMessage);
  const retain = { retain: true };
  const publishControl = (state: Control["state"], reason?: string) => {
    const control: Control = {
      protocol: protocolVersion,
      version,
      state,
      ...(reason !== undefined && { reason: reason.slice(0, longestText) }),
      session: session.number,
      event: eventName(plan.event.metadata),
      reco: plan.reco.name,
      seed: plan.seed ?? null,
      isRealEvent: plan.event.metadata.isRealEvent,
      miniTest: plan.miniTest,
      ...(isAnythingChosen(plan.choice) && { choice: plan.choice }),
      ...(experiments !== undefined && { experiments }),
      recoTimeout: options.recoTimeout,
      timeoutToClients: options.timeoutToClients,
      ...(options.longestMessage !== undefined && { longestMessage: options.longestMessage }),
      startup: summary,
    };
    publish(topics.control, control, retain);
  };
  return {
    open() {
      for (const [n, part] of parts.entries()) publish(topics.startup(n), part, retain);
      publishControl("open");
    },
    progress: (manifest) => publish(topics.progress, withoutLists(manifest), retain),
    over: publishControl,
    withdraw() {
      for (const n of parts.keys()) publish(topics.startup(n), "", retain);
    },
  };
}
