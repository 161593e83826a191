#!/usr/bin/env bun
/**
 * Makes dist/skyscan-VERSION-linux-x86_64.tar.gz and its SHA-256: the executable, scripts, completions, manual page,
 * licences. The same sources give the same bytes: the time in it is the newest commit's, or SOURCE_DATE_EPOCH.
 */
import { chmodSync, cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { version } from "../../package.json";
import { completionsFor, shells } from "../../src/cli/completions.ts";
import { program } from "../../src/cli/main.ts";
import { outlineOf } from "../../src/cli/outline.ts";
import { partsInside } from "./licences.ts";
import { manualPage } from "./manual.ts";

const repository = resolve(import.meta.dir, "../..");
const name = `skyscan-${version}-linux-x86_64`;
/** Folders of scripts/ that users need; the others are for whoever builds. */
const shipped = [
  ...["condor", "container", "kubernetes", "launch_scripts", "mosquitto", "proxy", "slurm"],
  "systemd",
];
const completionFile = { bash: "skyscan.bash", zsh: "_skyscan", fish: "skyscan.fish" } as const;

function run(command: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  const { success, stdout, stderr } = Bun.spawnSync([...command], {
    cwd: repository,
    env: { ...process.env, ...env },
  });
  if (!success) throw new Error(`${command.join(" ")}: ${stderr}`);
  return stdout.toString();
}

const epoch = process.env.SOURCE_DATE_EPOCH || run(["git", "log", "-1", "--format=%ct"]).trim();
const date = new Date(1000 * Number(epoch)).toISOString().slice(0, 10);
const root = join(repository, "build/release", name);
rmSync(root, { recursive: true, force: true });
const at = (...path: string[]) => join(root, ...path);
for (const folder of ["bin", "share/man/man1", "share/completions", "share/doc", "licences"])
  mkdirSync(at(folder), { recursive: true });

cpSync(join(repository, "dist/skyscan"), at("bin/skyscan"));
for (const folder of shipped)
  cpSync(join(repository, "scripts", folder), at("scripts", folder), { recursive: true });
for (const file of ["README.md", "CHANGELOG.md", "LICENSE"])
  cpSync(join(repository, file), at(file));
cpSync(join(repository, "src/docs"), at("share/doc"), {
  recursive: true,
  filter: (path) => !path.endsWith(".ts"),
});

const outline = outlineOf(await program());
for (const shell of shells)
  writeFileSync(at("share/completions", completionFile[shell]), completionsFor(shell, outline));
writeFileSync(at("share/man/man1/skyscan.1"), manualPage(outline, version, date));

const parts = partsInside(repository);
for (const part of parts)
  writeFileSync(
    at(
      "licences",
      `${part.name.replaceAll("/", "-")}-${part.version.replaceAll(/[^\w.+~-]/g, "_")}.txt`,
    ),
    part.text,
  );
cpSync(join(repository, "src/plot/font/LICENSE"), at("licences/DejaVu-fonts.txt"), { force: true });
writeFileSync(
  at("licences/VERSIONS"),
  parts.map((part) => `${part.name}\t${part.version}\t${part.licence}\n`).join(""),
);
chmodSync(at("bin/skyscan"), 0o755);

const tarball = join(repository, "dist", `${name}.tar.gz`);
run([
  ...["sh", "-c"],
  `tar --sort=name --format=gnu --mtime=@${epoch} --owner=0 --group=0 --numeric-owner --mode=go=rX,u+rw,a-s \
    -C build/release -c ${name} | gzip -n -6 > ${tarball}`,
]);
const digest = new Bun.CryptoHasher("sha256").update(await Bun.file(tarball).bytes()).digest("hex");
writeFileSync(`${tarball}.sha256`, `${digest}  ${name}.tar.gz\n`);
process.stdout.write(`dist/${name}.tar.gz\n${digest}\n`);
process.exit();
