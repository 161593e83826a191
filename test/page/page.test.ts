/** The page in a browser, before a desk that says what the test wants it to say. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { gzipSync } from "bun";
import type { Browser, Page } from "playwright-core";
import { pageFiles } from "../../src/desk/page_files.ts";
import { pageDocuments } from "../../src/page/documents.ts";
import { until } from "../programs.ts";
import { hasChromium, launch, type Watched, watchedPage } from "./chromium.ts";
import { demoDesk } from "./demo.ts";
import type { FakeDesk } from "./fake_desk.ts";

const plain = (text: string | null) => (text ?? "").replaceAll("\u00a0", " ");
const textOf = async (page: Page, selector: string) =>
  plain(await page.locator(selector).first().textContent());

/** Waits until a text is on the page as it should be. */
async function says(page: Page, selector: string, wanted: string | RegExp): Promise<void> {
  await page.locator(selector).filter({ hasText: wanted }).first().waitFor();
}

describe.skipIf(!hasChromium)("the page", () => {
  let browser: Browser;
  let desk: FakeDesk;
  let watched: Watched;
  let page: Page;

  beforeAll(async () => {
    browser = await launch();
    desk = await demoDesk(0, 0.6);
    watched = await watchedPage(browser, desk.address);
    page = watched.page;
    await page.goto(desk.address);
    await says(page, ".area", /\d\sdeg²/);
  });
  afterAll(async () => {
    await browser?.close();
    await desk?.stop();
  });

  test("lists alerts newest first, each state by a sign and a word", async () => {
    expect(await page.locator(".card-title b").allTextContents()).toEqual([
      ...["Run 136662", "Run 138632", "Run 136766", "Run 118435"],
    ]);
    const states = await page
      .locator(".scan-line")
      .evaluateAll((lines) =>
        lines.map((line) => [
          line.querySelector(".sign")!.textContent,
          line.querySelector(".state")!.textContent.replace(/\d+/, "").trim(),
        ]),
      );
    expect(states).toEqual([
      ["●", "%"],
      ["○", "waiting"],
      ["●", "%"],
      ["✓", "done"],
      ["▲", "stuck"],
      ["✕", "failed"],
    ]);
  });

  test("answers where, how sure, how far along", async () => {
    expect(await textOf(page, ".direction b")).toMatch(/^4[78]\.\d\d°$/);
    expect(await textOf(page, ".errors")).toMatch(/^\+\d\.\d\d −\d\.\d\d \(90 %\)$/);
    expect(await textOf(page, ".answer h2")).toContain("so far · splinempe");
    expect(await textOf(page, ".honesty")).toStartWith("Not calibrated.");
    expect(await textOf(page, ".time-left")).toMatch(/left.*done \d\d:\d\d:\d\d UTC/);
    expect(await page.title()).toMatch(/^● \d+ % Run 136662/);
  });

  test("says where the direction was fitted free, and which areas are a guess so far", async () => {
    expect(await textOf(page, ".facts dl")).toMatch(
      /First direction48\.05° −3\.49° · r 0\.63° · \d\.\d\d° off/,
    );
    expect(await textOf(page, ".area b")).toMatch(/^≈ \d\.\d\d deg²$/);
  });

  test("shows pixels as they come, contours redrawn", async () => {
    const before = [await textOf(page, ".stage:last-child"), await textOf(page, ".area b")];
    desk.advance("s1", 300);
    await page.waitForFunction(
      ([stage, area]) =>
        document.querySelector(".stage:last-child")!.textContent.replaceAll("\u00a0", " ") !==
          stage &&
        document.querySelector(".area b")!.textContent.replaceAll("\u00a0", " ") !== area,
      before,
    );
  });

  test("tells of the pixel under the pointer, and opens its fits", async () => {
    const box = (await page.locator("canvas.lines").boundingBox())!;
    await page.mouse.move(box.x + box.width / 2 + 60, box.y + box.height / 2);
    await says(page, ".hover-card", /nside \d+ · \d+/);
    await says(page, ".hover-card", "vertex");
    expect(await textOf(page, ".hover-card")).toMatch(/2Δllh\d/);
    const pixel = (await textOf(page, ".hover-card")).match(/nside (\d+) · (\d+)/)!;
    await page.mouse.down();
    await page.mouse.up();
    await says(page, ".sheet h2", `nside ${pixel[1]} · pixel ${pixel[2]}`);
    expect(await page.locator(".sheet tbody tr").count()).toBe(7);
    expect(new URL(page.url()).searchParams.get("pixel")).toBe(`${pixel[1]}.${pixel[2]}`);
    await page.keyboard.press("Escape");
    await page.locator(".sheet").waitFor({ state: "detached" });
  });

  test("zooms by wheel and keys, pans by dragging; the address keeps the view over a reload", async () => {
    const box = (await page.locator("canvas.lines").boundingBox())!;
    await page.mouse.move(box.x + 200, box.y + 250);
    await page.mouse.wheel(0, -400);
    await page.waitForURL(/at=/);
    const view = (url: URL) => url.searchParams.get("at");
    const zoomed = view(new URL(page.url()));
    // In one step: on a busy machine the address would follow between two.
    await page.mouse.down();
    await page.mouse.move(box.x + 260, box.y + 270);
    await page.mouse.up();
    await page.waitForURL((url) => view(url) !== zoomed);
    const at = view(new URL(page.url()));
    await page.reload();
    await says(page, ".area", /\d\sdeg²/);
    expect(new URL(page.url()).searchParams.get("at")).toBe(at);
    await page.keyboard.press("a");
    await page.waitForURL(/view=sky/);
    await page.keyboard.press("0");
    await page.waitForURL((url) => !url.search.includes("view=sky"));
  });

  test("compares two maps of one event", async () => {
    await page.keyboard.press("s");
    await page.waitForFunction(() => document.querySelectorAll("canvas.lines").length === 2);
    await says(page, ".map-title", "millipede_wilks (Wilks)");
    await page.keyboard.press("d");
    await says(page, ".map-title", "2Δllh of splinempe less that of millipede_wilks");
    await page.keyboard.press("b");
    const pressed = () => page.locator('.mode-bar [aria-pressed="true"]').first().textContent();
    const first = await pressed();
    await page.waitForFunction(
      (name) => document.querySelector('.mode-bar [aria-pressed="true"]')!.textContent !== name,
      first,
    );
    await page.keyboard.press("b");
    await page.waitForURL((url) => !url.search.includes("mode="));
  });

  test("says what two compared maps say of each other", async () => {
    await page.keyboard.press("s");
    await page.locator(".comparison li").nth(3).waitFor();
    const lines = (await page.locator(".comparison li").allTextContents()).map(plain);
    expect(lines[0]).toMatch(/^minima \d\.\d\d° apart$/);
    expect(lines[1]).toMatch(
      /^splinempe's best: 2Δllh [\d.]+ of 4\.61 in millipede_wilks( ✓|, outside its 90 %)$/,
    );
    expect(lines.slice(3).join(" ")).toMatch(
      /of splinempe's ≥?[\d.]+ deg² lies in millipede_wilks's/,
    );
    await page.keyboard.press("s");
    await page.locator(".comparison").waitFor({ state: "detached" });
  });

  test("goes from minimum to minimum, lowest first, and around", async () => {
    const read = async (wanted: number) => {
      await page.keyboard.press("n");
      await says(page, ".message span", new RegExp(`^Minimum ${wanted} of`));
      const text = plain(await page.locator(".message span").textContent());
      return /^Minimum \d+ of (\d+), 2Δllh ([\d.]+)\.$/.exec(text)!.slice(1).map(Number);
    };
    const [count, lowest] = await read(1);
    expect(lowest).toBe(0);
    await says(page, ".hover-card .large", "0.00");
    const found = [lowest!];
    for (let i = 2; i <= count!; i++) found.push((await read(i))[1]!);
    expect(found).toEqual(found.toSorted((a, b) => a - b));
    await read(1);
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    await page.keyboard.press("0");
  });

  test("lists its best pixels, and a scan's log, which the address keeps", async () => {
    await page.getByText("The 20 best pixels").click();
    const rows = page.locator(".facts .table tbody tr");
    await rows.nth(19).waitFor();
    expect(await rows.count()).toBe(20);
    const values = (await rows.locator("td:first-child").allTextContents()).map(Number);
    expect(values[0]).toBe(0);
    expect(values).toEqual(values.toSorted((a, b) => a - b));
    await page.keyboard.press("5");
    await says(page, ".log li", "first pixel");
    expect(page.url()).toContain("panel=log");
    await page.keyboard.press("1");
    await page.locator(".log li").first().waitFor({ state: "detached" });
  });

  test("what runs where has an address", async () => {
    await page.keyboard.press("q");
    await says(page, "dialog h2", "What runs where");
    expect(new URL(page.url()).pathname).toBe("/queue");
    await page.reload();
    await says(page, "dialog td", "run 136662 · splinempe");
    await page.keyboard.press("Escape");
    await page.locator("dialog").waitFor({ state: "detached" });
    await says(page, ".area", /\d\sdeg²/);
  });

  test("rings for a new alert and for trouble, when it was switched on, and for no rescan", async () => {
    await page.evaluate(() => {
      const rung: number[] = [];
      Object.assign(globalThis, { rung });
      const { start } = OscillatorNode.prototype;
      OscillatorNode.prototype.start = function (when) {
        rung.push(this.frequency.value);
        return start.call(this, when);
      };
    });
    const rung = () =>
      page.evaluate(() => (globalThis as unknown as { rung: number[] }).rung.splice(0));
    /** The next two tones. */
    const bell = async () => {
      await page.waitForFunction(
        () => (globalThis as unknown as { rung: number[] }).rung.length >= 2,
      );
      return await rung();
    };
    const settings = {
      ...{ reco: "splinempe", run: 7, event: 7, stream: null, created: desk.now, ra: 1, dec: 1 },
    };
    const heard = (id: string) => says(page, `a[href$="e/${id}"]`, /Run/);
    desk.add({ ...settings, id: "quiet", seed: 7 });
    await heard("7.7");
    expect(await rung()).toEqual([]);
    await page.keyboard.press("m");
    await page.locator('.sound[aria-pressed="true"]').waitFor();
    expect(await bell()).toHaveLength(2);
    desk.add({ ...settings, id: "new", run: 8, event: 8, seed: 8 });
    await heard("8.8");
    const [low, high] = await bell();
    expect(high!).toBeGreaterThan(low!);
    desk.setState("new", "stuck", "no worker");
    await says(page, ".scan-line.stuck", "no worker");
    const trouble = await bell();
    expect(trouble[1]!).toBeLessThan(trouble[0]!);
    await page.keyboard.press("m");
    for (const id of ["quiet", "new"]) {
      desk.scans.delete(id);
      desk.send("gone", { scan: id });
    }
  });

  test("keys can be switched off, by hand", async () => {
    await page.keyboard.press("?");
    await page.getByLabel("Single keys do this").uncheck();
    await page.keyboard.press("Escape");
    await page.locator("dialog").waitFor({ state: "detached" });
    await page.keyboard.press("q");
    expect(page.url()).not.toContain("queue");
    await page.getByRole("button", { name: "Keys", exact: true }).click();
    await page.getByLabel("Single keys do this").check();
    await page.keyboard.press("Escape");
    await page.locator("dialog").waitFor({ state: "detached" });
  });

  test("sends a dropped file as it is, and says a refusal in words", async () => {
    desk.posted.length = 0;
    desk.refusal = { code: 400, error: "This is not an IceCube alert: found a PNG picture." };
    await page.setInputFiles("#file", {
      name: "a.png",
      mimeType: "",
      buffer: Buffer.from("\x89PNG"),
    });
    await says(page, ".message.bad", "This is not an IceCube alert: found a PNG picture.");
    expect(desk.posted).toEqual([
      { event_file: { name: "a.png", base64: Buffer.from("\x89PNG").toString("base64") } },
    ]);
    desk.refusal = undefined;
    await page.keyboard.press("Escape");
    // A 400 is a console error of the browser's own.
    watched.complaints.splice(0, 1);
  });

  test("gives the scan that is shown a dropped calibration, and says a refusal in words", async () => {
    desk.posted.length = 0;
    const calibration = { format: "skyscan calibration 1", experiments: 200, levels: [] };
    const file = { name: "calibration.json", mimeType: "application/json" };
    const buffer = Buffer.from(JSON.stringify(calibration, null, 1));
    await page.setInputFiles("#file", { ...file, buffer });
    await says(page, ".message", "Levels of this event's own, from calibration.json.");
    expect(desk.posted).toEqual([calibration]);
    expect(desk.requests).toContain("POST /scan/s1/calibration");
    desk.refusal = { code: 409, error: "Only a finished map can be given its event's own levels." };
    await page.setInputFiles("#file", { ...file, buffer });
    await says(page, ".message.bad", "Only a finished map can be given its event's own levels.");
    desk.refusal = undefined;
    await page.keyboard.press("Escape");
    watched.complaints.splice(0, 1);
  });

  test("lays a table of sources over the map without sending it", async () => {
    desk.posted.length = 0;
    const table = Buffer.from("name,ra,dec\nexample source,48.4,-2.9\n");
    await page.setInputFiles("#file", { name: "mine.csv", mimeType: "text/csv", buffer: table });
    await says(page, ".message", "1 sources on the map, from mine.csv.");
    expect(desk.posted).toEqual([]);
  });

  test("shows the event in three dimensions, loaded only then", async () => {
    await says(page, ".event-title", /460\sDOMs/);
    await page.locator('.player [aria-label="Play"]').click();
    await page.locator('.player [aria-label="Pause"]').waitFor();
    await page.locator('.player [aria-label="Play"]').waitFor();
    // Somewhere in the middle there is a DOM, and it says who it is.
    const box = (await page.locator(".event-view").boundingBox())!;
    const tip = page.locator(".dom-tip");
    for (let i = 0; i < 200 && (await tip.textContent()) === ""; i++)
      await page.mouse.move(
        box.x + box.width * (0.3 + (0.4 * (i % 20)) / 20),
        box.y + box.height * (0.3 + (0.4 * Math.floor(i / 20)) / 10),
      );
    expect(await tip.textContent()).toMatch(
      /^\d+,\d+ · −?\d+ ns · [\d.]+ PE · [+−]\d+ ns to the track$/,
    );
  });

  test("text from outside is text", async () => {
    const evil = "<img src=x onerror=alert(1)>\u202e";
    desk.setState("s3", "stuck", evil);
    await says(page, ".scan-line.stuck .reason", "<img src=x onerror=alert(1)>\\u202e");
    expect(await page.locator("img").count()).toBe(0);
  });

  test("seven windows of one browser hold one stream, each hears of its own scan, and one is left when they go", async () => {
    expect(desk.streams).toBe(1);
    const others = await Promise.all(
      Array.from({ length: 6 }, async (_, i) => {
        const other = await page.context().newPage();
        // Narrow, where the event in three dimensions is not to be seen at once.
        await other.setViewportSize({ width: 390, height: 844 });
        await other.goto(`${desk.address}e/136662.35405932?a=${i % 2 ? "s1" : "s2"}`);
        await says(other, ".pill", "live");
        return other;
      }),
    );
    // The ones before end as the desk hears of it.
    await until("one stream", () => desk.streams === 1);
    desk.advance("s1", 60);
    const done = `${desk.scans.get("s1")!.stages[2]!.pixels.done}`;
    for (const window of [page, others[1]!, others[5]!])
      await window.waitForFunction(
        (count) =>
          document
            .querySelector(".stage:last-child")!
            .textContent.replace(/\D/g, "")
            .startsWith(`512${count}`),
        done,
        // Windows behind others draw seldom, and asking would wait for that.
        { polling: 200 },
      );
    for (const other of others) await other.close();
    desk.advance("s1", 20);
    await until("one stream", () => desk.streams === 1);
  });

  test("says when the desk is gone, keeps what it shows, and goes on when it is back", async () => {
    const number = await textOf(page, ".direction b");
    await desk.stop();
    await says(page, ".lost-bar", "No news from the desk");
    await says(page, ".pill.lost", "no news");
    expect(await textOf(page, ".direction b")).toBe(number);
    desk.scans.get("s1")!.done += 100;
    await desk.start();
    await says(page, ".pill.live", "live");
    await page.locator(".lost-bar").waitFor({ state: "detached" });
    const { done } = desk.scans.get("s1")!.stages[2]!.pixels;
    await page.waitForFunction(
      (count) =>
        document
          .querySelector(".stage:last-child")!
          .textContent.replace(/\D/g, "")
          .startsWith(`512${count}`),
      done,
    );
    // Attempts to connect that fail are console errors of the browser's own.
    for (let i = watched.complaints.length - 1; i >= 0; i--)
      if (/ERR_|Failed to load|network/i.test(watched.complaints[i]!))
        watched.complaints.splice(i, 1);
  });

  test("says when a newer desk runs", async () => {
    desk.version = "9.9.9";
    await desk.stop();
    await desk.start();
    await says(page, ".newer", "A newer desk is running. Reload");
    desk.version = "0.1.0";
    for (let i = watched.complaints.length - 1; i >= 0; i--)
      if (/ERR_|Failed to load|network/i.test(watched.complaints[i]!))
        watched.complaints.splice(i, 1);
  });

  test("ends: files can be taken, nothing is a draft any more", async () => {
    const scan = desk.scans.get("s1")!;
    expect(await page.locator("a.main-file").count()).toBe(0);
    desk.advance("s1", scan.pixels.length);
    desk.setState("s1", "done");
    await page.locator("a.main-file").waitFor();
    const href = await page.locator("a.main-file").getAttribute("href");
    expect(href).toBe(`${desk.address}scan/s1/files/run00136662.multiorder.fits.gz`);
    expect(await textOf(page, ".area")).toBe("0.47 deg²50 % · r 0.39° · Wilks");
    await page.getByRole("button", { name: "Circular" }).click();
    await says(page, "pre.text", "run00136662.circular.txt of s1");
    await page.keyboard.press("Escape");
    await page.locator("dialog").waitFor({ state: "detached" });
  });

  test("nothing went wrong meanwhile, and nobody else was asked", () => {
    expect(watched.complaints).toEqual([]);
  });
});

