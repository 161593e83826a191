import { expect, test } from "bun:test";
import fc from "fast-check";
import { InputError, MachineError } from "../../src/config/errors.ts";
import { placed } from "../../src/i3/context.ts";

const anything = fc.string({ unit: "binary", maxLength: 5000 });

test("whatever a damaged file calls its keys, an error is one line, not too long, that says where", () => {
  fc.assert(
    fc.property(anything, anything, (name, folder) => {
      const error = placed(
        `${folder}/alert.json`,
        placed("frame 1", new InputError(`key "${name}" is empty at byte 12 of 34`)),
      );
      const { message } = error as InputError;
      expect(message.split("\n").length).toBe(1);
      expect(message.length).toBeLessThanOrEqual(2002);
      expect(message).toEndWith("is empty at byte 12 of 34");
    }),
  );
});

test("a plain message stands as it is", () => {
  expect(new MachineError("no tables at /data").message).toBe("no tables at /data");
});
