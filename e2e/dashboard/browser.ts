import { accessSync, constants } from "node:fs";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";

/** Where Debian puts Chromium. */
const CHROMIUM = "/usr/bin/chromium";
const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A window of 1280 px less two classic scrollbars of 17 px, the page's and a table's, which a headless browser hides. */
export const LAPTOP = { width: 1280 - 2 * 17, height: 720 };
export const DESKTOP = { width: 1440, height: 900 };
export const PHONE = { width: 360, height: 740 };

/** Whether the browser tests can run on this machine; prints why not. */
export function hasChromium(): boolean {
  try {
    accessSync(CHROMIUM, constants.X_OK);
    return true;
  } catch {
    if (process.env["CI"]) throw new Error(`There is no Chromium at ${CHROMIUM}.`);
    console.log(`Skipped: no Chromium at ${CHROMIUM} (Debian: apt-get install chromium).`);
    return false;
  }
}

/** Starts Chromium with an empty profile of its own, removed when it closes. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: ARGS });
}

export interface WatchedPage {
  readonly page: Page;
  /** Console errors, uncaught exceptions and policy violations. */
  readonly errors: string[];
  /** URLs of requests that left the page's origin. */
  readonly foreignRequests: string[];
  /** Sum of all layout shifts so far that no input caused (the CLS of Web Vitals, without its windows). */
  layoutShift(): Promise<number>;
}

/** Opens a URL in a context of its own and watches it. Times are shown in UTC. */
export async function openWatchedPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: DESKTOP, timezoneId: "UTC", locale: "en-GB", ...options });
  const page = await context.newPage();
  const errors: string[] = [];
  const foreignRequests: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol !== "data:" && origin !== new URL(url).origin) foreignRequests.push(request.url());
  });
  await page.addInitScript(watchFromInside);
  await page.goto(url);
  return { page, errors, foreignRequests, layoutShift: () => page.evaluate(() => globalThis.layoutShiftSum) };
}

declare global {
  var layoutShiftSum: number;
}

function watchFromInside(): void {
  globalThis.layoutShiftSum = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const shift = entry as PerformanceEntry & { readonly value: number; readonly hadRecentInput: boolean };
      if (!shift.hadRecentInput) globalThis.layoutShiftSum += shift.value;
    }
  }).observe({ type: "layout-shift", buffered: true });
  document.addEventListener("securitypolicyviolation", (event) => {
    console.error(`Policy violation: ${event.violatedDirective} ${event.blockedURI}`);
  });
}
