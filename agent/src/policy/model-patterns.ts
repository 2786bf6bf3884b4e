/** Which models the owner allows, and what of an offer is left of that. */
import { CLI_NAMES, cliPrefix, splitWireModel, toWireModel } from "../../../src/lib/cli/model-names.ts";

const CLAUDE_PREFIX = cliPrefix("claude");

/**
 * Whether a model, by a name on the wire, matches one of the patterns: names on the wire, with a trailing `*` for all that
 * begin so. A pattern may name Claude's models by `claude-cli/` too, though they have no prefix on the wire; the bare name
 * of another CLI, as the proxy lists it to clients, is the model that the CLI chooses: `codex` is `codex-cli/codex`.
 */
export function allowsModel(patterns: readonly string[], wireModel: string): boolean {
  const name = canonical(wireModel);
  return patterns.some((pattern) => matches(onWire(pattern), name));
}

/**
 * The part of an offer that the patterns allow. Both may have entries with a trailing `*`: of two that overlap the
 * narrower is left, so that nothing is offered that {@link allowsModel} refuses.
 */
export function allowedOffers(patterns: readonly string[], offers: readonly string[]): readonly string[] {
  const allowed = new Set<string>();
  for (const offer of offers) {
    for (const pattern of patterns) {
      const common = narrower(onWire(pattern), offer);
      // The prefix of Claude's models alone names none.
      if (common !== undefined && common !== "") allowed.add(common);
    }
  }
  return [...allowed];
}

/** One name for each model: `claude-cli/opus` is `opus`, so that a pattern such as `claude-*` does not allow it by its prefix. */
function canonical(wireModel: string): string {
  const { cli, model } = splitWireModel(wireModel);
  return toWireModel(cli, model);
}

/** A pattern by names on the wire, apart from `claude-cli/`. */
function onWire(pattern: string): string {
  const cli = CLI_NAMES.find((name) => name === pattern && name !== "claude");
  return cli === undefined ? pattern : toWireModel(cli, cli);
}

function matches(pattern: string, name: string): boolean {
  if (pattern.startsWith(CLAUDE_PREFIX)) {
    return splitWireModel(name).cli === "claude" && matches(pattern.slice(CLAUDE_PREFIX.length), name);
  }
  return pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

function narrower(pattern: string, offer: string): string | undefined {
  if (pattern.startsWith(CLAUDE_PREFIX)) {
    const isClaude = splitWireModel(offer).cli === "claude";
    return isClaude ? narrower(pattern.slice(CLAUDE_PREFIX.length), offer) : undefined;
  }
  if (!offer.endsWith("*")) return matches(pattern, offer) ? offer : undefined;
  const offered = offer.slice(0, -1);
  if (!pattern.endsWith("*")) return pattern.startsWith(offered) ? pattern : undefined;
  const allowed = pattern.slice(0, -1);
  if (allowed.startsWith(offered)) return pattern;
  return offered.startsWith(allowed) ? offer : undefined;
}
