import { describe, expect, test } from "bun:test";
import { stringBytes } from "../../src/i3/bytes.ts";
import { pickleFrame } from "../../src/i3/envelope.ts";
import { PickledFrame, readPickle } from "../../src/i3/pickle.ts";

const base64 = (text: string) => Uint8Array.fromBase64(text);

/** Python 3.11: pickle.dumps(value, protocol) of {"a": [1, -2, 70000, 2**70, 1.5, None, True, "é", b"\xff"], "t": (1,), 3: {}}. */
const PYTHON: [number, string][] = [
  [
    2,
    "gAJ9cQAoWAEAAABhcQFdcQIoSwFK/v///0pwEQEAigkAAAAAAAAAAEBHP/gAAAAAAABOiFgCAAAAw6lxA2NfY29kZWNzCmVuY29kZQpxBFgCAAAAw79xBVgGAAAAbGF0aW4xcQaGcQdScQhlWAEAAAB0cQlLAYVxCksDfXELdS4=",
  ],
  [
    3,
    "gAN9cQAoWAEAAABhcQFdcQIoSwFK/v///0pwEQEAigkAAAAAAAAAAEBHP/gAAAAAAABOiFgCAAAAw6lxA0MB/3EEZVgBAAAAdHEFSwGFcQZLA31xB3Uu",
  ],
  [
    4,
    "gASVRAAAAAAAAAB9lCiMAWGUXZQoSwFK/v///0pwEQEAigkAAAAAAAAAAEBHP/gAAAAAAABOiIwCw6mUQwH/lGWMAXSUSwGFlEsDfZR1Lg==",
  ],
  [
    5,
    "gAWVRAAAAAAAAAB9lCiMAWGUXZQoSwFK/v///0pwEQEAigkAAAAAAAAAAEBHP/gAAAAAAABOiIwCw6mUQwH/lGWMAXSUSwGFlEsDfZR1Lg==",
  ],
];

describe("pickles", () => {
  test.each(PYTHON)("protocol %i of Python", (_, text) => {
    const value = readPickle(base64(text));
    const list = [1, -2, 70000, 2n ** 70n, 1.5, null, true, "é", Uint8Array.of(255)];
    expect(value).toEqual(
      new Map<string | number, unknown>([
        ["a", list],
        ["t", [1]],
        [3, new Map()],
      ]) as never,
    );
  });

  test.each(["python2", "python3"] as const)("a frame of %s", (style) => {
    const blob = Uint8Array.from({ length: 256 }, (_, i) => i);
    const frame = readPickle(pickleFrame(blob, style));
    expect(frame).toBeInstanceOf(PickledFrame);
    expect((frame as PickledFrame).blob).toEqual(blob);
  });

  test.each([
    ["cos\nsystem\n(S'true'\ntR.", /"os.system".*refused/],
    ["c__builtin__\neval\n.", /"__builtin__.eval".*refused/],
    ["\x80\x04\x8c\x05posix\x8c\x06system\x93.", /"posix.system".*refused/],
    ["(ios\nsystem\n.", /opcode "i" .*refused/],
    ["\x80\x02\x81.", /0x81.*refused/],
    ["P1\n.", /opcode "P"/],
    ["\x80\x09N.", /protocol 9/],
    ["c_codecs\nencode\n(S'a'\nS'hex'\ntR.", /encode called with other than/],
    ["cicecube.icetray\nI3Frame\n.", /never put down/],
    ["N", /truncated/],
    ["", /truncated/],
    ["..", /never put down/],
    ["NN.", /leaves values behind/],
    ["N.N", /1 bytes after/],
    ["h\x05.", /memo 5/],
    ["I12x\n.", /no integer/],
    ["T\xff\xff\xff\xff.", /negative length/],
    ["T\xff\xff\xff\x7f.", /2147483647 more bytes/],
    ["Na.", /no list|empty stack/],
  ])("%j is refused", (pickle, problem) => {
    expect(() => readPickle(stringBytes(pickle))).toThrow(problem);
  });

  test("deep, self-containing and exploding pickles are refused", () => {
    const deep = `${"(".repeat(100000)}${"l".repeat(100000)}.`;
    expect(() => readPickle(stringBytes(deep))).toThrow(/nested too deep/);
    expect(() => readPickle(stringBytes("]q\x00h\x00a."))).toThrow(/nested too deep|too many/);
    // each list holds the one before ten times
    let bomb = "]q\x00";
    for (let i = 0; i < 40; i++)
      bomb += `0]q${String.fromCharCode(i + 1)}(${`h${String.fromCharCode(i)}`.repeat(10)}e`;
    expect(() => readPickle(stringBytes(`${bomb}.`))).toThrow(/too many items/);
  });
});
