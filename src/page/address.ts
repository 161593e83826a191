/** What the page shows, as its address says it: any state can be sent to somebody, and survives a reload. */

export type Mode = "one" | "blink" | "side" | "diff";
export type Panel = "map" | "numbers" | "event" | "files" | "log";

export const panels: readonly Panel[] = ["map", "numbers", "event", "files", "log"];

export interface Address {
  /** RUN.EVENT, or an alert's id as long as its event is not known; undefined: the newest. */
  readonly event?: string;
  /** The scans shown, and what the first is compared with. */
  readonly a?: string;
  readonly b?: string;
  readonly mode: Mode;
  readonly panel: Panel;
  /** Centre and field, degrees; undefined: to the contours. */
  readonly at?: readonly [number, number, number];
  readonly view: "local" | "sky";
  /** NSIDE.I of the pixel whose fits are shown. */
  readonly pixel?: string;
  /** What runs where is shown, over the newest alert. */
  readonly isQueue?: true;
}

/** @param path below the desk's base, without a leading slash */
export function parseAddress(path: string, query: string): Address {
  const q = new URLSearchParams(query);
  const one = <T extends string>(name: string, known: readonly T[], otherwise: T): T => {
    const value = q.get(name) as T;
    return known.includes(value) ? value : otherwise;
  };
  const optional = (name: string, pattern: RegExp) => {
    const value = q.get(name);
    return value !== null && pattern.test(value) ? value : undefined;
  };
  const at = q.get("at")?.split(",").map(Number);
  const event = /^e\/([\w.-]{1,100})$/.exec(path)?.[1];
  return defined({
    event,
    isQueue: path === "queue" ? true : undefined,
    a: optional("a", /^[\w-]{1,64}$/),
    b: optional("b", /^[\w-]{1,64}$/),
    mode: one<Mode>("mode", ["one", "blink", "side", "diff"], "one"),
    panel: one<Panel>("panel", panels, "map"),
    view: one<"local" | "sky">("view", ["local", "sky"], "local"),
    pixel: optional("pixel", /^\d{1,5}\.\d{1,12}$/),
    at:
      at?.length === 3 && at.every(Number.isFinite) && Math.abs(at[1]!) <= 90 && at[2]! > 0
        ? ([at[0]!, at[1]!, at[2]!] as const)
        : undefined,
  });
}

/** Path and query below the desk's base. */
export function addressText(address: Address): string {
  const path = address.isQueue ? "queue" : address.event ? `e/${address.event}` : "";
  const q = new URLSearchParams();
  for (const name of ["a", "b", "pixel"] as const) if (address[name]) q.set(name, address[name]);
  if (address.mode !== "one") q.set("mode", address.mode);
  if (address.panel !== "map") q.set("panel", address.panel);
  if (address.view !== "local") q.set("view", address.view);
  const [ra, dec, field] = address.at ?? [];
  let query = q.toString();
  if (ra !== undefined)
    query += `${query ? "&" : ""}at=${ra.toFixed(3)},${dec!.toFixed(3)},${field!.toFixed(2)}`;
  return path + (query ? `?${query}` : "");
}

/** Without the members that are undefined. */
function defined(address: { readonly [K in keyof Address]: Address[K] | undefined }): Address {
  return Object.fromEntries(
    Object.entries(address).filter(([, value]) => value !== undefined),
  ) as unknown as Address;
}
