/** A browser for the page's tests: Debian's Chromium without a screen. Where there is none, they are skipped. */
import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";

const path = "/usr/bin/chromium";
export const hasChromium = existsSync(path);

/** @param more further arguments of its command line */
export const launch = (more: readonly string[] = []): Promise<Browser> =>
  chromium.launch({
    executablePath: path,
    args: [
      ...more,
      "--no-sandbox",
      "--disable-gpu",
      "--enable-unsafe-swiftshader",
      "--disable-background-networking",
    ],
  });

export interface Watched {
  readonly page: Page;
  /** Errors of scripts and of the console (a breach of the content policy is one), and requests to strangers. */
  readonly complaints: string[];
}

/** A page that notes whatever goes wrong on it. @param address of the desk, with a slash at its end */
export async function watchedPage(
  browser: Browser,
  address: string,
  options: Parameters<Browser["newContext"]>[0] & { theme?: "dark" | "light" } = {},
): Promise<Watched> {
  const { theme = "dark", ...rest } = options;
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...rest });
  await context.addInitScript((name) => localStorage.setItem("theme", name), theme);
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(address) && !request.url().startsWith("blob:"))
      complaints.push(`asked a stranger: ${request.url()}`);
  });
  return { page, complaints };
}
