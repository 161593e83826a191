/**
 * What passes between an alert that is dropped on the desk's page and its first pixels on the screen:
 * `bun test/page/first_pixels.ts ADDRESS FILE...`. A line of JSON a file; its scan is cancelled then.
 */
import { basename } from "node:path";
import type { Browser } from "playwright-core";
import { launch } from "./chromium.ts";

/** One moment, ms after the drop. */
export interface Moment {
  readonly at: number;
  readonly what: string;
}

/** Before a file is dropped the page stands still for so long, ms. */
const REST = 1500;

/** Drops a file on a fresh page, and looks at every picture of it until cells of the map are in colour. */
async function watchDrop(browser: Browser, address: string, file: string): Promise<Moment[]> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  try {
    const page = await context.newPage();
    await page.goto(address);
    await page.locator("h1").first().waitFor();
    await Bun.sleep(REST);
    const base64 = (await Bun.file(file).bytes()).toBase64();
    const { start, moments } = await page.evaluate(dropAndWatch, { name: basename(file), base64 });
    return [...moments, ...(await endNewest(address, start))].sort((a, b) => a.at - b.at);
  } finally {
    await context.close();
  }
}

/** Cancels the newest scan. @param start ms since 1970 @returns what the desk says happened to it before */
async function endNewest(address: string, start: number): Promise<Moment[]> {
  const { scans } = await (await fetch(`${address}scans?limit=1`)).json();
  const path = `${address}scan/${scans[0].id}`;
  const { timeline } = await (await fetch(`${path}/page`)).json();
  const headers = { "content-type": "application/json" };
  await fetch(path, { method: "DELETE", headers, body: "{}" });
  return (timeline as { what: string; at: number }[])
    .map(({ what, at }) => ({ at: 1000 * at - start, what: `desk: ${what}` }))
    .filter(({ at }) => at >= 0);
}

/** In the page. */
async function dropAndWatch({ name, base64 }: { name: string; base64: string }) {
  const now = () => performance.timeOrigin + performance.now();
  const files = new DataTransfer();
  files.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name));
  const sample = document.createElement("canvas");
  const [width, height] = [64, 48];
  Object.assign(sample, { width, height });
  const context = sample.getContext("2d", { willReadFrequently: true })!;
  // Near the minimum, which is in the middle, the scale is bright; what has not been scanned is dark.
  const isInColour = (cells: HTMLCanvasElement) => {
    context.clearRect(0, 0, width, height);
    context.drawImage(cells, 0, 0, width, height);
    return context.getImageData(0, 0, width, height).data.some((v, i) => i % 4 === 0 && v > 100);
  };
  const start = now();
  const moments: { at: number; what: string }[] = [];
  const note = (what: string) => {
    if (!moments.some((moment) => moment.what === what)) moments.push({ at: now() - start, what });
  };
  const title = document.querySelector("h1")?.textContent;
  const shown = new Promise<void>((resolve) => {
    const look = () => {
      const cells = document.querySelector<HTMLCanvasElement>("canvas.cells");
      const isNew = document.querySelector("h1")?.textContent !== title;
      if (isNew && cells) note("page: empty map");
      const isFitted = document.querySelector(".answer h2")?.textContent?.startsWith("Best fit");
      if (!isNew || !isFitted || !cells || !isInColour(cells)) {
        requestAnimationFrame(look);
        return;
      }
      // The picture this is part of is on the screen when the next one begins.
      requestAnimationFrame(() => {
        note("page: first pixels");
        resolve();
      });
    };
    look();
  });
  const event = new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true });
  document.body.dispatchEvent(event);
  await shown;
  for (const { name, responseEnd } of performance.getEntriesByType(
    "resource",
  ) as PerformanceResourceTiming[])
    if (name.endsWith("/scan"))
      moments.push({
        at: performance.timeOrigin + responseEnd - start,
        what: "page: POST answered",
      });
  return { start, moments };
}

const [address, ...files] = process.argv.slice(2) as [string, ...string[]];
const browser = await launch();
for (const file of files) console.log(JSON.stringify(await watchDrop(browser, address, file)));
await browser.close();
