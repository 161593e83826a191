/** Pseudo-experiments on a pool: the clients that do a scan's fits, at the same broker, with the same leases. */

import { consola } from "consola";
import type { Clock } from "../config/clock.ts";
import { brokerPatience, heartbeatInterval } from "../config/environment.ts";
import { Interrupted, TimedOut } from "../config/errors.ts";
import type { Detector } from "../detector/detector.ts";
import type { Event } from "../event/event.ts";
import type { LightChoice } from "../light/choice.ts";
import type { BrokerAddress } from "../mq/address.ts";
import { type Connection, connect } from "../mq/connection.ts";
import { examineBroker } from "../mq/examination.ts";
import { experimentNside } from "../mq/messages.ts";
import { newBasename, newClientId, topicsOf } from "../mq/topics.ts";
import type { Reco } from "../reco/reco.ts";
import { Scheduler } from "../scan/scheduler.ts";
import { createAdmission } from "../server/admission.ts";
import { createAnnouncement } from "../server/announcement.ts";
import { mending, until } from "../server/broker_workforce.ts";
import { Dispatch, type DispatchOptions } from "../server/dispatch.ts";
import { leaseIds } from "../server/lease_ids.ts";
import { startupData } from "../server/startup.ts";
import { guarded } from "../server/workforce.ts";
import type { StoredResult } from "../store/row.ts";
import { hasFailed } from "./experiment.ts";
import { entryFrom, ordersOf } from "./wire.ts";
import type { ExperimentOrders, ExperimentWorkforce } from "./workforce.ts";

export interface PoolOptions {
  readonly broker: BrokerAddress;
  /** The calibration's name there; absent: one nobody guesses. */
  readonly basename?: string;
  readonly event: Event;
  readonly detector: Detector;
  readonly reco: Reco;
  readonly choice: LightChoice;
  /** Fits must be made with photon tables; false: with the light of the first client that comes. */
  readonly needsTables: boolean;
  /** How long clients wait for work, and how long to wait for them, s. */
  readonly timeoutToClients: number;
  readonly timeoutFromClients: number;
  readonly clock: Clock;
}

/** An experiment that takes longer is hung, s. */
const longestExperiment = 900;
/** Different clients an experiment may end the process of before it is given up. */
const mostCrashes = 2;
/** A client is gone when it missed this many heartbeats. */
const missedHeartbeats = 3;
/** How often deadlines and silent clients are looked at, s. */
const tickPeriod = 0.5;
/** How long clients get to say goodbye, s. */
const farewell = 2;

/**
 * Hands experiments to whichever clients come.
 * Throws TimedOut when results stay away, Interrupted, BrokerError.
 */
export const brokerCrew =
  (options: PoolOptions): ExperimentWorkforce =>
  async (orders) => {
    if (orders.numbers.length === 0) return;
    const { broker, basename = newBasename(), clock, timeoutFromClients } = options;
    const { stop } = orders;
    // A name nobody knows: the pool's own topics are for those who work.
    const trial = topicsOf(newBasename()).status(newClientId());
    const longestMessage = await examineBroker(broker, trial, stop);
    const over = Promise.withResolvers<void>();
    over.promise.catch(() => {});
    let connection: Connection | undefined;
    const publish: Connection["publish"] = (...said) => connection?.publish(...said);
    const meeting = meet({ ...options, basename }, orders, { longestMessage, over, publish });
    const { topics, dispatch, announcement, scheduler } = meeting;
    connection = await connect(
      broker,
      {
        clientId: newClientId(),
        subscriptions: [topics.status("+"), topics.result],
        ...{ patience: brokerPatience(), stop },
      },
      {
        onMessage: (topic, payload) =>
          guarded(() => dispatch.receive(topic, payload), over.reject)(),
        onConnect(isFirst) {
          if (isFirst) return;
          consola.info("connected to the broker again");
          announcement.open();
          dispatch.expectResults();
        },
        onLost: () => consola.warn("connection to the broker lost, trying again"),
        onGivenUp: over.reject,
      },
    );
    announcement.open();
    consola.info(`clients may come: --mq-basename ${basename}`);
    const interrupt = () => over.reject(new Interrupted());
    stop.addEventListener("abort", interrupt);
    if (stop.aborted) interrupt();
    const look = () => {
      dispatch.tick();
      if (dispatch.secondsWithoutResults > timeoutFromClients)
        over.reject(new TimedOut(`no results for ${timeoutFromClients} s`));
    };
    const rest = clock.every(tickPeriod, guarded(look, over.reject));
    const goodbye = async (state: "done" | "failed", reason?: string) => {
      announcement.over(state, reason);
      await until(() => scheduler.counts.clients === 0, farewell, clock);
      announcement.withdraw();
    };
    try {
      await over.promise;
      await goodbye("done");
    } catch (error) {
      // Under a name it will have again, clients wait for its return, as they wait for a scan's server.
      const mayReturn = error instanceof Interrupted && options.basename !== undefined;
      if (!mayReturn) await goodbye("failed", error instanceof Error ? error.message : `${error}`);
      throw error;
    } finally {
      rest();
      stop.removeEventListener("abort", interrupt);
      await connection.close(mending);
    }
  };

