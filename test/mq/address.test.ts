import { expect, test } from "bun:test";
import { describeAddress, parseAddress } from "../../src/mq/address.ts";

test.each([
  ["localhost", "mqtt", "localhost", 1883],
  ["broker.example.org:2883", "mqtt", "broker.example.org", 2883],
  ["127.0.0.1:80", "mqtt", "127.0.0.1", 80],
  ["mqtt://h", "mqtt", "h", 1883],
  ["mqtt://h:80", "mqtt", "h", 80],
  ["mqtts://h", "mqtts", "h", 8883],
  ["ws://h/mqtt", "ws", "h", 80],
  ["wss://h", "wss", "h", 443],
  ["wss://h:8084/mqtt?x=1", "wss", "h", 8084],
  ["MQTTS://h", "mqtts", "h", 8883],
  ["[::1]:1884", "mqtt", "::1", 1884],
  ["mqtt://[::1]", "mqtt", "::1", 1883],
] as const)("%s", (text, protocol, host, port) => {
  expect(parseAddress(text)).toMatchObject({ protocol, host, port });
});

test.each(["", "http://h", "amqp://h", "mqtt://", "h:port", "a b", "mqtt://h:99999"])(
  "%p is refused",
  (text) => {
    expect(() => parseAddress(text)).toThrow("--broker: expected");
  },
);

test("a token is the password of the URL's user, else of skyscan, and is never shown", () => {
  expect(parseAddress("h", { authToken: "s3cret" })).toMatchObject({
    username: "skyscan",
    password: "s3cret",
  });
  const address = parseAddress("mqtts://ic%40e:p%3Aw@h:1/x", { authToken: "s3cret" });
  expect(address).toMatchObject({ username: "ic@e", password: "s3cret" });
  expect(parseAddress("mqtts://ic%40e:p%3Aw@h:1")).toMatchObject({ password: "p:w" });
  expect(describeAddress(address)).toBe("mqtts://h:1");
  expect(parseAddress("h").username).toBeUndefined();
});

test("a missing authority is named", () => {
  expect(() => parseAddress("mqtts://h", { caFile: "/no/ca.pem" })).toThrow("--ca-file /no/ca.pem");
});
