/** Server-sent events read from a fetch: unlike an EventSource it sees the comments that say the desk is still there. */

export interface StreamEvents {
  /** Anything came: the connection lives. */
  readonly onByte: () => void;
  readonly onEvent: (name: string, data: unknown) => void;
}

/**
 * Reads until the stream ends, breaks, or the signal says so.
 * @returns status of the answer; the stream was read to its end if it is 200
 */
export async function readStream(
  address: string,
  signal: AbortSignal,
  events: StreamEvents,
): Promise<number> {
  const answer = await fetch(address, {
    headers: { accept: "text/event-stream" },
    cache: "no-store",
    signal,
  });
  if (!answer.ok || answer.body === null) return answer.status;
  const parse = createParser(events.onEvent);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return answer.status;
    events.onByte();
    parse(value);
  }
}

/** Takes text in pieces cut anywhere, calls back for every event whose data is JSON. */
export function createParser(onEvent: StreamEvents["onEvent"]): (piece: string) => void {
  let rest = "";
  let name = "message";
  let data: string[] = [];
  const line = (text: string) => {
    if (text === "") {
      if (data.length > 0) emit(name, data.join("\n"), onEvent);
      name = "message";
      data = [];
      return;
    }
    const colon = text.indexOf(":");
    const field = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? "" : text.slice(colon + 1).replace(/^ /, "");
    if (field === "event") name = value;
    else if (field === "data") data.push(value);
  };
  return (piece) => {
    rest += piece;
    let from = 0;
    for (let at = rest.indexOf("\n"); at >= 0; at = rest.indexOf("\n", from)) {
      line(rest.slice(from, at).replace(/\r$/, ""));
      from = at + 1;
    }
    rest = rest.slice(from);
  };
}

function emit(name: string, data: string, onEvent: StreamEvents["onEvent"]): void {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    return;
  }
  onEvent(name, value);
}
