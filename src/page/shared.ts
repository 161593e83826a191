/** The worker that all of a browser's windows share: holds their one stream of events. */
import { ownStream } from "./feed.ts";
import { SharedStream, type ToShared } from "./shared_stream.ts";

const scope = globalThis as unknown as {
  readonly location: Location;
  onconnect: ((event: MessageEvent) => void) | null;
};
const stream = new SharedStream(ownStream(new URL(".", scope.location.href).href), () =>
  Date.now(),
);

scope.onconnect = ({ ports: [port] }) => {
  port!.onmessage = ({ data }: MessageEvent<ToShared>) => stream.receive(port!, data);
};
