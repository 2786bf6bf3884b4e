import { describe, expect, it } from "vitest";
import { openAIFrames } from "../../src/test/fake-openai-server.ts";
import type { Mount } from "./mount.ts";
import { ask, askRaw, inPieces } from "./requests.ts";

/** Headers and bytes of answers, as a client that speaks plain HTTP sees them. */
export function testWireForm(mount: () => Mount): void {
  describe("a whole answer on the wire", () => {
    it("is one JSON object with a request id and who served it", async () => {
      const response = await ask(mount(), { model: "gpt-test" });
      expect(response.status).toBe(200);
      expect(response.headers.get("content-type")).toMatch(/^application\/json/);
      expect(response.headers.get("x-request-id")).toMatch(/^req_[0-9a-f]{32}$/);
      expect(response.headers.get("x-codewise-provider")).toBe("openai");
      expect(await response.json()).toMatchObject({
        object: "chat.completion",
        choices: [{ message: { role: "assistant", content: "Hello there!" }, finish_reason: "stop" }],
      });
    });
  });

  describe("a stream on the wire", () => {
    it("is data frames and [DONE], with headers that no buffer in between may hold back", async () => {
      const response = await ask(mount(), { model: "gpt-test", stream: true });
      expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
      expect(response.headers.get("cache-control")).toContain("no-cache");
      expect(response.headers.get("x-request-id")).toMatch(/^req_/);
      const frames = (await response.text()).split("\n\n");
      expect(frames.splice(-2)).toEqual(["data: [DONE]", ""]);
      for (const frame of frames) expect(frame).toMatch(/^data: \{.*\}$/);
    });

    it("arrives frame by frame, while the upstream still writes", async () => {
      const hold = Promise.withResolvers<void>();
      const frames = openAIFrames();
      mount().upstreams.openai.enqueue({ steps: [...frames.slice(0, 2), { until: hold.promise }, ...frames.slice(2)] });
      const reader = (await ask(mount(), { model: "gpt-test", stream: true })).body!.getReader();
      const decoder = new TextDecoder();
      let text = "";
      while (!text.includes('"Hello"')) text += decoder.decode((await reader.read()).value, { stream: true });
      expect(text).not.toContain("there");
      hold.resolve();
      for (let next = await reader.read(); !next.done; next = await reader.read()) text += decoder.decode(next.value);
      expect(text).toContain("data: [DONE]");
    });

    it("ends with an error frame and without [DONE] when the upstream breaks off", async () => {
      mount().upstreams.openai.enqueue({ steps: openAIFrames().slice(0, 3), end: "drop" });
      const text = await (await ask(mount(), { model: "gpt-test", stream: true })).text();
      expect(text).toContain('"Hello"');
      expect(text).toMatch(/data: \{"error":\{"message":.*\}\}\n\n$/);
      expect(text).not.toContain("[DONE]");
    });

    it("gets its headers and a comment frame after 15 seconds of silence", async () => {
      const hold = Promise.withResolvers<void>();
      mount().upstreams.openai.enqueue({ steps: [{ until: hold.promise }, ...openAIFrames()] });
      const askedAt = performance.now();
      const response = await ask(mount(), { model: "gpt-test", stream: true });
      const reader = response.body!.getReader();
      const first = new TextDecoder().decode((await reader.read()).value);
      expect(performance.now() - askedAt).toBeGreaterThan(14_000);
      expect(response.status).toBe(200);
      expect(first).toMatch(/^:[^\n]*\n\n$/);
      hold.resolve();
      let rest = "";
      for (let next = await reader.read(); !next.done; next = await reader.read())
        rest += new TextDecoder().decode(next.value);
      expect(rest).toContain("data: [DONE]");
    });
  });

  describe("requests in other forms", () => {
    it("may have a body that comes in pieces, cut anywhere", async () => {
      const content = "ä€😀".repeat(20_000);
      const body = JSON.stringify({ model: "gpt-test", messages: [{ role: "user", content }] });
      const before = mount().upstreams.openai.requests.length;
      expect((await askRaw(mount(), inPieces(body))).status).toBe(200);
      const received = await mount().upstreams.openai.request(before);
      // Compared as a whole, a difference would print all of it.
      expect(received.text.includes(content)).toBe(true);
    });
  });

  describe("health", () => {
    it("is answered on /healthz and /readyz, to HEAD as well", async () => {
      for (const path of ["/healthz", "/readyz"]) {
        await expect.poll(async () => (await fetch(`${mount().url}${path}`)).status).toBe(200);
        const head = await fetch(`${mount().url}${path}`, { method: "HEAD" });
        expect([head.status, await head.text()]).toEqual([200, ""]);
      }
    });
  });
}
