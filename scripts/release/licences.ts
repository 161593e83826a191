import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What is inside of the executable, its versions, and the terms it comes under. */

export interface Part {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  /** Its licence's words. */
  readonly text: string;
}

/** Debian packages of which object code goes into the native core. */
const linked = [
  "libdlib-dev",
  "liberfa-dev",
  "libbz2-dev",
  "libboost-math-dev",
  "libstdc++-12-dev",
];

const namesLicence = /^(licen[cs]e|copying)/i;

/** The packages of node_modules that the program's dependencies lead to, and Bun, and the linked libraries. */
export function partsInside(repository: string): Part[] {
  const modules = join(repository, "node_modules");
  const seen = new Map<string, Part>();
  const read = (file: string) => JSON.parse(readFileSync(file, "utf8"));
  const visit = (name: string, from: string) => {
    const nested = join(from, "node_modules", name);
    const folder = existsSync(nested) ? nested : join(modules, name);
    if (!existsSync(folder) || seen.has(folder)) return;
    const {
      version,
      license = "see its text",
      dependencies = {},
    } = read(join(folder, "package.json"));
    const file = readdirSync(folder).find((entry) => namesLicence.test(entry));
    const text = file ? readFileSync(join(folder, file), "utf8") : `Licence: ${license}\n`;
    seen.set(folder, { name, version, licence: licenceOf(license), text });
    for (const next of Object.keys(dependencies)) visit(next, folder);
  };
  for (const name of Object.keys(read(join(repository, "package.json")).dependencies))
    visit(name, repository);
  const packages = [...seen.values()];
  return [...packages, bun(repository), ...linked.flatMap(debianPart)].sort((a, b) =>
    a.name < b.name ? -1 : 1,
  );
}

const licenceOf = (license: unknown): string =>
  typeof license === "string" ? license : ((license as { type?: string }).type ?? "see its text");

function bun(repository: string): Part {
  const folder = join(repository, ".bun/node_modules/@oven/bun-linux-x64-baseline");
  const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const text = `Bun is under the MIT licence; what it is made of, JavaScriptCore among it, under the licences named at\nhttps://bun.com/docs/project/licensing\n`;
  return { name: "bun", version, licence: license ?? "MIT", text };
}

function debianPart(name: string): Part[] {
  const shown = Bun.spawnSync(["dpkg-query", "-W", "-f", `\${Version}`, name]);
  const file = `/usr/share/doc/${name}/copyright`;
  if (!shown.success || !existsSync(file)) return [];
  const text = readFileSync(file, "utf8");
  return [{ name, version: shown.stdout.toString(), licence: "see its text", text }];
}
