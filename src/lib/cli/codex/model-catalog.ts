import { z } from "zod";

const catalogModelSchema = z.looseObject({
  slug: z.string(),
  supports_image_detail_original: z.boolean().nullish(),
});
const catalogSchema = z.looseObject({ models: z.array(catalogModelSchema).min(1) });

/**
 * What makes a model of the CLI's catalogue a plain one: answers in text and calls of the client's tools, without the
 * CLI's prompts and tools. In version 0.169.0 all of its newer models are given one tool that runs JavaScript, which
 * offers every other tool within, whatever features are switched off.
 */
const PLAIN_MODEL = {
  tool_mode: "direct",
  shell_type: "disabled",
  apply_patch_tool_type: null,
  experimental_supported_tools: [],
  multi_agent_version: null,
  node_repl_disabled: true,
  supports_search_tool: false,
  base_instructions: "",
  model_messages: null,
  default_verbosity: null,
  // Otherwise an effort is told the model in a message of its own.
  supports_reasoning_effort_updates: false,
  include_skills_usage_instructions: false,
  include_plugin_usage_instructions: false,
  include_apps_usage_instructions: false,
};

export interface PlainCatalog {
  /** JSON text for `model_catalog_json`. */
  readonly json: string;
  /** Models that are sent images in all of their detail: see prepare-image.ts. */
  readonly fullDetailModels: ReadonlySet<string>;
}

/**
 * A catalogue of the same models with nothing to act with.
 *
 * @param output JSON text of `codex debug models --bundled`
 * @returns `undefined` where that is no catalogue
 */
export function plainCatalog(output: string): PlainCatalog | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(output);
  } catch {
    return undefined;
  }
  const catalog = catalogSchema.safeParse(parsed);
  if (!catalog.success) return undefined;
  const models = catalog.data.models.map((model) => ({ ...model, ...PLAIN_MODEL }));
  const fullDetail = catalog.data.models.filter((model) => model.supports_image_detail_original === true);
  return {
    json: JSON.stringify({ ...catalog.data, models }),
    fullDetailModels: new Set(fullDetail.map(({ slug }) => slug)),
  };
}
