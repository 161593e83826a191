// SkyDriver's MongoDB-style filters as SQL over the desk's scans. What is not translated is refused by its name.
import { ProblemError } from "./problem.ts";

/** A condition of our own making, with ? for what came from outside. */
export interface SqlCondition {
  readonly sql: string;
  readonly values: readonly (string | number)[];
}

/**
 * The fields of SkyDriver's manifest that can be asked for, as SQL makes them of the desk's table: by its name, since
 * json_each has columns of its own.
 */
const fields: Readonly<Record<string, string>> = {
  scan_id: "scan.id",
  timestamp: "scan.created",
  last_updated: "scan.changed",
  is_deleted: `json(CASE WHEN scan.isDeleted OR scan.state = 'cancelled' THEN 'true' ELSE 'false' END)`,
  priority: "scan.priority",
  i3_event_id: "scan.alert",
  replaced_by_scan_id: "scan.replacedBy",
  ewms_workflow_id: "CASE WHEN scan.started IS NULL THEN 'not-yet-requested' ELSE scan.id END",
  classifiers: "json(scan.classifiers)",
  event_metadata: `json_object('run_id', scan.event -> '$.run', 'event_id', scan.event -> '$.id',
    'event_type', scan.event ->> '$.type', 'mjd', scan.event -> '$.mjd', 'is_real_event', scan.event -> '$.is_real')`,
};

/** The manifest as far as it can be asked for. */
const manifest = `json_object(${Object.entries(fields)
  .map(([name, expression]) => `'${name}', ${expression}`)
  .join(", ")})`;

/** A filter of more conditions than these is no person's. */
const mostConditions = 200;

const comparisons: Readonly<Record<string, string>> = {
  ...{ $gt: ">", $gte: ">=", $lt: "<", $lte: "<=" },
};

/** Throws ProblemError naming what cannot be translated. */
export function filterToSql(filter: unknown): SqlCondition {
  return new Translation().document(filter);
}

class Translation {
  #conditions = 0;

  document(filter: unknown): SqlCondition {
    if (!isDocument(filter)) throw new ProblemError(400, "filter: expected an object.");
    return all(
      Object.entries(filter).map(([name, value]) =>
        name.startsWith("$") ? this.#combination(name, value) : this.#field(name, value),
      ),
    );
  }

  #combination(operator: string, value: unknown): SqlCondition {
    if (operator !== "$and" && operator !== "$or" && operator !== "$nor") throw refused(operator);
    if (!Array.isArray(value) || value.length === 0)
      throw new ProblemError(400, `filter: ${operator} expects a list of filters.`);
    const parts = value.map((part) => this.document(part));
    if (operator === "$and") return all(parts);
    return operator === "$or" ? any(parts) : not(any(parts));
  }

  #field(name: string, value: unknown): SqlCondition {
    this.#conditions++;
    if (this.#conditions > mostConditions)
      throw new ProblemError(400, `filter: more than ${mostConditions} conditions.`);
    const path = pathOf(name);
    if (!isDocument(value)) return equals(path, value);
    const operators = Object.entries(value);
    const isPlain = operators.length === 0 || operators.some(([key]) => !key.startsWith("$"));
    if (isPlain) throw new ProblemError(400, `filter: ${name}: objects are not compared.`);
    return all(operators.map(([operator, operand]) => this.#operation(path, operator, operand)));
  }

  #operation(path: string, operator: string, operand: unknown): SqlCondition {
    const comparison = comparisons[operator];
    if (comparison !== undefined) return compares(path, comparison, operator, operand);
    switch (operator) {
      case "$eq":
        return equals(path, operand);
      case "$ne":
        return not(equals(path, operand));
      case "$in":
        return any(listOf(operator, operand).map((value) => equals(path, value)));
      case "$nin":
        return not(any(listOf(operator, operand).map((value) => equals(path, value))));
      case "$exists": {
        const exists = { sql: `json_type(${manifest}, ?) IS NOT NULL`, values: [path] };
        return operand ? exists : not(exists);
      }
      case "$not":
        if (!isDocument(operand)) throw new ProblemError(400, "filter: $not expects operators.");
        return not(
          all(Object.entries(operand).map(([inner, value]) => this.#operation(path, inner, value))),
        );
      default:
        throw refused(operator);
    }
  }
}

const refused = (operator: string): ProblemError =>
  new ProblemError(
    400,
    `filter: ${operator.slice(0, 40)} is not translated; expected $eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $exists, $not, $and, $or, $nor.`,
  );

const isDocument = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function listOf(operator: string, operand: unknown): unknown[] {
  if (Array.isArray(operand) && operand.length <= mostConditions) return operand;
  throw new ProblemError(400, `filter: ${operator} expects a list of up to ${mostConditions}.`);
}

/** "event_metadata.run_id" as a path in the manifest. Throws ProblemError for a field there is none of. */
function pathOf(name: string): string {
  const parts = name.split(".");
  const isKnown = Object.hasOwn(fields, parts[0]!);
  if (!isKnown || !parts.every((part) => /^[\w -]{1,64}$/.test(part)))
    throw new ProblemError(
      400,
      `filter: no field "${name.slice(0, 60)}" can be asked for; expected one of ${Object.keys(fields).join(", ")}.`,
    );
  return `$${parts.map((part) => `."${part}"`).join("")}`;
}

/** A value, or any element of a list, that fulfils something. An object's members are none. */
const someValue = (path: string, test: string, values: (string | number)[]): SqlCondition => ({
  sql: `(json_type(${manifest}, ?) != 'object' AND EXISTS (SELECT 1 FROM json_each(${manifest}, ?) AS e WHERE ${test}))`,
  values: [path, path, ...values],
});

function equals(path: string, value: unknown): SqlCondition {
  switch (typeof value) {
    case "string":
      return someValue(path, "e.type = 'text' AND e.value = ?", [value]);
    case "number":
      return someValue(path, "e.type IN ('integer', 'real') AND e.value = ?", [value]);
    case "boolean":
      return someValue(path, `e.type = '${value}'`, []);
    default:
      if (value !== null) throw new ProblemError(400, "filter: lists are not compared.");
      // What is missing counts as null.
      return any([
        someValue(path, "e.type = 'null'", []),
        { sql: `json_type(${manifest}, ?) IS NULL`, values: [path] },
      ]);
  }
}

/** Numbers are compared with numbers, texts with texts. */
function compares(path: string, sign: string, operator: string, value: unknown): SqlCondition {
  if (typeof value === "number")
    return someValue(path, `e.type IN ('integer', 'real') AND e.value ${sign} ?`, [value]);
  if (typeof value === "string")
    return someValue(path, `e.type = 'text' AND e.value ${sign} ?`, [value]);
  throw new ProblemError(400, `filter: ${operator} expects a number or a text.`);
}

const joined = (parts: readonly SqlCondition[], word: string, none: string): SqlCondition => ({
  sql: parts.length === 0 ? none : `(${parts.map(({ sql }) => sql).join(` ${word} `)})`,
  values: parts.flatMap(({ values }) => values),
});
const all = (parts: readonly SqlCondition[]): SqlCondition => joined(parts, "AND", "1");
const any = (parts: readonly SqlCondition[]): SqlCondition => joined(parts, "OR", "0");

/** What is unknown does not hold. */
const not = ({ sql, values }: SqlCondition): SqlCondition => ({
  sql: `NOT coalesce(${sql}, 0)`,
  values,
});
