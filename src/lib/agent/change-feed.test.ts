import { expect, test, vi } from "vitest";
import { silentLogger } from "../telemetry/logger.ts";
import { ChangeFeed } from "./change-feed.ts";

test("a listener that throws keeps the news from no other, now or later", async () => {
  const feed = new ChangeFeed(silentLogger);
  feed.subscribe(() => {
    throw new TypeError("broken");
  });
  const listener = vi.fn<() => void>();
  feed.subscribe(listener);
  for (let turn = 1; turn <= 2; turn += 1) {
    feed.announce();
    await new Promise(setImmediate);
    expect(listener).toHaveBeenCalledTimes(turn);
  }
});
