// What MQTT 3.1.1 asks of a broker, packet by packet, and what Eclipse Paho's and Mosquitto's own tests look at, in our
// words. Numbers in brackets are those of the OASIS standard's statements.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createConnection, type Socket } from "node:net";
import { type EmbeddedBroker, startBroker } from "../../src/mq/broker.ts";
import { until } from "../programs.ts";
import { connectPacket, packet, publish, subscribe, unsubscribe } from "./packets.ts";

let broker: EmbeddedBroker;
const sockets: Socket[] = [];
beforeAll(async () => {
  broker = await startBroker({ host: "127.0.0.1", port: 0 });
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await broker.close();
});

const PINGREQ = Buffer.from([0xc0, 0]);
const PINGRESP = "d000";
const DISCONNECT = Buffer.from([0xe0, 0]);
const CONNACK = "20020000";

/** One connection of bytes. */
async function party() {
  const socket = createConnection(broker.port, "127.0.0.1");
  sockets.push(socket);
  let heard = Buffer.alloc(0);
  let isClosed = false;
  socket.on("data", (bytes: Buffer) => {
    heard = Buffer.concat([heard, bytes]);
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    isClosed = true;
  });
  await new Promise((resolve) => socket.once("connect", resolve));
  const hex = () => heard.toString("hex");
  return {
    socket,
    hex,
    text: () => heard.toString("latin1"),
    isClosed: () => isClosed,
    /**
     * What comes in answer, hexadecimal; ends in "!": closed. A ping behind the packets must be answered as well.
     * @param expected how long the answer should be: answers may overtake one another
     */
    async ask(expected: number, ...packets: readonly Uint8Array[]): Promise<string> {
      const before = hex().length;
      const answer = () => hex().slice(before).replace(PINGRESP, "");
      socket.write(Buffer.concat([...packets, PINGREQ]));
      await until(
        "an answer",
        () => isClosed || (hex().includes(PINGRESP, before) && answer().length >= 2 * expected),
        5,
      );
      return isClosed ? `${answer()}!` : answer();
    },
    async subscribe(topic: string, qos: 0 | 1 | 2 = 1): Promise<void> {
      expect(await this.ask(5, subscribe(topic, qos))).toContain(`900300010${qos}`);
    },
  };
}

let number = 0;
/** A connection that has been let in. */
async function guest(greeting: Parameters<typeof connectPacket>[0] = {}) {
  const one = await party();
  expect(await one.ask(4, connectPacket({ clientId: `guest${number++}`, ...greeting }))).toBe(
    CONNACK,
  );
  return one;
}

const alter = (bytes: Uint8Array, at: number, value: number): Uint8Array =>
  Uint8Array.from(bytes, (byte, i) => (i === at ? value : byte));
/** Where a CONNECT's flags stand. */
const flagsAt = 9;

describe("greetings", () => {
  test.each<[string, Uint8Array, string]>([
    ["the shortest", connectPacket({ clientId: "a" }), CONNACK],
    ["no client id, clean session [3.1.3-6]", connectPacket({ clientId: "" }), CONNACK],
    ["another protocol's name [3.1.2-1]", connectPacket({ protocol: "MQTT?" }), "!"],
    ["reserved flag [3.1.2-3]", alter(connectPacket(), flagsAt, 0x03), "!"],
    ["will of QoS 3 [3.1.2-14]", alter(connectPacket(), flagsAt, 0x1e), "!"],
    ["retained will that is none [3.1.2-15]", alter(connectPacket(), flagsAt, 0x22), "!"],
    ["flags of a packet that has none [2.2.2-2]", alter(connectPacket(), 0, 0x11), "!"],
    ["two of them [3.1.0-2]", Buffer.concat([connectPacket(), connectPacket()]), "!"],
    ["SUBSCRIBE first [3.1.0-1]", subscribe("skyscan/s/t"), "!"],
    ["PUBLISH first", publish("skyscan/s/t", "x"), "!"],
    ["PINGREQ first", PINGREQ, "!"],
    ["DISCONNECT first", DISCONNECT, "!"],
    ["HTTP", Buffer.from("GET / HTTP/1.1\r\n\r\n"), "!"],
    ["a length of five digits [2.2.3]", Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff, 0x01]), "!"],
    ["a packet of type 0", Buffer.from([0x00, 0x00]), "!"],
    ["a packet of type 15", Buffer.from([0xf0, 0x00]), "!"],
  ])("%s", async (_name, bytes, answer) => {
    const one = await party();
    const given = await one.ask(answer.endsWith("!") ? 0 : answer.length / 2, bytes);
    // Whoever is thrown out may have been greeted before.
    expect(answer === "!" && given.endsWith("!") ? "!" : given).toBe(answer);
  });

  test("of a later protocol: closed [3.1.2-2]", async () => {
    const one = await party();
    expect(await one.ask(0, connectPacket({ level: 9 }))).toMatch(/^(20020001)?!$/);
  });

  test("byte by byte", async () => {
    const one = await party();
    for (const byte of connectPacket({ clientId: "slow" })) {
      await new Promise((resolve) => one.socket.write(Uint8Array.of(byte), resolve));
    }
    expect(await one.ask(4)).toBe(CONNACK);
  });

  test("the second with one client id takes the first's place [3.1.4-2]", async () => {
    const first = await guest({ clientId: "twin" });
    await guest({ clientId: "twin" });
    await until("the first's end", first.isClosed);
  });
});

