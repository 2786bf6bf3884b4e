import { Command, InvalidArgumentError } from "commander";
import { isPeer, TARGETS, type TargetName } from "./targets/index.ts";

export interface BenchOptions {
  readonly only: readonly string[];
  readonly targets: readonly TargetName[];
  readonly peers: boolean;
  readonly rounds: number;
  readonly seconds: number;
  readonly holdSeconds: number;
  readonly source: boolean;
  readonly embedded: boolean;
  readonly gate: boolean;
  readonly record: boolean;
}

const allTargets = Object.keys(TARGETS) as TargetName[];

/** @param argv the arguments without node and script; wrong ones end the process with their reason */
export function parseOptions(argv: readonly string[]): BenchOptions {
  const given = new Command("bench")
    .description("Measures Codewise beside a bare pass-through and the upstream alone. See bench/README.md.")
    .option("--only <scenarios>", "these scenarios only, separated by commas", parseNames, [])
    .option("--targets <targets>", "these targets only, separated by commas", parseTargets)
    .option("--peers", "with other gateways, which are installed when first needed", false)
    .option("--rounds <number>", "rounds, each with fresh processes", parsePositive, 3)
    .option("--seconds <number>", "length of a measured window", parsePositive, 3)
    .option("--hold-seconds <number>", "how long the scenario `hold` holds its streams", parsePositive, 600)
    .option("--source", "Codewise from source without its dashboard, in place of the built server", false)
    .option("--embedded", "Codewise with its embedded database, in place of PostgreSQL", false)
    .option("--no-gate", "a missed budget is only reported")
    .option("--record", "write bench/results/latest.json, the record that is committed", false)
    .parse([...argv], { from: "user" })
    .opts<Omit<BenchOptions, "targets"> & { readonly targets?: readonly TargetName[] }>();
  const targets = given.targets ?? allTargets.filter((name) => given.peers || !isPeer(name));
  return { ...given, targets };
}

function parseNames(text: string): string[] {
  return text.split(",").filter((name) => name !== "");
}

function parseTargets(text: string): TargetName[] {
  return parseNames(text).map((name) => {
    const target = allTargets.find((each) => each === name);
    if (target === undefined) throw new InvalidArgumentError(`there are ${allTargets.join(", ")}`);
    return target;
  });
}

function parsePositive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError("must be a number over 0");
  return value;
}
