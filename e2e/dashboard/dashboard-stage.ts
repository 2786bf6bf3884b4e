import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll } from "vitest";
import { loadDashboardFiles } from "../../src/server/dashboard-files.ts";
import { launchBrowser, openWatchedPage, type WatchedPage } from "./browser.ts";
import { startFakeAdminServer, type FakeAdminServer } from "./fake-admin-server.ts";

const ROOT = join(import.meta.dirname, "../..");
/** Where the screenshots go. */
export const OUTPUT = join(ROOT, "e2e/output");
export const ADMIN_KEY = "admin-key-of-the-browser-test";
/** What the browser itself says about answers and cuts that the tests ask for. */
const EXPECTED_ERRORS =
  /^Failed to load resource: (?:the server responded with a status of (?:401|502)|net::ERR_INCOMPLETE_CHUNKED_ENCODING)/;

export interface DashboardStage {
  readonly browser: Browser;
  readonly server: FakeAdminServer;
  /** Opens the dashboard in a context of its own, closed after the test. */
  open(options?: BrowserContextOptions): Promise<WatchedPage>;
  /** The same, signed in and live. */
  openSignedIn(options?: BrowserContextOptions): Promise<WatchedPage>;
}

/**
 * Serves the built page as the server does before a file's tests, with a fake admin API in front and a browser, and clears up after them.
 * A test fails when one of its pages logged an error or asked another host. To be read inside of tests only.
 */
export function useDashboardStage(): DashboardStage {
  let browser: Browser;
  let server: FakeAdminServer;
  let opened: WatchedPage[] = [];

  beforeAll(async () => {
    const servePage = await loadDashboardFiles(join(ROOT, ".next/standalone/dashboard"));
    browser = await launchBrowser();
    server = await startFakeAdminServer(servePage, ADMIN_KEY);
  });
  afterAll(async () => {
    // Each is unset when the set-up failed before it.
    await browser?.close();
    await server?.close();
  });
  afterEach(async () => {
    const watched = opened;
    opened = [];
    server.cutEvents(false);
    await Promise.all(watched.map(({ page }) => page.context().close()));
    const faults = watched.flatMap(({ errors, foreignRequests }) => [
      ...errors.filter((text) => !EXPECTED_ERRORS.test(text)),
      ...foreignRequests,
    ]);
    if (faults.length > 0) throw new Error(`Console errors or requests to other hosts:\n${faults.join("\n")}`);
  });

  const open = async (options: BrowserContextOptions = {}): Promise<WatchedPage> => {
    const watched = await openWatchedPage(browser, server.url, options);
    opened.push(watched);
    return watched;
  };
  return {
    get browser() {
      return browser;
    },
    get server() {
      return server;
    },
    open,
    openSignedIn: async (options = {}) => {
      const watched = await open(options);
      await signIn(watched.page);
      await watched.page.getByText("Live", { exact: true }).waitFor();
      return watched;
    },
  };
}

/** Fills in the sign-in form and sends it. */
export async function signIn(page: Page, key = ADMIN_KEY): Promise<void> {
  await page.getByLabel("Admin key").fill(key);
  await page.getByRole("button", { name: "Sign in" }).click();
}