describe.skipIf(!hasChromium)("narrow windows", () => {
  test("on a phone the first screen is complete without scrolling", async () => {
    const browser = await launch();
    const desk = await demoDesk(0, 0.6);
    const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
    const { page, complaints } = await watchedPage(browser, desk.address, phone);
    await page.goto(desk.address);
    await says(page, ".area", /\d\sdeg²/);
    for (const selector of [
      ".direction",
      ".areas",
      ".honesty",
      "canvas.lines",
      ".time-left",
      ".tabs",
    ]) {
      const box = (await page.locator(selector).first().boundingBox())!;
      expect(box.y).toBeGreaterThanOrEqual(0);
      expect(box.y + box.height).toBeLessThanOrEqual(844);
      expect(box.x + box.width).toBeLessThanOrEqual(391);
    }
    const small = await page
      .locator(".tabs button")
      .evaluateAll(
        (buttons) => buttons.filter((button) => button.getBoundingClientRect().height < 44).length,
      );
    expect(small).toBe(0);
    await page.getByRole("button", { name: "Numbers" }).tap();
    await says(page, ".facts", "From online");
    await page.getByRole("button", { name: /^Alerts/ }).tap();
    await page.locator(".rail.open .card").nth(1).tap();
    await says(page, "h1", "Run 138632");
    expect(complaints).toEqual([]);
    await browser.close();
    await desk.stop();
  });
});

describe("the page's weight", () => {
  test("up to the first map it is below 300 kB packed, three.js not in it", async () => {
    const files = await pageFiles(pageDocuments, "/");
    const weights = [...files].map(([name, { body }]) => [name, gzipSync(body).length] as const);
    const first = weights
      .filter(([name]) => name !== "event.js")
      .reduce((sum, [, size]) => sum + size, 0);
    expect(first).toBeLessThan(300_000);
    const main = [...files].find(([name]) => name.startsWith("chunk-") && name.endsWith(".js"))![1];
    expect(new TextDecoder().decode(main.body)).not.toContain("WebGLRenderer");
  });
});