interface Channel {
  /** What the broker takes, bytes. */
  readonly longestMessage: number | undefined;
  /** Told when, or why, it ends. */
  readonly over: Pick<PromiseWithResolvers<void>, "resolve" | "reject">;
  readonly publish: Connection["publish"];
}

/** The talk with the clients: what is handed out, what comes back, what the broker keeps for who comes later. */
function meet(
  options: PoolOptions & { readonly basename: string },
  { request, numbers, onReady, onOutcome, onFailure }: ExperimentOrders,
  { longestMessage, over, publish }: Channel,
) {
  const { basename, event, detector, reco, choice, needsTables, clock } = options;
  const topics = topicsOf(basename);
  const scheduler = new Scheduler({
    recoTimeout: longestExperiment,
    maxFailures: mostCrashes,
    silence: missedHeartbeats * heartbeatInterval(),
    leaseId: leaseIds(newBasename()),
  });
  scheduler.add(
    numbers.map((pixel) => ({ nside: experimentNside, pixel, posvar: 0, count: 1, round: 0 })),
  );
  let left = numbers.length;
  const keep = (result: StoredResult) => {
    const { pixel: k, failures } = result;
    scheduler.markDone(result);
    left--;
    const came = entryFrom(result.experiment, k);
    if (came !== undefined && !hasFailed(came)) onOutcome(came);
    else onFailure(k, came?.reason ?? failures?.[0]?.[1] ?? "its client's answer says nothing");
  };
  const collection: DispatchOptions["collection"] = {
    scheduler,
    keep: (results) => {
      for (const result of results) keep(result);
    },
    scan: {
      get isComplete() {
        return left === 0;
      },
    },
  };
  const admission = createAdmission({
    ...{ needsLight: reco.light !== undefined, needsTables, light: undefined },
    onLight: ({ description }) => onReady({ light: description, detector: detector.source }),
    onChange(client, { host, workers }, objection) {
      if (objection === undefined) consola.debug(`client ${client} on ${host}, ${workers} workers`);
      else consola.warn(`client ${client} on ${host}: ${objection}`);
    },
  });
  // Clients of an earlier start are to see that this is another.
  const session = Math.trunc(1000 * clock.date());
  const limit = longestMessage === undefined ? {} : { longestMessage };
  const dispatch = new Dispatch({
    ...{ collection, admission, session, topics, publish, clock, ...limit },
    soon: (work) => clock.soon(guarded(work, over.reject)),
    onComplete: over.resolve,
  });
  const announcement = createAnnouncement({
    plan: { event, reco, choice, miniTest: false },
    session: { number: session },
    startup: startupData(event, basename, detector.baselinePath, choice),
    experiments: ordersOf(request),
    ...{ recoTimeout: longestExperiment, timeoutToClients: options.timeoutToClients },
    ...{ topics, publish, ...limit },
  });
  return { topics, scheduler, dispatch, announcement };
}
