import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { DESKTOP, hasChromium, launchBrowser, openWatchedPage, PHONE, type WatchedPage } from "./browser.ts";
import { startFakeAdminServer, type FakeAdminServer } from "./fake-admin-server.ts";
import { findContrastFaults, findStructureFaults, measureImage } from "./page-checks.ts";
import { BUSY_OVERVIEW, EMPTY_OVERVIEW, HOSTILE_NAME, LONG_MODEL, sampleRequest } from "./sample-data.ts";
import { startProcess, type StartedProcess } from "../support/child-process.ts";

const ROOT = join(import.meta.dirname, "../..");
const OUTPUT = join(ROOT, "e2e/output");
const ADMIN_KEY = "admin-key-of-the-browser-test";
/** What the browser itself says about answers and cuts that the tests ask for. */
const EXPECTED_ERRORS =
  /^Failed to load resource: (?:the server responded with a status of (?:401|502)|net::ERR_INCOMPLETE_CHUNKED_ENCODING)/;

let browser: Browser;
/** A blank page without a policy, to look at screenshots with. */
let darkroom: Page;
let next: StartedProcess;
let server: FakeAdminServer;
let opened: WatchedPage[] = [];

const open = async (options: Parameters<typeof openWatchedPage>[2] = {}): Promise<WatchedPage> => {
  const watched = await openWatchedPage(browser, server.url, options);
  opened.push(watched);
  return watched;
};
const signIn = async (page: Page, key = ADMIN_KEY): Promise<void> => {
  await page.getByLabel("Admin key").fill(key);
  await page.getByRole("button", { name: "Sign in" }).click();
};
const openSignedIn = async (options: Parameters<typeof openWatchedPage>[2] = {}): Promise<WatchedPage> => {
  const watched = await open(options);
  await signIn(watched.page);
  await watched.page.getByText("Live", { exact: true }).waitFor();
  return watched;
};
const seesText = (page: Page, text: string): Promise<boolean> =>
  page
    .getByText(text, { exact: true })
    .first()
    .waitFor()
    .then(() => true);
const seesSignIn = (page: Page): Promise<boolean> =>
  page
    .getByLabel("Admin key")
    .waitFor()
    .then(() => true);
const focusedName = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const element = document.activeElement as HTMLElement;
    const labelledBy = document.getElementById(element.getAttribute("aria-labelledby") ?? "")?.textContent;
    const label = element instanceof HTMLInputElement ? element.labels?.[0]?.textContent : undefined;
    return (element.getAttribute("aria-label") ?? labelledBy ?? label ?? element.textContent ?? "").trim();
  });

