/** A night at the desk: the program as a user starts it, its page in a browser, an alert from drop to download. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { forward } from "../../src/page/map/view.ts";
import { readNpz } from "../../src/result/npz.ts";
import { bestFit, type SkyScanResult } from "../../src/result/result.ts";
import { pixelCentre } from "../../src/sky/healpix.ts";
import {
  freePort,
  mapIn,
  type Running,
  simulatedEvent,
  skyscan,
  stopAll,
  temporaryDirectory,
  until,
} from "../programs.ts";
import { hasChromium, launch, type Watched, watchedPage } from "./chromium.ts";

const degree = Math.PI / 180;
/** Small, but of three stages. */
const nsides = ["2:0", "8:4", "32:6"];
/** Which algorithm fits is nothing to the page: one that takes a known time, and whose values the seed decides. */
const reco = "dummy";
const env = { SKYSCAN_DUMMY_SECONDS: "0.01,0.02" };

describe.skipIf(!hasChromium)("the desk's page, from an alert to its map", () => {
  const folder = temporaryDirectory();
  let browser: Browser;
  let watched: Watched;
  let page: Page;
  let desk: Running;
  let port: number;
  let address: string;
  /** The same map by `skyscan scan`. */
  let expected: SkyScanResult;

  const serve = async () => {
    desk = skyscan(
      [
        ...["serve", "--port", port, "--data", join(folder, "desk"), "--workers", 2],
        ...["--reco-algo", reco, "--nsides", ...nsides],
      ],
      env,
    );
    await until("the desk to listen", () =>
      fetch(`${address}healthz`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
  };
  const says = (selector: string, wanted: string | RegExp) =>
    page.locator(selector).filter({ hasText: wanted }).first().waitFor({ timeout: 30_000 });
  /** Failed attempts to connect are console errors of the browser's own. */
  const forgiveSilence = () => {
    const others = watched.complaints.filter(
      (text) => !/ERR_|Failed to (load|fetch)|network/i.test(text),
    );
    watched.complaints.splice(0, Number.POSITIVE_INFINITY, ...others);
  };

  beforeAll(async () => {
    port = await freePort();
    address = `http://127.0.0.1:${port}/`;
    const output = join(folder, "cli");
    mkdirSync(output);
    const { code, stderr } = await skyscan(
      [
        ...["scan", simulatedEvent, "--reco-algo", reco, "--nsides", ...nsides, "--seed", 0],
        ...["--workers", 2, "--output-dir", output, "--cache-dir", join(folder, "cache")],
      ],
      env,
    ).exited;
    if (code !== 0) throw new Error(stderr);
    expected = readNpz(mapIn(output), "cli");
    await serve();
    browser = await launch();
    watched = await watchedPage(browser, address, { acceptDownloads: true });
    page = watched.page;
    await page.goto(address);
  }, 180_000);

  afterAll(async () => {
    await browser?.close();
    await stopAll();
    rmSync(folder, { recursive: true, force: true });
  });

  test("before the first alert it says how to give it one", async () => {
    await says("h1", "No alert yet.");
    await says("main", "2 workers ready");
  });

  test("what is no alert is refused in words", async () => {
    await page.setInputFiles("#file", {
      name: "a.png",
      mimeType: "image/png",
      buffer: Buffer.from("\x89PNG\r\n\x1a\n"),
    });
    await says(".message.bad", /\w+/);
    expect(await page.locator(".message.bad span").textContent()).not.toContain("answered 4");
    await page.keyboard.press("Escape");
    forgiveSilence();
  });

  test("a dropped alert has a row at once, and its pixels appear", async () => {
    const content = readFileSync(simulatedEvent).toString("base64");
    await page.evaluate((base64) => {
      const files = new DataTransfer();
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      files.items.add(new File([bytes], "simulated_muon.json"));
      document.body.dispatchEvent(
        new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true }),
      );
    }, content);
    await says(".card-title b", "Run 1");
    await says(".direction b", /\d\.\d\d°/);
    await says(".stage", /nside 2/);
  });

  test("a reload in the middle goes on with the same scan", async () => {
    await page.reload();
    await says("h1", "Run 1");
    await says(".direction b", /\d\.\d\d°/);
  });

  test("the desk may be killed and started again while the page stays", async () => {
    desk.process.kill("SIGKILL");
    await desk.exited;
    await says(".lost-bar", "No news from the desk");
    await says(".direction b", /\d\.\d\d°/);
    await serve();
    await page.locator(".lost-bar").waitFor({ state: "detached", timeout: 60_000 });
    await says(".time-left", "done in");
    await says(".answer h2", `Best fit ${reco}`);
    forgiveSilence();
  }, 180_000);

  test("pixel by pixel it shows the map that `skyscan scan` makes", async () => {
    const best = bestFit(expected)!;
    const centre = pixelCentre(best.nside, best.pixel);
    const at = [centre.ra / degree, centre.dec / degree, 30] as const;
    const event = new URL(page.url()).pathname;
    await page.goto(
      `${address}${event.slice(1)}?at=${at.map((value) => value.toFixed(3)).join(",")}`,
    );
    await says(".time-left", "done in");
    const box = (await page.locator("canvas.lines").boundingBox())!;
    const view = {
      kind: "local",
      ra: Number(at[0].toFixed(3)) * degree,
      dec: Number(at[1].toFixed(3)) * degree,
      field: at[2] * degree,
    } as const;
    const place = forward(view, box);
    let looked = 0;
    for (const { nside, pixel, llh } of expected.nsides.get(32)!.filter((_, i) => i % 12 === 0)) {
      const [x, y] = place(pixelCentre(nside, pixel))!;
      // Controls lie over the map's upper and lower parts.
      if (x < 10 || y < 60 || x > box.width - 60 || y > box.height - 200) continue;
      await page.mouse.move(box.x + x, box.y + y);
      await says(".hover-card", `nside ${nside} · ${pixel}`);
      const shown = await page.locator(".hover-card .large").textContent();
      const delta = 2 * (llh - best.llh);
      // Two decimals, of differences sent as f32.
      expect(Math.abs(Number(shown!.replace(/\s/g, "")) - delta)).toBeLessThan(
        delta < 99 ? 0.0051 : 0.51,
      );
      looked++;
    }
    expect(looked).toBeGreaterThan(3);
  }, 120_000);

  test("its file is the map that `skyscan scan` makes", async () => {
    await page.locator(".more-files summary").click();
    const waiting = page.waitForEvent("download");
    await page.locator(".more-files a", { hasText: /\.npz$/ }).click();
    const path = await (await waiting).path();
    const found = readNpz(readFileSync(path), path);
    for (const [nside, pixels] of expected.nsides) expect(found.nsides.get(nside)).toEqual(pixels);
  });

  test("the map for others is FITS", async () => {
    const waiting = page.waitForEvent("download", { timeout: 60_000 });
    await page.locator("a.main-file").click();
    const path = await (await waiting).path();
    const bytes = readFileSync(path);
    const fits = bytes[0] === 0x1f ? Buffer.from(Bun.gunzipSync(bytes)) : bytes;
    expect(fits.subarray(0, 30).toString("latin1")).toBe("SIMPLE  =                    T");
    expect(fits.toString("latin1")).toContain("PROBDENSITY");
  }, 90_000);

  test("a rescan is one more map of the event; cancelled, it says so and keeps what was fitted", async () => {
    await page.getByRole("button", { name: "Rescan…" }).click();
    await page.locator("dialog input").fill("2:0 8:4 32:48");
    await page.locator("dialog").getByRole("button", { name: "Scan" }).click();
    await page.locator("dialog").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Cancel" }).click();
    await says(".time-left", "cancelled");
    await says(".card .scan-line.done", reco);
  }, 120_000);

  test("nsides that make no sense are refused with the reason", async () => {
    await page.getByRole("button", { name: "Rescan…" }).click();
    await page.locator("dialog input").fill("500:0");
    await page.locator("dialog").getByRole("button", { name: "Scan" }).click();
    await says("dialog .refusal", /500/);
    await page.keyboard.press("Escape");
    await page.locator("dialog").waitFor({ state: "detached" });
    forgiveSilence();
  });

  test("nothing went wrong meanwhile, and nobody else was asked", () => {
    expect(watched.complaints).toEqual([]);
  });
});
