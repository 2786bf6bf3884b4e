import { cliPrefix, modelsOfCli, type CliName } from "../cli/model-names.ts";
import type { ProviderModel } from "./types.ts";

const OWNERS: Readonly<Record<CliName, string>> = { claude: "anthropic", codex: "openai", gemini: "google" };

/** What was listed for a snapshot of offers, by CLI: the same array comes back as long as the snapshot is the same. */
const listedOf = new WeakMap<readonly string[], Map<CliName, readonly ProviderModel[]>>();

/**
 * The models of one CLI among those that are offered, without wildcards: each as `<cli>-cli/<name>`, and before them the
 * short names: all of Claude's, and `codex` and `gemini` for what these CLIs take by default.
 */
export function listCliModels(cli: CliName, offered: readonly string[]): readonly ProviderModel[] {
  const known = listedOf.get(offered) ?? new Map<CliName, readonly ProviderModel[]>();
  listedOf.set(offered, known);
  const listed = known.get(cli) ?? list(cli, offered);
  known.set(cli, listed);
  return listed;
}

function list(cli: CliName, offered: readonly string[]): readonly ProviderModel[] {
  const names = modelsOfCli(cli, offered).filter((name) => !name.endsWith("*"));
  const short = names.filter((name) => cli === "claude" || name === cli);
  const long = names.map((name) => `${cliPrefix(cli)}${name}`);
  return [...short, ...long].map((id) => ({ id, ownedBy: OWNERS[cli], created: 0 }));
}
