// The desk's ways in, with programs of others: TLS for curl and a browser, nginx before it, systemd's own check.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Deployment } from "kubernetes-models/apps/v1";
import { Job } from "kubernetes-models/batch/v1";
import { PersistentVolumeClaim, Service } from "kubernetes-models/v1";
import type { Browser } from "playwright-core";
import { makeCertificate } from "../certificate.ts";
import { json, listened } from "../desk/service.ts";
import { testFolder } from "../folder.ts";
import { hasChromium, launch, watchedPage } from "../page/chromium.ts";
import { freePort, simulatedEvent, skyscan, start, until } from "../programs.ts";

const nginx = ["/usr/sbin/nginx", "/usr/local/sbin/nginx"].find(existsSync);
const hasCurl = spawnSync("curl", ["--version"]).status === 0;
const hasSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0;
if (nginx === undefined) console.warn("skipped, needs nginx: the desk behind a proxy");
if (!hasCurl) console.warn("skipped, needs curl: the desk's TLS");
if (!hasSystemd) console.warn("skipped, needs systemd-analyze: the desk's unit");

const scripts = resolve(import.meta.dir, "../../scripts");
const folder = testFolder();
const path = (...names: string[]) => join(folder, ...names);
const token = "a-token-of-the-tests-own";
const certificate = ["--cert", path("b.pem"), "--key", path("b.key")];
const bearer = { authorization: `Bearer ${token}` };

/** What clients of a desk with a certificate trust. */
let tls: { ca: string };
let browser: Browser | undefined;

/** Starts a desk, and waits for it. @param base where it is asked for itself */
async function serve(name: string, base: string, args: readonly (string | number)[]) {
  const port = await freePort();
  const desk = skyscan(
    [
      ...["serve", "--data", path(name), "--port", port, "--workers", 1, "--reco-algo", "dummy"],
      ...["--nsides", "2:0", "--auth-token-file", path("token"), ...args],
    ],
    { SKYSCAN_DUMMY_SECONDS: "0.005,0.01" },
  );
  const address = base.replace("PORT", `${port}`);
  await until("the desk", async () => {
    if (desk.process.exitCode !== null) throw new Error((await desk.exited).stderr);
    return await fetch(`${address}healthz`, { tls }).then(
      ({ ok }) => ok,
      () => false,
    );
  });
  return { port, address };
}

/** Asks for everything a browser asks for, from the token to the end of a scan. */
async function watchScan(address: string): Promise<void> {
  const { page, complaints } = await watchedPage(browser!, address);
  await page.goto(address);
  await page.getByLabel("Token", { exact: true }).fill(token);
  await page.keyboard.press("Enter");
  await page.locator("h1", { hasText: "No alert yet." }).waitFor();
  const [cookie] = await page.context().cookies();
  expect(cookie).toMatchObject({ httpOnly: true, secure: true, sameSite: "Strict" });
  expect(cookie!.path).toBe(new URL(address).pathname);
  await page.setInputFiles("#file", simulatedEvent);
  await page.locator(".direction b").first().waitFor();
  await page.locator(".time-left", { hasText: "done in" }).waitFor();
  expect(await page.locator(".pill").getAttribute("data-state")).toBe("live");
  expect(page.url()).toStartWith(`${address}e/`);
  await page.reload();
  await page.locator(".time-left", { hasText: "done in" }).waitFor();
  // The answer that asks for the token is a console error of the browser's own.
  expect(complaints.filter((text) => !/401/.test(text))).toEqual([]);
  await page.context().close();
}

beforeAll(async () => {
  makeCertificate(folder);
  writeFileSync(path("token"), token, { mode: 0o600 });
  tls = { ca: readFileSync(path("ca.pem"), "utf8") };
  if (!hasChromium) return;
  const { publicKey } = new X509Certificate(readFileSync(path("b.pem")));
  const key = publicKey.export({ type: "spki", format: "der" });
  // The one key the browser takes without its authority: of others it complains as ever.
  const known = createHash("sha256").update(key).digest("base64");
  browser = await launch([`--ignore-certificate-errors-spki-list=${known}`]);
}, 60_000);

afterAll(async () => {
  await browser?.close();
});

