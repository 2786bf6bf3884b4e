import { join } from "node:path";
import type { Locator, Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { DESKTOP, hasChromium, LAPTOP, PHONE } from "./browser.ts";
import { OUTPUT, useDashboardStage } from "./dashboard-stage.ts";
import { findContrastFaults, findStructureFaults, measureImage } from "./page-checks.ts";
import { BUSY_OVERVIEW, EMPTY_OVERVIEW, LONG_MODEL } from "./sample-data.ts";

const TABLES = ["Requests in flight", "The last requests, newest first"];
/** What surrounds the scrolling region of a table and carries its shadows. */
const tableFrame = (page: Page, name: string): Locator =>
  page.locator("[data-hidden-sides]").filter({ has: page.getByRole("table", { name }) });
const tableRegion = (page: Page, name: string): Locator => tableFrame(page, name).getByRole("region");

describe.skipIf(!hasChromium())("the layout of the dashboard in a browser", () => {
  const stage = useDashboardStage();
  /** A blank page without a policy, to look at screenshots with. */
  let darkroom: Page;
  beforeAll(async () => {
    darkroom = await stage.browser.newPage();
  });

  it.each([
    ["phone", PHONE],
    ["laptop", LAPTOP],
  ] as const)("shows every command and example whole on a %s", async (_, viewport) => {
    stage.server.publish({ ...EMPTY_OVERVIEW, baseUrl: `https://${"very-long-label.".repeat(8)}example/v1` });
    const { page } = await stage.openSignedIn({ viewport });
    await page.getByText("No agent is connected").waitFor();
    const overflows = await page
      .locator("pre")
      .evaluateAll((all) => all.map((element) => element.scrollWidth - element.clientWidth));
    expect(overflows.length).toBeGreaterThan(5);
    expect(Math.max(...overflows)).toBeLessThanOrEqual(0);
  });

  it("fits its tables into a window of 1280 px, scrollbars included", async () => {
    stage.server.publish(BUSY_OVERVIEW);
    const { page } = await stage.openSignedIn({ viewport: LAPTOP });
    for (const name of TABLES) {
      expect(await tableFrame(page, name).getAttribute("data-hidden-sides")).toBe("none");
      expect(
        await tableRegion(page, name).evaluate((region) => region.scrollWidth - region.clientWidth),
      ).toBeLessThanOrEqual(0);
    }
  });

  it("shows by a shadow at which sides a table goes on where it does not fit", async () => {
    stage.server.publish(BUSY_OVERVIEW);
    const { page } = await stage.openSignedIn({ viewport: PHONE });
    for (const name of TABLES) {
      const shadows = (): Promise<string[]> =>
        tableFrame(page, name).evaluate((frame) =>
          ["::before", "::after"].map((side) => getComputedStyle(frame, side).opacity),
        );
      const scrollTo = (left: number): Promise<void> =>
        tableRegion(page, name).evaluate((region, to) => region.scrollTo({ left: to }), left);
      await expect.poll(shadows).toEqual(["0", "1"]);
      await scrollTo(40);
      await expect.poll(shadows).toEqual(["1", "1"]);
      await scrollTo(10_000);
      await expect.poll(shadows).toEqual(["1", "0"]);
    }
  });

  describe.each(["light", "dark"] as const)("in %s colours", (colorScheme) => {
    describe.each([
      ["desktop", DESKTOP],
      ["laptop", LAPTOP],
      ["phone", PHONE],
    ] as const)("on a %s", (device, viewport) => {
      it.each([
        ["sign-in", undefined],
        ["empty", EMPTY_OVERVIEW],
        ["busy", BUSY_OVERVIEW],
      ] as const)("the %s page is sound, legible and does not scroll sideways", async (name, overview) => {
        if (overview !== undefined) stage.server.publish(overview);
        const { page } =
          overview === undefined
            ? await stage.open({ colorScheme, viewport })
            : await stage.openSignedIn({ colorScheme, viewport });
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
    stage.server.publish(BUSY_OVERVIEW);
    const { page } = await stage.openSignedIn();
    const cell = page.getByTitle(LONG_MODEL).first();
    const [inner, outer] = await Promise.all([
      cell.boundingBox(),
      cell.locator("xpath=ancestor::*[self::td or self::th]").boundingBox(),
    ]);
    expect((inner?.x ?? 0) + (inner?.width ?? 0)).toBeLessThanOrEqual((outer?.x ?? 0) + (outer?.width ?? 0));
  });
});
