import { readFile, stat } from "node:fs/promises";
import { type NpyArray, parse } from "npyjs";
import { InputError } from "../config/errors.ts";

/** Larger files are refused before they are read: ten million points of six numbers are half of this. */
const LARGEST_FILE = 2 ** 30;
/** numpy's kinds of numbers; not complex ones, booleans or text. */
const NUMBERS = /^([iu][1248]|f[248])$/;

/**
 * The rows of a two-dimensional array of numbers, as numpy.save writes it, in C or Fortran order.
 * @param columns how many there may be
 * @throws InputError naming the file for anything else
 */
export async function readNumberTable(
  path: string,
  columns: readonly number[],
): Promise<number[][]> {
  const { data, shape, dtype, fortranOrder } = await readArray(path);
  const expected = `expected N × ${columns.join(" or ")} numbers`;
  if (!NUMBERS.test(dtype)) throw new InputError(`${path}: values of type ${dtype}; ${expected}`);
  const [rows, width] = shape;
  if (shape.length !== 2 || !columns.includes(width!) || !Number.isSafeInteger(rows))
    throw new InputError(`${path}: an array of shape (${shape.join(", ")}); ${expected}`);
  // npyjs takes the shape on trust
  const values = data as unknown as ArrayLike<number | bigint>;
  if (values.length !== rows! * width!)
    throw new InputError(
      `${path}: holds ${values.length} numbers; its shape (${shape.join(", ")}) needs ${rows! * width!}`,
    );
  const at = (row: number, column: number) =>
    Number(values[fortranOrder ? column * rows! + row : row * width! + column]);
  return Array.from({ length: rows! }, (_, row) =>
    Array.from({ length: width! }, (_, column) => at(row, column)),
  );
}

async function readArray(path: string): Promise<NpyArray> {
  let bytes: Buffer;
  try {
    const { size } = await stat(path);
    if (size > LARGEST_FILE)
      throw new InputError(`${path}: larger than ${LARGEST_FILE / 2 ** 20} MiB`);
    bytes = await readFile(path);
  } catch (error) {
    if (error instanceof InputError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new InputError(
      code === "ENOENT" ? `${path}: no such file` : `${path}: cannot be read: ${message}`,
    );
  }
  try {
    // a copy of its own: npyjs reads to the end of the buffer it is given
    return parse(new Uint8Array(bytes).buffer);
  } catch (error) {
    throw new InputError(
      `${path}: no .npy array of numbers: ${error instanceof Error ? error.message : error}`,
    );
  }
}