describe("publications", () => {
  test.each<[string, Uint8Array, string]>([
    ["QoS 0: no answer", publish("skyscan/p/t", "x"), ""],
    ["QoS 1: PUBACK [3.3.4-1]", publish("skyscan/p/t", "x", { qos: 1, id: 7 }), "40020007"],
    ["QoS 2: PUBREC", publish("skyscan/p/t", "x", { qos: 2, id: 7 }), "50020007"],
    ["of nothing", publish("skyscan/p/t", "", { qos: 1, id: 7 }), "40020007"],
    ["PUBREL of what never came: PUBCOMP", packet(0x62, [0, 9]), "70020009"],
    [
      "unsubscribing what was never asked for [3.10.4-5]",
      unsubscribe("skyscan/p/t", 5),
      "b0020005",
    ],
  ])("%s", async (_name, bytes, answer) => {
    const one = await guest();
    expect(await one.ask(answer.length / 2, bytes)).toBe(answer);
  });

  test.each<[string, Uint8Array]>([
    ["QoS 3 [3.3.1-4]", alter(publish("skyscan/p/t", "x", { qos: 1 }), 0, 0x36)],
    ["to a wildcard [3.3.2-2]", publish("skyscan/p/#", "x")],
    ["to a wildcard level", publish("skyscan/+/t", "x")],
    ["to no topic [4.7.3-1]", publish("", "x")],
    ["outside of skyscan/<basename>/", publish("elsewhere", "x")],
    ["a topic longer than its packet", packet(0x30, [0, 200, 0x61])],
    ["PUBREL with other flags [3.6.1-1]", packet(0x60, [0, 9])],
    ["SUBSCRIBE with other flags [3.8.1-1]", alter(subscribe("skyscan/p/t"), 0, 0x80)],
    ["SUBSCRIBE to nothing [3.8.3-3]", packet(0x82, [0, 1])],
    ["SUBSCRIBE with QoS 3 [3.8.3-4]", subscribe("skyscan/p/t", 3 as 2)],
    ["UNSUBSCRIBE with other flags [3.10.1-1]", alter(unsubscribe("skyscan/p/t"), 0, 0xa0)],
    ["CONNACK, a server's word", packet(0x20, [0, 0])],
    ["SUBACK, a server's word", packet(0x90, [0, 1, 0])],
  ])("%s: closed", async (_name, bytes) => {
    const one = await guest();
    expect(await one.ask(0, bytes)).toBe("!");
  });

  test("of QoS 2 that come again are heard once [4.3.3-2]", async () => {
    const listener = await guest();
    await listener.subscribe("skyscan/q/t", 0);
    const one = await guest();
    const again = publish("skyscan/q/t", "once", { qos: 2, id: 3, again: true });
    expect(await one.ask(4, publish("skyscan/q/t", "once", { qos: 2, id: 3 }))).toBe("50020003");
    expect(await one.ask(4, again)).toBe("50020003");
    expect(await one.ask(4, packet(0x62, [0, 3]))).toBe("70020003");
    await until("it", () => listener.text().includes("once"));
    await listener.ask(0);
    expect(listener.text().split("once")).toHaveLength(2);
  });
});

