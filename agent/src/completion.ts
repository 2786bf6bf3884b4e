/** Shell completion, written from the program's own commands and options, so that it can say nothing that is not there. */
import type { Command, Option } from "commander";
import { longFlag, OPTION_NAMES, optionSpec } from "./options.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** One command with what may follow it; `path` is empty for the program itself. */
interface Node {
  readonly path: readonly string[];
  readonly words: readonly { readonly word: string; readonly description: string }[];
  readonly options: readonly CompletedOption[];
}

interface CompletedOption {
  readonly word: string;
  readonly description: string;
  readonly isFile: boolean;
  /** What its value may be; empty where that is open. */
  readonly values: readonly string[];
}

const NAME = "codewise-agent";

/** The script that a shell is to read, such as by `source <(codewise-agent completion bash)`. */
export function completionScript(program: Command, shell: Shell): string {
  const nodes = collect(program, []);
  if (shell === "fish") return fishScript(nodes);
  return shell === "bash" ? bashScript(nodes) : zshScript(nodes);
}

function collect(command: Command, path: readonly string[]): readonly Node[] {
  const own = command.options.map(describeOption);
  const shared = ancestors(command).flatMap(({ options }) => options.map(describeOption));
  const help = { word: "--help", description: "show help", isFile: false, values: [] };
  const words = command.commands.map((child) => ({ word: child.name(), description: brief(child.description()) }));
  const shells = path[0] === "completion" ? SHELLS.map((word) => ({ word, description: "" })) : [];
  const node = { path, words: [...words, ...shells], options: [...own, ...shared, help] };
  return [node, ...command.commands.flatMap((child) => collect(child, [...path, child.name()]))];
}

/** From the nearest on; their options are taken after the command too. */
function ancestors({ parent }: Command): readonly Command[] {
  return parent === null ? [] : [parent, ...ancestors(parent)];
}

function describeOption(option: Option): CompletedOption {
  const word = option.long ?? option.flags;
  const isFile = /<(file|folder)>/.test(option.flags);
  const name = OPTION_NAMES.find((one) => longFlag(one) === word);
  const values = (name === undefined ? undefined : optionSpec(name).values) ?? [];
  return { word, description: brief(option.description), isFile, values };
}

/** The first words of a description, without what a shell would read as its own. */
function brief(description: string): string {
  const [first = ""] = description.split(/[:;(]/, 1);
  return first.replace(/[^A-Za-z0-9 ,.*/-]/g, "").trim();
}

function fileOptions(nodes: readonly Node[]): readonly string[] {
  return [...new Set(nodes.flatMap(({ options }) => options.filter(({ isFile }) => isFile).map(({ word }) => word)))];
}

/** Each option whose values are known, once. */
function valueOptions(nodes: readonly Node[]): readonly CompletedOption[] {
  const all = nodes.flatMap(({ options }) => options.filter(({ values }) => values.length > 0));
  return [...new Map(all.map((option) => [option.word, option])).values()];
}

/** For bash 3.2 too, which macOS has. The commands that have been typed are the words that name one; the values of options are mistaken for none in practice. */
function bashScript(nodes: readonly Node[]): string {
  const cases = nodes.map(({ path, words, options }) => {
    const all = [...words, ...options].map(({ word }) => word).join(" ");
    return `    "${path.join(" ")}") candidates="${all}" ;;`;
  });
  return `_codewise_agent() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" command="" candidates="" word IFS=$' \\n'
  COMPREPLY=()
  case "$previous" in
    ${fileOptions(nodes).join("|")}) COMPREPLY=($(compgen -f -- "$current")); return ;;
${valueOptions(nodes)
  .map(({ word, values }) => `    ${word}) COMPREPLY=($(compgen -W "${values.join(" ")}" -- "$current")); return ;;`)
  .join("\n")}
  esac
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${command:+$command }$word" in
${nodes
  .filter(({ path }) => path.length > 0)
  .map(({ path }) => `      "${path.join(" ")}") command="${path.join(" ")}" ;;`)
  .join("\n")}
    esac
  done
  case "$command" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$candidates" -- "$current"))
}
complete -F _codewise_agent ${NAME}
`;
}

function zshScript(nodes: readonly Node[]): string {
  return `#compdef ${NAME}
# Read by zsh: the completion for bash, through zsh's own adapter.
autoload -U +X bashcompinit && bashcompinit
${bashScript(nodes)}`;
}

function fishScript(nodes: readonly Node[]): string {
  const lines = nodes.flatMap(({ path, words, options }) => {
    const seen = path.map((word) => `__fish_seen_subcommand_from ${word}`).join("; and ");
    const children = words.map(({ word }) => word).join(" ");
    const notYet = children === "" ? "" : `not __fish_seen_subcommand_from ${children}`;
    const condition = [seen, notYet].filter((part) => part !== "").join("; and ");
    const when = condition === "" ? "" : ` -n '${condition}'`;
    return [
      ...words.map(({ word, description }) => `complete -c ${NAME} -f${when} -a ${word} -d '${description}'`),
      ...options.map(
        ({ word, description, isFile, values }) =>
          `complete -c ${NAME}${fishArguments(isFile, values)}${when} -l ${word.slice(2)} -d '${description}'`,
      ),
    ];
  });
  return `${lines.join("\n")}\n`;
}

function fishArguments(isFile: boolean, values: readonly string[]): string {
  if (isFile) return " -r -F";
  return values.length === 0 ? " -f" : ` -x -a '${values.join(" ")}'`;
}
