import { expect, it } from "vitest";
import type { ProviderRegistry } from "../providers/index.ts";
import { createListedModels } from "./listed-models.ts";

it("asks for a list at most once a second for names that nobody lists, and not at all for those it has", async () => {
  let asked = 0;
  let now = 0;
  const ids = ["gpt-a"];
  const provider = {
    getModels: async () => {
      asked += 1;
      return ids.map((id) => ({ id, ownedBy: "", created: 0 }));
    },
  };
  const registry = { get: (id: string) => (id === "openai" ? provider : undefined) } as unknown as ProviderRegistry;
  const isListed = createListedModels(registry, () => now);
  expect(await Promise.all([isListed("openai", "gpt-a"), isListed("openai", "made-up")])).toEqual([true, false]);
  for (let index = 0; index < 10_000; index += 1) expect(isListed("openai", `made-up-${index}`)).toBe(false);
  expect([isListed("openai", "gpt-a"), isListed("nobody", "gpt-a"), asked]).toEqual([true, false, 1]);
  ids.push("gpt-new");
  now += 1000;
  expect(await isListed("openai", "gpt-new")).toBe(true);
  expect(asked).toBe(2);
});