describe("subscriptions", () => {
  test.each<[string, string]>([
    ["skyscan/s/t", "9003000101"],
    ["skyscan/s/#", "9003000101"],
    ["skyscan/s/+/status", "9003000101"],
    // 128: refused, and the connection stays [3.9.3].
    ["skyscan/+/t", "9003000180"],
    ["#", "9003000180"],
    ["$SYS/#", "9003000180"],
  ])("to %s", async (topic, answer) => {
    const one = await guest();
    expect(await one.ask(5, subscribe(topic))).toBe(answer);
  });

  test.each(["skyscan/s/a#", "skyscan/s/#/b", "skyscan/s/a+/b"])(
    "to %s is none [4.7.1]",
    async (topic) => {
      const one = await guest();
      expect(await one.ask(5, subscribe(topic))).toMatch(/!$|^9003000180$/);
    },
  );

  test.each<[string, boolean]>([
    ["skyscan/m/client/a/status", true],
    ["skyscan/m/client/b/status", true],
    ["skyscan/m/client//status", true],
    ["skyscan/m/client/a/b/status", false],
    ["skyscan/m/client/status", false],
    ["skyscan/m/client/a/status/more", false],
  ])("+ is one level: %s", async (topic, isHeard) => {
    const listener = await guest();
    await listener.subscribe("skyscan/m/client/+/status");
    await listener.subscribe("skyscan/m/end");
    const one = await guest();
    await one.ask(0, publish(topic, "<message>"), publish("skyscan/m/end", "<end>"));
    await until("the end", () => listener.text().includes("<end>"));
    expect(listener.text().includes("<message>")).toBe(isHeard);
  });

  test("end with UNSUBSCRIBE [3.10.4-2]", async () => {
    const listener = await guest();
    await listener.subscribe("skyscan/u/t");
    await listener.subscribe("skyscan/u/end");
    await listener.ask(4, unsubscribe("skyscan/u/t", 3));
    const one = await guest();
    await one.ask(0, publish("skyscan/u/t", "<message>"), publish("skyscan/u/end", "<end>"));
    await until("the end", () => listener.text().includes("<end>"));
    expect(listener.text()).not.toContain("<message>");
  });

  test("a message of QoS 1 goes out with QoS 0 to who asked for that [3.8.4-6]", async () => {
    const listener = await guest();
    await listener.subscribe("skyscan/d/t", 0);
    const one = await guest();
    await one.ask(4, publish("skyscan/d/t", "low", { qos: 1 }));
    await until("it", () => listener.text().includes("low"));
    expect(listener.hex()).toContain(publish("skyscan/d/t", "low").toString("hex"));
  });
});

describe("what is kept", () => {
  test("is sent to late comers, marked; to those there, unmarked [3.3.1-6, 3.3.1-9]", async () => {
    const early = await guest();
    await early.subscribe("skyscan/k/t", 0);
    const one = await guest();
    await one.ask(0, publish("skyscan/k/t", "kept", { retain: true }));
    await until("it", () => early.text().includes("kept"));
    expect(early.hex()).toContain(publish("skyscan/k/t", "kept").toString("hex"));
    const late = await guest();
    await late.subscribe("skyscan/k/t", 0);
    await until("it", () => late.text().includes("kept"));
    expect(late.hex()).toContain(publish("skyscan/k/t", "kept", { retain: true }).toString("hex"));
  });

  test("is the newest, and goes with an empty message [3.3.1-5, 3.3.1-10]", async () => {
    const one = await guest();
    for (const payload of ["old", "new"])
      await one.ask(4, publish("skyscan/n/t", payload, { retain: true, qos: 1 }));
    await one.ask(4, publish("skyscan/n/gone", "gone", { retain: true, qos: 1 }));
    await one.ask(4, publish("skyscan/n/gone", "", { retain: true, qos: 1 }));
    const late = await guest();
    await late.subscribe("skyscan/n/#", 0);
    await until("it", () => late.text().includes("new"));
    expect(late.text()).not.toMatch(/old|gone/);
  });
});

describe("last wills", () => {
  const will = { topic: "skyscan/w/t", payload: "<will>" };

  test("come when a connection breaks, and not after DISCONNECT [3.1.2-8, 3.14.4-3]", async () => {
    const listener = await guest();
    await listener.subscribe("skyscan/w/#");
    const polite = await guest({ will: { ...will, payload: "<polite>" } });
    polite.socket.write(DISCONNECT);
    await until("its end", polite.isClosed);
    const broken = await guest({ will });
    broken.socket.destroy();
    await until("the will", () => listener.text().includes("<will>"));
    expect(listener.text()).not.toContain("<polite>");
  });

  test("come when a keep-alive has passed one and a half times [3.1.2-24]", async () => {
    const listener = await guest();
    await listener.subscribe("skyscan/w/#");
    const silent = await guest({ will: { ...will, payload: "<silent>" }, keepAlive: 1 });
    await until("the will", () => listener.text().includes("<silent>"));
    await until("its end", silent.isClosed);
  });

  test("reach no topic that is not their scan's", async () => {
    const one = await guest({ will: { topic: "elsewhere", payload: "x", retain: true } });
    one.socket.destroy();
    // The broker lives on.
    await guest();
  });
});
