import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADMIN_KEY, startProxy, type StartedProxy } from "../support/proxy.ts";
import { hasChromium, launchBrowser, openWatchedPage, type WatchedPage } from "./browser.ts";

const REFUSED = /^Failed to load resource: the server responded with a status of 401/;

describe.skipIf(!hasChromium())("the dashboard of the built server", () => {
  let browser: Browser;
  let proxy: StartedProxy;
  let watched: WatchedPage;

  beforeAll(async () => {
    [browser, proxy] = await Promise.all([launchBrowser(), startProxy()]);
    watched = await openWatchedPage(browser, proxy.url);
  });
  afterAll(async () => {
    await browser?.close();
    await proxy?.stop();
  });

  const ask = (key: string, model: string): Promise<Response> =>
    fetch(`${proxy.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ model, messages: [{ role: "user", content: "Hello!" }] }),
    });

  it("is served with the strict policy and security headers", async () => {
    const { headers } = await fetch(proxy.url);
    expect(headers.get("content-security-policy")).toMatch(/script-src 'self'(?: 'sha256-[\w+/]+=')+;/);
    expect(headers.get("content-security-policy")).not.toContain("unsafe");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("cache-control")).toBe("no-cache");
  });

  it("refuses a wrong key and lets the right one in", async () => {
    const { page } = watched;
    await page.getByLabel("Admin key").fill("wrong-admin-key-0123456789");
    await page.keyboard.press("Enter");
    await page.getByText("This is not the admin key.").waitFor();
    await page.getByLabel("Admin key").fill(ADMIN_KEY);
    await page.keyboard.press("Enter");
    await page.getByText("Live", { exact: true }).waitFor();
    expect(await page.getByText("No request has been answered yet").count()).toBe(1);
    expect(await page.getByText(`export OPENAI_BASE_URL=${proxy.url}/v1`).count()).toBe(1);
  });

  it("shows each request that ends without a reload, with its key, model, status and error code", async () => {
    const { page } = watched;
    await page.evaluate(() => Object.assign(globalThis, { sameDocument: true }));
    const answer = await ask(proxy.apiKey, "no-such-model");
    const { error } = (await answer.json()) as { error: { code: string } };
    const newest = page.getByRole("table", { name: "The last requests" }).locator("tbody tr").first();
    await newest.getByText("no-such-model").waitFor();
    const text = await newest.innerText();
    for (const part of ["e2e", String(answer.status), error.code]) expect(text).toContain(part);
    expect(await page.evaluate(() => Reflect.get(globalThis, "sameDocument"))).toBe(true);
  });

  it("keeps the session over a reload and ends it on sign-out", async () => {
    const { page } = watched;
    await page.reload();
    await page.getByText("Live", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("Admin key").waitFor();
    await page.reload();
    await page.getByLabel("Admin key").waitFor();
    expect(await page.evaluate(() => fetch("/api/admin/overview").then((response) => response.status))).toBe(401);
  });

  it("made no console errors but for refused keys, and no request to another host", () => {
    expect(watched.errors.filter((text) => !REFUSED.test(text))).toEqual([]);
    expect(watched.foreignRequests).toEqual([]);
  });
});
