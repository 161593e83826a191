/** Who is at a desk while a scan runs: `crowd.ts pages|attacks|ATTACK ADDRESS SCAN`, until it is told to go. */
import { connect, type Socket } from "node:net";

const [kind, address = "http://localhost/", scan] = process.argv.slice(2);
const { hostname, port } = new URL(import.meta.main ? address : "http://localhost/");
const counts: Record<string, number> = {};
const note = (what: string) => {
  counts[what] = (counts[what] ?? 0) + 1;
};
/** A connection from one of loopback's many addresses, on which a text is said. */
function say(n: number, text: string, onData: (socket: Socket, data: Buffer) => void = () => {}) {
  const from = `127.0.${1 + Math.floor(n / 250)}.${1 + (n % 250)}`;
  const socket = connect({ host: hostname, port: Number(port), localAddress: from });
  socket.on("error", () => note("errors"));
  socket.on("data", (data) => onData(socket, Buffer.from(data)));
  socket.on("connect", () => text !== "" && socket.write(text));
  return socket;
}

/** As a window does: its list, its scan, its map, then what happens, from a machine of its own. */
function page(n: number): void {
  const ask = (path: string) =>
    `GET /${path} HTTP/1.1\r\nhost: ${hostname}:${port}\r\naccept-encoding: gzip\r\nconnection: close\r\n\r\n`;
  for (const path of ["", "desk", "scans?limit=200", `scan/${scan}/page`, `scan/${scan}/map.bin`])
    say(n, ask(path));
  let heard = 0;
  say(n, ask(`events?scan=${scan}`), (_socket, data) => {
    heard += data.length;
    if (heard === data.length) note("streams");
    counts.bytes = (counts.bytes ?? 0) + data.length;
  });
}

const head = (method: string, more: string) =>
  `${method} /scan HTTP/1.1\r\nhost: ${hostname}:${port}\r\ncontent-type: application/json\r\n${more}\r\n\r\n`;
const status = (data: Buffer) => data.toString("latin1").slice(9, 12);

/** A connection that says nothing, and another when it is closed. */
function silent(n: number): void {
  say(n, "").on("close", () => {
    note("silent closed");
    setTimeout(() => silent(n), 1000);
  });
}

/** A stream that is never read. */
function hoard(n: number): void {
  const socket = say(
    n,
    `GET /events?scan=${scan} HTTP/1.1\r\nhost: ${hostname}:${port}\r\n\r\n`,
    (one, data) => {
      note(`stream ${status(data)}`);
      one.pause();
    },
  );
  socket.on("close", () => setTimeout(() => hoard(n), 2000));
}

/** A body that comes one letter a second. */
function slow(n: number): void {
  const socket = say(
    n,
    head("POST", "content-length: 100000\r\nauthorization: Bearer no-such-token"),
    (one, data) => {
      note(`slow body ${status(data)}`);
      one.destroy();
    },
  );
  const timer = setInterval(() => socket.write(" "), 1000);
  socket.on("close", () => {
    clearInterval(timer);
    setTimeout(() => slow(n), 1000);
  });
}

/** A gigabyte, as fast as it is taken. */
function huge(n: number): void {
  const piece = Buffer.alloc(1 << 16, 32);
  let left = 1e9;
  const socket = say(n, head("POST", "content-length: 1000000000"), (one, data) => {
    note(`1 GB ${status(data)}`);
    one.destroy();
  });
  const write = () => {
    while (left > 0 && !socket.destroyed) {
      left -= piece.length;
      if (!socket.write(piece)) return void socket.once("drain", write);
    }
  };
  socket.on("connect", write);
  socket.on("close", () => setTimeout(() => huge(n), 500));
}

/** A guess of the token. */
function guess(n: number): void {
  const socket = say(
    n,
    `GET /scans HTTP/1.1\r\nhost: ${hostname}:${port}\r\nauthorization: Bearer guess-${Math.random()}\r\nconnection: close\r\n\r\n`,
    (_one, data) => note(`guess ${status(data)}`),
  );
  socket.on("close", () => setTimeout(() => guess(n), 250));
}

const each = (count: number, come: (n: number) => void) => () => {
  for (let n = 0; n < count; n++) come(n);
};

/** Each attack by its name. */
export const attacks: Readonly<Record<string, () => void>> = {
  silent: each(9000, (n) => void setTimeout(() => silent(n), n / 3)),
  hoard: each(600, hoard),
  slow: each(300, slow),
  huge: each(4, huge),
  guess: each(96, guess),
};

if (import.meta.main) {
  process.on("SIGTERM", () => {
    console.log(JSON.stringify(counts));
    process.exit(0);
  });
  if (kind === "pages") each(50, page)();
  else
    for (const [name, begin] of Object.entries(attacks))
      if (kind === "attacks" || kind === name) begin();
}