describe("a desk with a certificate", () => {
  let address: string;
  let port: number;
  beforeAll(async () => {
    ({ address, port } = await serve("tls", "https://localhost:PORT/", certificate));
  }, 60_000);

  test.skipIf(!hasCurl)(
    "curl trusts it by its authority alone, and under its name alone",
    async () => {
      const curl = (...args: string[]) =>
        start(["curl", "--silent", "--show-error", "--max-time", "20", ...args]).exited;
      const trust = ["--cacert", path("ca.pem")];
      const asked = await curl(
        ...trust,
        `${address}desk`,
        "-H",
        `authorization: ${bearer.authorization}`,
      );
      expect(JSON.parse(asked.stdout)).toMatchObject({ may_write: true });
      // 60: the peer's certificate cannot be vouched for. 52, 56: nothing comes back in the clear.
      expect((await curl(`${address}healthz`)).code).toBe(60);
      expect((await curl(...trust, `https://127.0.0.1:${port}/healthz`)).code).toBe(60);
      expect([52, 56, 1]).toContain((await curl(`http://localhost:${port}/healthz`)).code);
      const old = await curl(...trust, "--tls-max", "1.1", `${address}healthz`);
      expect(old.code).not.toBe(0);
    },
  );

  test.skipIf(!hasChromium)(
    "its page works, with a cookie for TLS alone",
    async () => {
      await watchScan(address);
    },
    60_000,
  );
});

describe.skipIf(nginx === undefined)("behind nginx, by the example", () => {
  let address: string;
  beforeAll(async () => {
    const front = await freePort();
    address = `https://localhost:${front}/desk/`;
    const { port } = await serve("proxied", "http://127.0.0.1:PORT/desk/", [
      ...["--base-path", "/desk", "--trust-proxy"],
    ]);
    // The example as it is, but for the port; around it what a machine of its own has.
    const example = readFileSync(join(scripts, "proxy/nginx.conf"), "utf8");
    expect(example).toContain("http://127.0.0.1:8080;");
    writeFileSync(path("desk.conf"), example.replace(":8080;", `:${port};`));
    mkdirSync(path("nginx"));
    writeFileSync(
      path("nginx.conf"),
      `daemon off; master_process off; pid ${path("nginx/pid")}; error_log stderr;
events {}
http {
  access_log off;
  ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${path("nginx", name)};`).join(" ")}
  server {
    listen 127.0.0.1:${front} ssl;
    server_name localhost;
    ssl_certificate ${path("b.pem")};
    ssl_certificate_key ${path("b.key")};
    include ${path("desk.conf")};
  }
}
`,
    );
    const proxy = start([nginx!, "-p", path("nginx"), "-c", path("nginx.conf")]);
    await until("nginx", async () => {
      if (proxy.process.exitCode !== null) throw new Error((await proxy.exited).stderr);
      return await fetch(`${address}healthz`, { tls }).then(
        ({ ok }) => ok,
        () => false,
      );
    });
  }, 60_000);

  const ask = (name: string, init: RequestInit = {}) =>
    fetch(new URL(name, address), { tls, ...init, headers: { ...bearer, ...init.headers } });
  const post = (body: string) =>
    ask("scan", { method: "POST", headers: { "content-type": "application/json" }, body });

  test.skipIf(!hasChromium)(
    "the page works below its path, over the proxy's TLS",
    async () => {
      await watchScan(address);
    },
    60_000,
  );

  test("events come as they happen, and a scan's pixels with them", async () => {
    const base64 = readFileSync(simulatedEvent).toString("base64");
    const stream = await ask("events");
    const heard: string[] = [];
    let posted: string | undefined;
    for await (const { event, data } of listened(stream)) {
      if (event === "hello")
        posted = (
          await json(
            await post(JSON.stringify({ event_file: { name: "a.json", base64 }, again: true })),
          )
        ).scan_id;
      if (event !== "scan" || data.row.id !== posted) continue;
      heard.push(data.row.state);
      if (data.row.state === "done") break;
    }
    // Held back until its end, the stream would have told of nothing.
    expect(heard).toContain("running");
  }, 60_000);

  test("an alert of 60 MB comes through, what is larger is refused by words of ours or the proxy's 413", async () => {
    const body = (bytes: number) =>
      JSON.stringify({ event_file: { name: "a.pkl", base64: "A".repeat((bytes * 4) / 3) } });
    const large = await post(body(60e6));
    expect([large.status, (await json(large)).error]).toEqual([
      400,
      expect.stringMatching(/alert/),
    ]);
    expect((await post(body(75e6))).status).toBe(413);
  }, 60_000);

  test("limits of streams count by who came, not by the proxy", async () => {
    const open = await Promise.all(Array.from({ length: 9 }, () => ask("events")));
    expect(open.map(({ status }) => status).sort()).toEqual([...Array(8).fill(200), 503]);
    await Promise.all(open.map(({ body }) => body?.cancel()));
  });
});

test.skipIf(!hasSystemd)(
  "systemd finds nothing to say of the unit",
  async () => {
    const unit = readFileSync(join(scripts, "systemd/skyscan.service"), "utf8");
    // The program is not installed here; everything else is as it is.
    writeFileSync(
      path("skyscan.service"),
      unit.replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`),
    );
    const { code, stderr } = await start([
      ...[
        "systemd-analyze",
        "verify",
        "--man=no",
        "--recursive-errors=no",
        path("skyscan.service"),
      ],
    ]).exited;
    expect([code, stderr]).toEqual([0, ""]);
    // The flags it starts the desk with are the desk's.
    const [, ...args] = /^ExecStart=(.*)$/m.exec(unit)![1]!.split(" ");
    const { stdout } = await skyscan(["serve", "--help"]).exited;
    for (const flag of args.filter((word) => word.startsWith("--"))) expect(stdout).toContain(flag);
  },
  60_000,
);

