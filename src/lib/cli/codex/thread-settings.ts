import { z } from "zod";
import type { Fields } from "../../openai/fields.ts";

/** The part of `config/read`'s answer that the settings of a thread depend on. */
export const configReadSchema = z.looseObject({
  config: z.looseObject({
    model_provider: z.string().nullish(),
    openai_base_url: z.string().nullish(),
    model_providers: z.record(z.string(), z.unknown()).nullish(),
    mcp_servers: z.record(z.string(), z.unknown()).nullish(),
  }),
});
export type OwnerConfig = z.infer<typeof configReadSchema>["config"];

/** A copy of the CLI's own provider, whose entry takes no changes. */
const OWN_PROVIDER = "codewise";
const BUILT_IN_PROVIDER = "openai";

/**
 * No retries: whoever asked fails over sooner, and an answer that broke off is never begun again behind what was
 * delivered. No websockets: without them every request is one HTTP exchange, which ends with its turn.
 */
const PLAIN_TRANSPORT = { request_max_retries: 0, stream_max_retries: 0, supports_websockets: false };

export interface ThreadSettings {
  /** `undefined`: the owner's. */
  readonly modelProvider: string | undefined;
  /** Overrides of the owner's configuration, as `thread/start` takes them. */
  readonly config: Fields;
}

/**
 * What a thread needs beside the process's arguments, for the configuration that the owner has now: each of its MCP servers
 * switched off (an empty table would be merged into theirs), and a provider that does not retry.
 */
export function threadSettings(owner: OwnerConfig): ThreadSettings {
  const servers = Object.keys(owner.mcp_servers ?? {}).map((name) => [name, { enabled: false }]);
  const mcp = servers.length === 0 ? {} : { mcp_servers: Object.fromEntries(servers) };
  const provider = owner.model_provider ?? BUILT_IN_PROVIDER;
  if (provider === BUILT_IN_PROVIDER) {
    const copy = {
      // The name by which the CLI knows its own vendor; its address follows from the login where none is given.
      name: "OpenAI",
      wire_api: "responses",
      requires_openai_auth: true,
      ...(owner.openai_base_url ? { base_url: owner.openai_base_url } : {}),
      ...PLAIN_TRANSPORT,
    };
    return { modelProvider: OWN_PROVIDER, config: { ...mcp, model_providers: { [OWN_PROVIDER]: copy } } };
  }
  // The other built-in ones are local programs and take no changes either.
  const isOwners = Object.hasOwn(owner.model_providers ?? {}, provider);
  const change = isOwners ? { model_providers: { [provider]: PLAIN_TRANSPORT } } : {};
  return { modelProvider: undefined, config: { ...mcp, ...change } };
}
