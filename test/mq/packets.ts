/** MQTT 3.1.1 packets, byte by byte (OASIS standard, chapters 2 and 3). */

const text = (content: string | Uint8Array): Buffer => {
  const bytes = Buffer.from(content as string);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
};

/** A packet: type and flags, the length in digits of seven bits, the rest. */
export function packet(
  head: number,
  ...parts: readonly (Uint8Array | readonly number[])[]
): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part as Uint8Array)));
  const length: number[] = [];
  let left = body.length;
  do {
    length.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
    left >>= 7;
  } while (left > 0);
  return Buffer.concat([Buffer.from([head, ...length]), body]);
}

export interface Greeting {
  readonly clientId?: string;
  readonly protocol?: string;
  readonly level?: number;
  readonly isClean?: boolean;
  readonly keepAlive?: number;
  readonly user?: string;
  readonly password?: string;
  readonly will?: { readonly topic: string; readonly payload: string; readonly retain?: boolean };
}

export function connectPacket(greeting: Greeting = {}): Buffer {
  const { clientId = "raw", protocol = "MQTT", level = 4, isClean = true } = greeting;
  const { keepAlive = 60, password, user = password && "skyscan", will } = greeting;
  const flags =
    (isClean ? 0x02 : 0) |
    (will ? 0x0c : 0) |
    (will?.retain ? 0x20 : 0) |
    (password === undefined ? 0 : 0x40) |
    (user === undefined ? 0 : 0x80);
  return packet(
    0x10,
    text(protocol),
    [level, flags, keepAlive >> 8, keepAlive & 0xff],
    text(clientId),
    ...(will ? [text(will.topic), text(will.payload)] : []),
    ...(user === undefined ? [] : [text(user)]),
    ...(password === undefined ? [] : [text(password)]),
  );
}

export interface Publication {
  readonly qos?: 0 | 1 | 2;
  readonly retain?: boolean;
  readonly again?: boolean;
  readonly id?: number;
}

export const publish = (
  topic: string,
  payload: string | Uint8Array,
  { qos = 0, retain = false, again = false, id = 1 }: Publication = {},
): Buffer =>
  packet(
    0x30 | (again ? 8 : 0) | (qos << 1) | (retain ? 1 : 0),
    text(topic),
    qos > 0 ? [id >> 8, id & 0xff] : [],
    Buffer.from(payload as string),
  );

export const subscribe = (topic: string, qos: 0 | 1 | 2 = 1, id = 1): Buffer =>
  packet(0x82, [id >> 8, id & 0xff], text(topic), [qos]);

export const unsubscribe = (topic: string, id = 1): Buffer =>
  packet(0xa2, [id >> 8, id & 0xff], text(topic));
