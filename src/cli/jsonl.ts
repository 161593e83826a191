import { createInterface } from "node:readline";
import * as v from "valibot";
import { InputError } from "../config/errors.ts";
import { parseJson } from "../config/json.ts";
import { printable } from "../config/print.ts";

/**
 * JSON values of the standard input, one a line; empty lines are skipped.
 * Throws InputError with the number of the first line that is not what `schema` asks for.
 */
export async function* readJsonLines<Schema extends v.GenericSchema>(
  schema: Schema,
  input: NodeJS.ReadableStream = process.stdin,
): AsyncGenerator<v.InferOutput<Schema>> {
  let number = 0;
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    number++;
    if (line.trim() === "") continue;
    yield parseLine(schema, line, number);
  }
}

function parseLine<Schema extends v.GenericSchema>(
  schema: Schema,
  line: string,
  number: number,
): v.InferOutput<Schema> {
  let value: unknown;
  try {
    value = parseJson(line);
  } catch (cause) {
    throw new InputError(`line ${number} of the input is not JSON: ${line.slice(0, 60)}`, {
      cause,
    });
  }
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const where = v.getDotPath(issue);
  throw new InputError(
    `line ${number} of the input${where ? `, "${where}"` : ""}: expected ${issue.expected}, received ${issue.received}`,
  );
}

/**
 * Writes one line of JSON to the standard output and waits until it is on its way.
 * Where that fails the program ends: the output's own error handler sees to it.
 */
export const writeJsonLine = (value: unknown): Promise<void> =>
  new Promise((resolve) => {
    process.stdout.write(`${printable(JSON.stringify(value))}\n`, (error) => {
      if (!error) resolve();
    });
  });