test("Kubernetes' files are what its API takes", () => {
  const kinds = { Deployment, Job, PersistentVolumeClaim, Service };
  const seen: string[] = [];
  for (const file of new Bun.Glob("*.yaml").scanSync(join(scripts, "kubernetes"))) {
    const parsed = Bun.YAML.parse(readFileSync(join(scripts, "kubernetes", file), "utf8"));
    for (const document of [parsed].flat() as { kind: keyof typeof kinds; apiVersion: string }[]) {
      seen.push(`${document.apiVersion} ${document.kind}`);
      const Kind = kinds[document.kind] as unknown as new (data: object) => { validate(): void };
      new Kind(document).validate();
      // The schema is that of one version of one kind.
      expect<object>(new Kind({})).toMatchObject({ apiVersion: document.apiVersion });
    }
  }
  expect(seen.sort()).toEqual([
    ...["apps/v1 Deployment", "batch/v1 Job", "v1 PersistentVolumeClaim", "v1 Service"],
  ]);
  expect(() => new Service({ spec: { ports: [{ port: "80" as never }] } }).validate()).toThrow();
});

test("Kubernetes' file starts a desk there is: its flags, its token, its folders, its health", async () => {
  const text = readFileSync(join(scripts, "kubernetes/desk.yaml"), "utf8");
  // biome-ignore lint/suspicious/noExplicitAny: three kinds of documents, looked into as they are
  const documents = Bun.YAML.parse(text) as any[];
  const kinds = Object.fromEntries(documents.map((document) => [document.kind, document]));
  expect(Object.keys(kinds)).toEqual(["PersistentVolumeClaim", "Deployment", "Service"]);
  const { spec } = kinds.Deployment;
  const [{ command, args, env, ports, volumeMounts, ...container }] = spec.template.spec.containers;
  const { stdout } = await skyscan(["serve", "--help"]).exited;
  expect(command).toEqual(["skyscan", "serve"]);
  for (const argument of args) expect(stdout).toContain(argument.split("=")[0]);
  for (const { name } of env) expect(stdout).toContain(name);
  const given = (flag: string) =>
    args.find((word: string) => word.startsWith(`${flag}=`))?.slice(flag.length + 1);
  const port = Number(given("--port"));
  expect(ports).toEqual([{ containerPort: port }]);
  for (const probe of ["livenessProbe", "readinessProbe"])
    expect(container[probe].httpGet).toEqual({ path: "/healthz", port });
  expect(kinds.Service.spec.ports[0].targetPort).toBe(port);
  const labels = spec.template.metadata.labels;
  for (const selector of [spec.selector.matchLabels, kinds.Service.spec.selector])
    expect(selector).toEqual(labels);
  const volumes = Object.fromEntries(
    // biome-ignore lint/suspicious/noExplicitAny: as above
    spec.template.spec.volumes.map((volume: any) => [volume.name, volume]),
  );
  const mounted = (path: string) =>
    volumes[
      volumeMounts.find(({ mountPath }: { mountPath: string }) => path.startsWith(mountPath)).name
    ];
  expect(mounted(given("--data")).persistentVolumeClaim.claimName).toBe(
    kinds.PersistentVolumeClaim.metadata.name,
  );
  expect(mounted(env[0].value).secret).toBeDefined();
  // The file system is read-only: there must be somewhere to unpack the core.
  expect(mounted("/tmp").emptyDir).toEqual({});
  expect(Object.keys(volumes).length).toBe(volumeMounts.length);
  // One desk, one folder.
  expect([spec.replicas, spec.strategy.type]).toEqual([1, "Recreate"]);
}, 60_000);
