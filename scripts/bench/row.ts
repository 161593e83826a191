/** A row of the benchmark: one measurement, beside the reference's where it measured the same. */

export interface Row {
  readonly what: string;
  /** The alert's run, or what else was measured on. */
  readonly on: string;
  readonly light?: string;
  /** Seconds; or another number with its unit. */
  readonly value: number;
  readonly unit?: string;
  /** Seconds of the reference for the same, and which of SOURCES says so. */
  readonly reference?: { readonly value: number; readonly source: keyof typeof SOURCES };
}

/** Where the reference's figures come from. Its machine is of the same kind as the one in the heading. */
export const SOURCES = {
  a: "user CPU time of the reference in the same fits from the same seeds, mean (`oracle/fits`, `usage`), on a machine busy with others. Idle it takes 0.15 to 0.30 s for splinempe over these alerts, 41 s for millipede_original and 69 s for millipede_wilks",
  b: "wall time of one call of the reference's likelihood at the same hypotheses, mean (`oracle/llh`), same machine as in a. Idle it takes 0.7 to 1.7 ms for splinempe; 0.36 s (5 m) and 0.67 s (2.5 m) for millipede_original, 0.08 and 0.16 s for millipede_wilks",
  c: "photospline's templated evaluator on a table of this size, idle machine, search of the knots (40 ns at least) included",
  d: "photospline's evaluations alone (c, points in cache) of what one DOM needs: two amplitudes of 4 axes, the timing of 5 axes smeared by the time resolution and for noise",
} as const;

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Three digits and a unit of time. */
function seconds(value: number): string {
  const [unit, scale] = (
    [
      ["s", 1],
      ["ms", 1e-3],
      ["µs", 1e-6],
      ["ns", 1e-9],
    ] as const
  ).find(([, scale]) => value >= 0.9995 * scale) ?? ["ns", 1e-9];
  return `${digits(value / scale)} ${unit}`;
}

const digits = (value: number): string =>
  value >= 999.5 ? value.toFixed(0) : value.toPrecision(3);

/** Rows as a table, with the sources they name below it. */
export function table(rows: readonly Row[]): string {
  const lines = rows.map(({ what, on, light, value, unit, reference }) => {
    const ours = unit ? `${digits(value)} ${unit}` : seconds(value);
    const theirs = reference ? `${seconds(reference.value)} (${reference.source})` : "";
    const ratio = reference ? `${digits(reference.value / value)}×` : "";
    return `| ${[what, on, light ?? "", ours, theirs, ratio].join(" | ")} |`;
  });
  const used = new Set(rows.map(({ reference }) => reference?.source));
  const notes = Object.entries(SOURCES)
    .filter(([source]) => used.has(source as keyof typeof SOURCES))
    .map(([source, text]) => `- (${source}) ${text}.`);
  return [
    "| what | on | light | skyscan | reference | reference / skyscan |",
    "|---|---|---|---|---|---|",
    ...lines,
    "",
    ...notes,
  ].join("\n");
}
