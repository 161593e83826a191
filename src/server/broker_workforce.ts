import { consola } from "consola";
import type { Clock } from "../config/clock.ts";
import { brokerPatience } from "../config/environment.ts";
import type { BrokerAddress } from "../mq/address.ts";
import type { Connect, Connection } from "../mq/connection.ts";
import type { StartupData } from "../mq/messages.ts";
import { newClientId, topicsOf } from "../mq/topics.ts";
import type { Store } from "../store/store.ts";
import { createAdmission } from "./admission.ts";
import { createAnnouncement } from "./announcement.ts";
import type { Collection } from "./collection.ts";
import { Dispatch } from "./dispatch.ts";
import type { ScanPlan } from "./plan.ts";
import { rememberLight, type Session } from "./session.ts";
import { guarded, type Workforce, type WorkforceEvents } from "./workforce.ts";

export interface BrokerWorkforceOptions extends WorkforceEvents {
  readonly plan: ScanPlan;
  readonly broker: BrokerAddress;
  readonly connect: Connect;
  /** What the broker takes, bytes. */
  readonly longestMessage?: number;
  readonly session: Session;
  readonly collection: Collection;
  readonly store: Store;
  readonly startup: StartupData;
  /** s. */
  readonly recoTimeout: number;
  readonly timeoutToClients: number;
  readonly clock: Clock;
  readonly stop?: AbortSignal;
}

/** How long the clients get to say goodbye, s. */
const farewell = 2;
/** How long a connection that is broken when the scan ends gets to come back, s. */
export const mending = 30;

/** Clients of ours that come over an MQTT broker. */
export function brokerWorkforce(options: BrokerWorkforceOptions): Workforce {
  const { plan, session, collection, store, clock, longestMessage, stop, onError } = options;
  const topics = topicsOf(session.basename);
  let connection: Connection | undefined;
  let isOver = false;
  const publish: Connection["publish"] = (...message) => connection?.publish(...message);
  const limit = longestMessage === undefined ? {} : { longestMessage };
  const admission = createAdmission({
    needsLight: plan.reco.light !== undefined,
    needsTables: plan.needsTables,
    light: session.light,
    onLight(light) {
      rememberLight(store, light);
      consola.info(`light: ${light.description}`);
    },
    onChange(client, { host, workers }, objection) {
      if (objection === undefined) consola.debug(`client ${client} on ${host}, ${workers} workers`);
      else consola.warn(`client ${client} on ${host}: ${objection}`);
    },
  });
  const dispatch = new Dispatch({
    ...{ collection, admission, session: session.number, topics, publish, clock, ...limit },
    soon: (work) => clock.soon(guarded(work, onError)),
    onComplete: options.onComplete,
  });
  const { startup, recoTimeout, timeoutToClients } = options;
  const announcement = createAnnouncement({
    ...{ plan, session, startup, recoTimeout, timeoutToClients, topics, publish, ...limit },
  });

  return {
    async open() {
      connection = await options.connect(
        options.broker,
        {
          clientId: newClientId(),
          subscriptions: [topics.status("+"), topics.result],
          patience: brokerPatience(),
          ...(stop && { stop }),
        },
        {
          onMessage: (topic, payload) => guarded(() => dispatch.receive(topic, payload), onError)(),
          onConnect: (isFirst) => {
            if (!isFirst) consola.info("connected to the broker again");
            // What was said last, that it is over, is on its way.
            if (isOver) return;
            announcement.open();
            dispatch.expectResults();
          },
          onLost: () => consola.warn("connection to the broker lost, trying again"),
          onGivenUp: onError,
        },
      );
      // onConnect ran before the connection was in our hands.
      announcement.open();
    },
    async begin() {},
    tick: () => dispatch.tick(),
    get secondsWithoutResults() {
      return dispatch.secondsWithoutResults;
    },
    get heard() {
      return { light: admission.light?.description ?? null, malformed: dispatch.malformed };
    },
    progress: (manifest) => announcement.progress(manifest),
    async over(state, reason) {
      isOver = true;
      announcement.over(state, reason);
      // Clients that are not told wait for work in vain: a broken connection is given time to mend.
      const isToldOrStopped = () => connection!.isConnected || stop?.aborted === true;
      await until(isToldOrStopped, mending, clock);
      await until(() => collection.scheduler.counts.clients === 0, farewell, clock);
      announcement.withdraw();
    },
    close: async (patience) => await connection?.close(patience),
  };
}

/** Waits until something is so, but at most so many seconds. */
export async function until(isSo: () => boolean, seconds: number, clock: Clock): Promise<void> {
  const end = clock.now() + seconds;
  while (!isSo() && clock.now() < end)
    await new Promise<void>((resolve) => void clock.after(0.01, resolve));
}
