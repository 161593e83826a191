import { systemClock } from "../config/clock.ts";
import { brokerPatience } from "../config/environment.ts";
import { Interrupted, TimedOut } from "../config/errors.ts";
import { printableLine } from "../config/print.ts";
import type { BrokerAddress } from "../mq/address.ts";
import { connect } from "../mq/connection.ts";
import { ClientStatus, Control, MalformedMessage, Progress, parseMessage } from "../mq/messages.ts";
import { clientOfStatus, newClientId, topicsOf } from "../mq/topics.ts";
import { describeFirst } from "./first_direction.ts";
import { duration } from "./progress.ts";

export interface StatusOptions {
  readonly broker: BrokerAddress;
  readonly basename: string;
  /** Until the scan is over; else once. */
  readonly follow: boolean;
  readonly json: boolean;
  /** How long to wait for the first answer, s. */
  readonly timeout: number;
  /** Aborted: no more of it. */
  readonly stop?: AbortSignal;
  readonly write: (line: string) => void;
}

/** What is retained arrives within this time of the first message, s. */
const retainedArrive = 0.3;

/** Shows a scan's retained messages. Throws TimedOut when there is no such scan, BrokerError, Interrupted. */
export async function watchStatus(options: StatusOptions): Promise<void> {
  const topics = topicsOf(options.basename);
  const clients = new Map<string, ClientStatus>();
  let control: Control | undefined;
  let progress: Progress | undefined;
  const over = Promise.withResolvers<void>();
  // Nobody may be waiting yet when the time is up, and the connection that is being made is of no more use then.
  const leave = new AbortController();
  over.promise.catch(() => leave.abort());
  const stopped = () => over.reject(new Interrupted());
  options.stop?.addEventListener("abort", stopped);
  if (options.stop?.aborted) stopped();
  let showOff: (() => void) | undefined;
  const scanFound = systemClock.after(options.timeout, () =>
    over.reject(new TimedOut(`no scan found under this --mq-basename within ${options.timeout} s`)),
  );
  const show = () => {
    showOff = undefined;
    if (control === undefined) return;
    options.write(
      options.json
        ? JSON.stringify({
            control,
            progress: progress ?? null,
            clients: Object.fromEntries(clients),
          })
        : describe(control, progress, [...clients.values()]),
    );
    if (!options.follow || control.state !== "open") over.resolve();
  };
  const onMessage = (topic: string, payload: Uint8Array) => {
    const client = clientOfStatus(topic);
    try {
      if (topic === topics.control) control = parseMessage(Control, payload);
      else if (topic === topics.progress) progress = parseMessage(Progress, payload);
      else if (client !== undefined && payload.length === 0) clients.delete(client);
      else if (client !== undefined) clients.set(client, parseMessage(ClientStatus, payload));
    } catch (error) {
      if (!(error instanceof MalformedMessage)) over.reject(error);
      return;
    }
    if (control === undefined) return;
    scanFound();
    showOff ??= systemClock.after(retainedArrive, show);
  };
  const connecting = connect(
    options.broker,
    {
      clientId: newClientId(),
      subscriptions: [topics.control, topics.progress, topics.status("+")],
      patience: brokerPatience(),
      isOnce: true,
      stop: leave.signal,
    },
    { onMessage, onGivenUp: (error) => over.reject(error) },
  );
  connecting.catch(over.reject);
  try {
    await over.promise;
  } finally {
    scanFound();
    showOff?.();
    options.stop?.removeEventListener("abort", stopped);
    const connection = await connecting.catch(() => undefined);
    await connection?.close();
  }
}

function describe(
  control: Control,
  progress: Progress | undefined,
  clients: readonly ClientStatus[],
): string {
  const lines = [
    `${control.event}  ${control.reco}  ${control.state}${control.reason ? `: ${control.reason}` : ""}`,
  ];
  if (progress !== undefined) {
    const { recos, by_nside, recos_per_second_lately, seconds_left } = progress.progress;
    lines.push(
      `  fits ${recos.done} done, ${recos.sent} sent, ${recos.estimated} estimated (${((100 * recos.done) / Math.max(1, recos.estimated)).toFixed(1)} %)`,
    );
    for (const [nside, { pixels }] of Object.entries(by_nside))
      lines.push(
        `  nside ${nside}: pixels ${pixels.done} done, ${pixels.sent} sent, ${pixels.estimated} estimated`,
      );
    if (recos_per_second_lately !== null)
      lines.push(`  ${recos_per_second_lately.toPrecision(3)} fits/s`);
    if (seconds_left !== null) lines.push(`  ${duration(seconds_left)} left`);
    if (progress.first_direction)
      lines.push(`  first direction: ${describeFirst(progress.first_direction)}`);
    lines.push(`  as of ${progress.scan.updated}`);
  }
  const present = clients.filter((client) => client.state !== "gone");
  const workers = present.reduce((sum, client) => sum + client.workers, 0);
  lines.push(`  ${present.length} clients with ${workers} workers`);
  for (const { host, workers: count, state } of present.slice(0, 20))
    lines.push(`    ${host}: ${count} workers${state === "draining" ? ", draining" : ""}`);
  if (present.length > 20) lines.push(`    and ${present.length - 20} more`);
  return lines.map(printableLine).join("\n");
}
