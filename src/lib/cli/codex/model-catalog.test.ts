import { describe, expect, it } from "vitest";
import { plainCatalog } from "./model-catalog.ts";

describe("plainCatalog", () => {
  it("takes tools and prompts from every model and keeps the rest", () => {
    const model = {
      slug: "m",
      tool_mode: "code_mode_only",
      shell_type: "unified_exec",
      base_instructions: "You are",
      priority: 3,
    };
    const catalog = plainCatalog(JSON.stringify({ models: [model, { ...model, slug: "n" }], other: 1 }));
    const { models, other } = JSON.parse(catalog?.json ?? "");
    expect(other).toBe(1);
    expect(models.map(({ slug }: { slug: string }) => slug)).toEqual(["m", "n"]);
    expect(models[0]).toMatchObject({
      tool_mode: "direct",
      shell_type: "disabled",
      base_instructions: "",
      priority: 3,
    });
  });

  it("tells which models get images in all of their detail", () => {
    const models = [
      { slug: "m", supports_image_detail_original: true },
      { slug: "n", supports_image_detail_original: false },
      { slug: "o" },
    ];
    expect(plainCatalog(JSON.stringify({ models }))?.fullDetailModels).toEqual(new Set(["m"]));
  });

  it.each(["", "not json", "{}", '{"models":[]}', '{"models":[{}]}'])("takes no other output for one: %s", (output) => {
    expect(plainCatalog(output)).toBeUndefined();
  });
});
