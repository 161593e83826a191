/** Makes the README's pictures of the page: `bun test/page/pictures.ts`. What they show is a fake desk's. */
import { join, resolve } from "node:path";
import { launch, watchedPage } from "./chromium.ts";
import { demoDesk } from "./demo.ts";

const folder = resolve(import.meta.dir, "../../src/page/pictures");
const desk = await demoDesk(0, 0.75);
const browser = await launch();
const dark = "dark" as const;
const pictures = [
  { name: "desk-dark", theme: dark },
  {
    ...{ name: "desk-phone", theme: dark, viewport: { width: 390, height: 844 } },
    ...{ deviceScaleFactor: 1.5, isMobile: true, hasTouch: true },
  },
  { name: "desk-light", theme: "light", isDone: true },
] as const;
for (const { name, ...options } of pictures) {
  const { page } = await watchedPage(browser, desk.address, options);
  await page.goto(desk.address);
  await page.locator(".area b").filter({ hasText: "deg²" }).first().waitFor();
  if (name === "desk-phone") await page.locator("canvas.overview").waitFor();
  else {
    // The event's picture is complete when its track is drawn, and the map when what is new has faded or come.
    await page.locator(".player").waitFor();
    if ("isDone" in options) {
      desk.advance("s1", 10_000);
      desk.setState("s1", "done");
      await page.locator("a.main-file").waitFor();
    } else desk.advance("s1", 30);
    const box = (await page.locator("canvas.lines").boundingBox())!;
    await page.mouse.move(box.x + 0.62 * box.width, box.y + 0.56 * box.height);
    await page.locator(".hover-card").filter({ hasText: "vertex" }).waitFor();
  }
  await page.waitForTimeout(400);
  await page.screenshot({ path: join(folder, `${name}.jpg`), type: "jpeg", quality: 78 });
}
await browser.close();
await desk.stop();
