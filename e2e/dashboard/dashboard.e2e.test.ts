import { join } from "node:path";
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { DESKTOP, hasChromium, PHONE } from "./browser.ts";
import { ADMIN_KEY, OUTPUT, signIn, useDashboardStage } from "./dashboard-stage.ts";
import { BUSY_OVERVIEW, EMPTY_OVERVIEW, HOSTILE_NAME, sampleRequest } from "./sample-data.ts";

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
  const stage = useDashboardStage();

  describe("signing in", () => {
    it("says in text that a key is wrong, announces it, and keeps the field focused", async () => {
      const { page } = await stage.open();
      await signIn(page, "not-the-key");
      const error = page.getByRole("alert").filter({ hasText: "This is not the admin key." });
      await error.waitFor();
      const input = page.getByLabel("Admin key");
      expect(await input.getAttribute("aria-invalid")).toBe("true");
      expect(await input.getAttribute("aria-describedby")).toContain(await error.getAttribute("id"));
      expect(await focusedName(page)).toBe("Admin key");
      await page.getByText("Lost it? Stop the proxy and run npm run keys -- reset-admin").waitFor();
      await page.screenshot({ path: join(OUTPUT, "sign-in-refused.png") });
    });

    it("works with the keyboard alone, from the skip link on", async () => {
      stage.server.publish(BUSY_OVERVIEW);
      const { page } = await stage.open();
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
      stage.server.publish(EMPTY_OVERVIEW);
      const { page } = await stage.openSignedIn();
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
      const { page } = await stage.openSignedIn();
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
      stage.server.publish({ ...BUSY_OVERVIEW, inFlight: [] });
      const watched = await stage.openSignedIn();
      const { page } = watched;
      await page.evaluate(() => Object.assign(globalThis, { sameDocument: true }));
      await page.getByRole("heading", { name: "annas-macbook" }).waitFor();
      const before = await watched.layoutShift();

      stage.server.publish({
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
      stage.server.publish({ ...BUSY_OVERVIEW, inFlight: [] });
      const { page } = await stage.openSignedIn();
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
      stage.server.publish({ ...BUSY_OVERVIEW, inFlight });
      await page.getByRole("table", { name: "Requests in flight" }).waitFor();
      expect(await place()).toBe(quiet);
    });

    it("lets the ages of running requests go on between events", async () => {
      stage.server.publish(BUSY_OVERVIEW);
      const { page } = await stage.openSignedIn();
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
        stage.server.publish(BUSY_OVERVIEW);
        const { page } = await stage.openSignedIn({ viewport });
        const agent = page.getByRole("heading", { name: "annas-macbook" });
        await agent.waitFor();
        const place = await agent.boundingBox();
        stage.server.cutEvents(true);
        expect(await seesText(page, "Reconnecting…")).toBe(true);
        expect(await seesText(page, "The proxy does not answer; this is from 10:15:30.")).toBe(true);
        expect(await agent.boundingBox()).toEqual(place);
        expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
        await page.screenshot({ path: join(OUTPUT, `reconnecting-${device}.png`) });
        stage.server.cutEvents(false);
        expect(await seesText(page, "Live")).toBe(true);
      },
    );

    it("goes back to the sign-in form when the session has ended", async () => {
      const { page } = await stage.openSignedIn();
      stage.server.forgetSessions();
      stage.server.cutEvents();
      expect(await seesSignIn(page)).toBe(true);
    });

    it("says so when the proxy sends what this page cannot read, and keeps what it has", async () => {
      stage.server.publish(BUSY_OVERVIEW);
      const { page } = await stage.openSignedIn();
      await page.getByRole("heading", { name: "annas-macbook" }).waitFor();
      stage.server.publishRaw(JSON.stringify({ ...BUSY_OVERVIEW, agents: "many" }));
      expect(await seesText(page, "Reload this page")).toBe(true);
      stage.server.publishRaw("{");
      expect(await seesText(page, "annas-macbook")).toBe(true);
    });
  });

  describe("the page", () => {
    it("shows states in words, tokens as known, estimated or unknown, and errors with their code", async () => {
      stage.server.publish(BUSY_OVERVIEW);
      const { page } = await stage.openSignedIn();
      const row = (index: number): Promise<string[]> =>
        page
          .getByRole("table", { name: "The last requests" })
          .locator("tbody tr")
          .nth(index)
          .locator("th, td")
          .allTextContents();
      expect((await row(0)).slice(5)).toEqual(["200 streamed", "1,1801,024 cached", "920 reasoning", "640", "3,205"]);
      expect((await row(2)).slice(5)).toEqual([
        "499 streamedclient_closed_requestclient gone",
        "~1,934",
        "~354",
        "746",
        "4,827",
      ]);
      expect((await row(4)).slice(5, 8)).toEqual(["502 streamedagent_lost", "–unknown", "–unknown"]);
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
      stage.server.publish(BUSY_OVERVIEW);
      const { page } = await stage.openSignedIn();
      expect(await page.getByText(HOSTILE_NAME, { exact: true }).count()).toBeGreaterThan(1);
      expect(await page.evaluate(() => Reflect.get(globalThis, "pwned"))).toBeUndefined();
    });

    it("can be walked with Tab in reading order, scrolling regions included", async () => {
      stage.server.publish(BUSY_OVERVIEW);
      const { page } = await stage.openSignedIn();
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
        "Copy Variables for an OpenAI client",
        "curl",
        "Copy curl example",
      ];
      expect(names.filter((name) => expected.includes(name))).toEqual(expected);
      expect(names).not.toContain("Python");
      expect(names).not.toContain("Copy Python example");
    });

    it("switches the example with the arrow keys and copies it", async () => {
      stage.server.publish(BUSY_OVERVIEW);
      const { page } = await stage.openSignedIn();
      await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
      await page.getByRole("tab", { name: "curl" }).focus();
      await page.keyboard.press("ArrowRight");
      expect(await focusedName(page)).toBe("Python");
      await page.getByRole("button", { name: "Copy Python example" }).click();
      await page.getByText("Python example copied").waitFor();
      expect(await page.evaluate(() => navigator.clipboard.readText())).toContain("from openai import OpenAI");
    });

    it("tells a newcomer what to do while there is nothing to show", async () => {
      stage.server.publish(EMPTY_OVERVIEW);
      const { page } = await stage.openSignedIn();
      for (const text of ["No agent is connected", "Nothing is running", "No request has been answered yet"]) {
        expect(await seesText(page, text)).toBe(true);
      }
      for (const command of [
        "export CODEWISE_AGENT_SECRET=… # the proxy's AGENT_SECRET npm run agent -- --url http://127.0.0.1:3000",
        "CODEWISE_ADMIN_KEY=… npm run keys -- create --name my-laptop",
      ]) {
        expect(await seesText(page, command)).toBe(true);
      }
      expect(await page.locator("body").innerText()).not.toContain("--secret");
    });

    it("copies the agent's commands without the comment, which not every shell takes", async () => {
      stage.server.publish(EMPTY_OVERVIEW);
      const { page } = await stage.openSignedIn();
      await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
      await page.getByRole("button", { name: "Copy Commands that start an agent" }).click();
      await page.getByText("Commands that start an agent copied").waitFor();
      expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(
        "export CODEWISE_AGENT_SECRET=…\nnpm run agent -- --url http://127.0.0.1:3000",
      );
    });

    it("is served with a policy that allows no foreign and no unknown inline script, and may not be framed", async () => {
      const response = await fetch(stage.server.url);
      const policy = response.headers.get("content-security-policy") ?? "";
      expect(policy).toMatch(/script-src 'self'(?: 'sha256-[\w+/]+=')+;/);
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe|\*|https?:/);
      expect(response.headers.get("x-content-type-options")).toBe("nosniff");
      expect(response.headers.get("referrer-policy")).toBe("no-referrer");
      expect(response.headers.get("cache-control")).toBe("no-cache");
    });
  });
});
