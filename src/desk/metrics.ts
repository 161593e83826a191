// The desk's figures in Prometheus' text format.
import type { Desk } from "./desk.ts";

interface Metric {
  readonly name: string;
  readonly kind: "gauge" | "counter";
  readonly help: string;
  readonly samples: readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[];
}

/** https://prometheus.io/docs/instrumenting/exposition_formats/: what has to be escaped, and where. */
const labelText = (text: string): string =>
  text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
const helpText = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");

export function metricsText(metrics: readonly Metric[]): string {
  return metrics
    .map(({ name, kind, help, samples }) =>
      [
        `# HELP ${name} ${helpText(help)}`,
        `# TYPE ${name} ${kind}`,
        ...samples.map(([labels, value]) => `${name}${labelsText(labels)} ${value}`),
        "",
      ].join("\n"),
    )
    .join("");
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  const entries = Object.entries(labels);
  if (entries.length === 0) return "";
  return `{${entries.map(([name, value]) => `${name}="${labelText(value)}"`).join(",")}}`;
}

/** @param version of the program */
export function metricsOf(desk: Desk, version: string): Metric[] {
  const { pool, counts, archive } = desk;
  const gauge = (name: string, help: string, value: number): Metric => ({
    ...{ name: `skyscan_${name}`, kind: "gauge", help },
    samples: [[{}, value]],
  });
  return [
    {
      ...{ name: "skyscan_info", kind: "gauge", help: "The program's version." },
      samples: [[{ version }, 1]],
    },
    {
      ...{ name: "skyscan_scans", kind: "gauge", help: "Scans by their state." },
      samples: Object.entries(archive.countByState()).map(([state, value]) => [{ state }, value]),
    },
    gauge("scans_stuck", "Running scans without a result for too long.", counts.stuck),
    gauge("clients", "Clients of the pool.", pool.size),
    gauge("workers", "Fits at a time the pool can do.", pool.workers),
    gauge("workers_busy", "Those of them that were sent to a scan.", pool.busy),
    gauge("fits_per_second", "Of all scans, lately.", desk.rate),
    gauge("streams", "Pages and scripts that listen.", desk.subscribers.size),
    {
      ...{ name: "skyscan_fits_total", kind: "counter", help: "Results since the desk's start." },
      samples: [[{}, desk.fits]],
    },
    {
      name: "skyscan_scans_ended_total",
      ...{ kind: "counter", help: "Scans that ended since the desk's start, by how." },
      samples: Object.entries(desk.ended).map(([state, value]) => [{ state }, value]),
    },
  ];
}