describe.skipIf(!hasChromium())("the dashboard in a browser", () => {
  beforeAll(async () => {
    mkdirSync(OUTPUT, { recursive: true });
    const args = [join(ROOT, "node_modules/next/dist/bin/next"), "start", "-H", "127.0.0.1", "-p", "0"];
    next = startProcess(process.execPath, args, { cwd: ROOT, env: { NEXT_TELEMETRY_DISABLED: "1" } });
    browser = await launchBrowser();
    const [nextUrl] = await next.waitFor(/http:\/\/127\.0\.0\.1:\d+/);
    await next.waitFor(/Ready in/);
    server = await startFakeAdminServer(nextUrl, ADMIN_KEY);
    darkroom = await browser.newPage();
  });
  afterAll(async () => {
    // Each is unset when the set-up failed before it.
    await browser?.close();
    await server?.close();
    await next?.stop();
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

  describe("signing in", () => {
    it("says in text that a key is wrong, announces it, and keeps the field focused", async () => {
      const { page } = await open();
      await signIn(page, "not-the-key");
      const error = page.getByRole("alert").filter({ hasText: "This is not the admin key." });
      await error.waitFor();
      const input = page.getByLabel("Admin key");
      expect(await input.getAttribute("aria-invalid")).toBe("true");
      expect(await input.getAttribute("aria-describedby")).toContain(await error.getAttribute("id"));
      expect(await focusedName(page)).toBe("Admin key");
      await page.screenshot({ path: join(OUTPUT, "sign-in-refused.png") });
    });

    it("works with the keyboard alone, from the skip link on", async () => {
      server.publish(BUSY_OVERVIEW);
      const { page } = await open();
      await page.getByLabel("Admin key").waitFor();
      await expect.poll(() => focusedName(page)).toBe("Admin key");
      await page.keyboard.press("Shift+Tab");
      expect(await focusedName(page)).toBe("Skip to content");
      expect((await page.getByRole("link", { name: "Skip to content" }).boundingBox())?.y).toBeGreaterThanOrEqual(0);
      await page.keyboard.press("Tab");
      await page.keyboard.type(ADMIN_KEY);
      await page.keyboard.press("Tab");
      expect(await focusedName(page)).toBe("Sign in");
      await page.keyboard.press("Enter");
      await page.getByText("Live", { exact: true }).waitFor();
      expect(await page.evaluate(() => document.activeElement?.id)).toBe("content");
      expect(await page.evaluate(() => scrollY)).toBe(0);
    });

    it("keeps the key nowhere: not in the page, its address, its storage or a cookie that scripts can read", async () => {
      server.publish(EMPTY_OVERVIEW);
      const { page } = await openSignedIn();
      const places = await page.evaluate(() =>
        [
          location.href,
          document.cookie,
          document.documentElement.outerHTML,
          JSON.stringify(localStorage),
          JSON.stringify(sessionStorage),
        ].join(),
      );
      expect(places).not.toContain(ADMIN_KEY);
      expect(places).not.toContain("codewise_session");
      expect((await page.context().cookies()).map(({ httpOnly, sameSite }) => ({ httpOnly, sameSite }))).toEqual([
        { httpOnly: true, sameSite: "Strict" },
      ]);
    });

    it("is kept over a reload, and signing out ends it", async () => {
      const { page } = await openSignedIn();
      await page.reload();
      await page.getByText("Live", { exact: true }).waitFor();
      await page.getByRole("button", { name: "Sign out" }).click();
      expect(await seesSignIn(page)).toBe(true);
      await page.reload();
      expect(await seesSignIn(page)).toBe(true);
    });
  });

  describe("the live feed", () => {
    it("shows a new request, changed counts and a new agent without a reload or a shift of the layout", async () => {
      server.publish({ ...BUSY_OVERVIEW, inFlight: [] });
      const watched = await openSignedIn();
      const { page } = watched;
      await page.evaluate(() => Object.assign(globalThis, { sameDocument: true }));
      await page.getByRole("heading", { name: "annas-macbook" }).waitFor();
      const before = await watched.layoutShift();

      server.publish({
        ...BUSY_OVERVIEW,
        requests: [sampleRequest(-1, { requestedModel: "brand-new-model" }), ...BUSY_OVERVIEW.requests.slice(0, 99)],
      });
      const newest = page.getByRole("table", { name: "The last requests" }).locator("tbody tr").first();
      await newest.getByText("brand-new-model").waitFor();
      await page.getByRole("table", { name: "Requests in flight" }).getByText("gpt-5-mini").waitFor();
      expect(await page.evaluate(() => Reflect.get(globalThis, "sameDocument"))).toBe(true);
      expect((await watched.layoutShift()) - before).toBeLessThan(0.02);
    });

    it("keeps everything below in its place however many requests are in flight", async () => {
      server.publish({ ...BUSY_OVERVIEW, inFlight: [] });
      const { page } = await openSignedIn();
      const place = (): Promise<number | undefined> =>
        page
          .getByRole("heading", { name: "Last requests" })
          .boundingBox()
          .then((box) => box?.y);
      await page.getByText("Nothing is running").waitFor();
      const quiet = await place();
      const inFlight = Array.from({ length: 60 }, (_, index) => ({
        ...BUSY_OVERVIEW.inFlight[0]!,
        id: `req_many_${index}`,
      }));
      server.publish({ ...BUSY_OVERVIEW, inFlight });
      await page.getByRole("table", { name: "Requests in flight" }).waitFor();
      expect(await place()).toBe(quiet);
    });

    it("lets the ages of running requests go on between events", async () => {
      server.publish(BUSY_OVERVIEW);
      const { page } = await openSignedIn();
      const age = page
        .getByRole("table", { name: "Requests in flight" })
        .locator("tbody tr")
        .first()
        .locator("td")
        .first();
      expect(await age.textContent()).toMatch(/^1 min 0\d s$/);
      const first = await age.textContent();
      await expect.poll(() => age.textContent(), { timeout: 5000 }).not.toBe(first);
    });

    it.each([
      ["desktop", DESKTOP],
      ["phone", PHONE],
    ] as const)(
      "says on a %s that it reconnects, keeps everything in its place, and comes back by itself",
      async (device, viewport) => {
        server.publish(BUSY_OVERVIEW);
        const { page } = await openSignedIn({ viewport });
        const agent = page.getByRole("heading", { name: "annas-macbook" });
        await agent.waitFor();
        const place = await agent.boundingBox();
        server.cutEvents(true);
        expect(await seesText(page, "Reconnecting…")).toBe(true);
        expect(await seesText(page, "The proxy does not answer; this is from 10:15:30.")).toBe(true);
        expect(await agent.boundingBox()).toEqual(place);
        expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
        await page.screenshot({ path: join(OUTPUT, `reconnecting-${device}.png`) });
        server.cutEvents(false);
        expect(await seesText(page, "Live")).toBe(true);
      },
    );

    it("goes back to the sign-in form when the session has ended", async () => {
      const { page } = await openSignedIn();
      server.forgetSessions();
      server.cutEvents();
      expect(await seesSignIn(page)).toBe(true);
    });

    it("says so when the proxy sends what this page cannot read, and keeps what it has", async () => {
      server.publish(BUSY_OVERVIEW);
      const { page } = await openSignedIn();
      await page.getByRole("heading", { name: "annas-macbook" }).waitFor();
      server.publishRaw(JSON.stringify({ ...BUSY_OVERVIEW, agents: "many" }));
      expect(await seesText(page, "Reload this page")).toBe(true);
      server.publishRaw("{");
      expect(await seesText(page, "annas-macbook")).toBe(true);
    });
  });

  describe("the page", () => {
    it("shows states in words, tokens as known, estimated or unknown, and errors with their code", async () => {
      server.publish(BUSY_OVERVIEW);
      const { page } = await openSignedIn();
      const row = (index: number): Promise<string[]> =>
        page
          .getByRole("table", { name: "The last requests" })
          .locator("tbody tr")
          .nth(index)
          .locator("th, td")
          .allTextContents();
      expect((await row(0)).slice(5)).toEqual(["200", "1,180", "92", "1,024", "0", "640", "3,205", "streamed"]);
      expect((await row(2)).slice(5)).toEqual([
        "499client_closed_request",
        "~1,934",
        "~354",
        "–unknown",
        "–unknown",
        "746",
        "4,827",
        "streamedclient gone",
      ]);
      expect((await row(4)).slice(5, 8)).toEqual(["502agent_lost", "–unknown", "–unknown"]);
      for (const text of [
        "Draining: takes no new work",
        "Connection lost: waiting for it",
        "claude not ready",
        "claude 2.1.92 ready",
      ]) {
        await page.getByText(text).first().waitFor();
      }
    });

    it("shows hostile names as text and runs nothing of them", async () => {
      server.publish(BUSY_OVERVIEW);
      const { page } = await openSignedIn();
      expect(await page.getByText(HOSTILE_NAME, { exact: true }).count()).toBeGreaterThan(1);
      expect(await page.evaluate(() => Reflect.get(globalThis, "pwned"))).toBeUndefined();
    });

    it("can be walked with Tab in reading order, scrolling regions included", async () => {
      server.publish(BUSY_OVERVIEW);
      const { page } = await openSignedIn();
      await page.getByRole("table", { name: "The last requests" }).waitFor();
      await page.evaluate(() => (document.activeElement as HTMLElement).blur());
      await page.evaluate(() => document.querySelector<HTMLElement>(".skip-link")?.focus());
      const names: string[] = [];
      for (let step = 0; step < 20; step += 1) {
        await page.keyboard.press("Tab");
        const name = await focusedName(page);
        if (name === "" || name === "Skip to content") break;
        names.push(name);
      }
      const expected = [
        "Sign out",
        "Requests in flight",
        "The last requests, newest first",
        "Variables for an OpenAI client",
        "curl",
        "curl example",
      ];
      expect(names.filter((name) => expected.includes(name))).toEqual(expected);
      expect(names).not.toContain("Python");
    });

    it("switches the example with the arrow keys and copies it", async () => {
      server.publish(BUSY_OVERVIEW);
      const { page } = await openSignedIn();
      await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
      await page.getByRole("tab", { name: "curl" }).focus();
      await page.keyboard.press("ArrowRight");
      expect(await focusedName(page)).toBe("Python");
      await page.getByRole("button", { name: "Copy Python example" }).click();
      await page.getByText("Python example copied").waitFor();
      expect(await page.evaluate(() => navigator.clipboard.readText())).toContain("from openai import OpenAI");
    });

    it("tells a newcomer what to do while there is nothing to show", async () => {
      server.publish(EMPTY_OVERVIEW);
      const { page } = await openSignedIn();
      for (const text of ["No agent is connected", "Nothing is running", "No request has been answered yet"]) {
        expect(await seesText(page, text)).toBe(true);
      }
      expect(await seesText(page, `npx codewise-agent --url http://127.0.0.1:3000 --secret "$AGENT_SECRET"`)).toBe(
        true,
      );
    });

    it("is served with a policy that allows no foreign and no unknown inline script, and may not be framed", async () => {
      const response = await fetch(server.url);
      const policy = response.headers.get("content-security-policy") ?? "";
      expect(policy).toMatch(/script-src 'self'(?: 'sha256-[\w+/]+=')+;/);
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe|\*|https?:/);
      expect(response.headers.get("x-content-type-options")).toBe("nosniff");
      expect(response.headers.get("referrer-policy")).toBe("no-referrer");
      expect(response.headers.get("cache-control")).toBe("no-cache");
    });
  });

  describe.each(["light", "dark"] as const)("in %s colours", (colorScheme) => {
    describe.each([
      ["desktop", DESKTOP],
      ["phone", PHONE],
    ] as const)("on a %s", (device, viewport) => {
      it.each([
        ["sign-in", undefined],
        ["empty", EMPTY_OVERVIEW],
        ["busy", BUSY_OVERVIEW],
      ] as const)("the %s page is sound, legible and does not scroll sideways", async (name, overview) => {
        if (overview !== undefined) server.publish(overview);
        const { page } =
          overview === undefined
            ? await open({ colorScheme, viewport })
            : await openSignedIn({ colorScheme, viewport });
        await (
          overview === undefined ? page.getByLabel("Admin key") : page.getByRole("heading", { name: "Last requests" })
        ).waitFor();
        expect(await page.evaluate(findStructureFaults)).toEqual([]);
        expect(await page.evaluate(findContrastFaults)).toEqual([]);
        expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
        expect(await page.evaluate(() => document.body.innerText.includes("undefined"))).toBe(false);

        const path = join(OUTPUT, `${name}-${device}-${colorScheme}.png`);
        const image = await page.screenshot({ path, fullPage: true });
        const { colours, commonest } = await darkroom.evaluate(measureImage, image.toString("base64"));
        expect(colours).toBeGreaterThan(60);
        expect(commonest).toBeLessThan(0.97);
      });
    });
  });

  it("keeps a model id without end inside its cell", async () => {
    server.publish(BUSY_OVERVIEW);
    const { page } = await openSignedIn();
    const cell = page.getByTitle(LONG_MODEL).first();
    const [inner, outer] = await Promise.all([
      cell.boundingBox(),
      cell.locator("xpath=ancestor::*[self::td or self::th]").boundingBox(),
    ]);
    expect((inner?.x ?? 0) + (inner?.width ?? 0)).toBeLessThanOrEqual((outer?.x ?? 0) + (outer?.width ?? 0));
  });
});
