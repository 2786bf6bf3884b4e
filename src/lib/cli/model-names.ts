/** How the models of the several CLIs are called between proxy and agent, and by clients. */

/** The CLIs that an agent can serve, in the order in which they are listed. */
export const CLI_NAMES = ["claude", "codex", "gemini"] as const;
export type CliName = (typeof CLI_NAMES)[number];

/** What stands before a model's own name to say which CLI is meant, such as `codex-cli/`. */
export function cliPrefix(cli: CliName): string {
  return `${cli}-cli/`;
}

/**
 * A model of a CLI as agents offer it and the proxy asks for it: Claude's under their own names, as they were before there
 * were others; the other CLIs' behind their prefix.
 */
export function toWireModel(cli: CliName, model: string): string {
  return cli === "claude" ? model : `${cliPrefix(cli)}${model}`;
}

/** Which CLI a name on the wire belongs to, and the model's own name; the inverse of {@link toWireModel}. */
export function splitWireModel(wireModel: string): { readonly cli: CliName; readonly model: string } {
  for (const cli of CLI_NAMES) {
    const prefix = cliPrefix(cli);
    if (wireModel.startsWith(prefix)) return { cli, model: wireModel.slice(prefix.length) };
  }
  return { cli: "claude", model: wireModel };
}

/** The models of one CLI among those on the wire, by their own names. */
export function modelsOfCli(cli: CliName, wireModels: readonly string[]): readonly string[] {
  return wireModels.map(splitWireModel).flatMap((name) => (name.cli === cli ? [name.model] : []));
}
