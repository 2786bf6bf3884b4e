/**
 * How long a request is on its way through each real CLI, cold and warm, and how much the CLI puts around it. The CLIs are
 * fetched from npm and ask a server on 127.0.0.1. `npm run bench:cli`, or with `-- --record` to keep the figures.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { z } from "zod";
import { startBasicModel } from "../../e2e/support/basic-model/start.ts";
import { CLI_NAMES, type CliName } from "../../src/lib/cli/model-names.ts";
import { measureInTurn } from "../measure/in-turn.ts";
import { median } from "../measure/percentile.ts";
import { describeMachine } from "../report/machine.ts";
import { CASES } from "./cases.ts";
import { measureRequest, type Measured } from "./measure.ts";
import { createSubjects } from "./subjects.ts";
import { renderRows, type Row } from "./table.ts";

const given = new Command("bench:cli")
  .option("--cli <names>", "these CLIs only, separated by commas", CLI_NAMES.join())
  .option("--count <number>", "requests of each kind, cold and warm in turn", "10")
  .option("--record", "write bench/results/cli.json, the record that is committed", false)
  .parse()
  .opts();
const options = z
  .object({
    cli: z
      .string()
      .transform((names) => names.split(","))
      .pipe(z.array(z.enum(CLI_NAMES))),
    count: z.coerce.number().int().min(1).max(1000),
    record: z.boolean(),
  })
  .parse(given);

const machine = describeMachine();
const api = await startBasicModel();
const rows: Row[] = [];
for (const cli of options.cli) rows.push(...(await runCli(cli)));
await api.close();

console.log(`\n${renderRows(rows).join("\n")}\n`);
if (options.record) {
  const path = join(import.meta.dirname, "..", "results", "cli.json");
  writeFileSync(path, `${JSON.stringify({ machine, count: options.count, rows }, undefined, 2)}\n`);
}

async function runCli(cli: CliName): Promise<Row[]> {
  const { subjects, prepared } = await createSubjects(cli, api.origin);
  const found: Row[] = [];
  try {
    for (const each of CASES) {
      const measured = new Map(subjects.map(({ name }) => [name, [] as Measured[]]));
      // The first request of all makes the warm ones warm.
      for (const { executor, model } of subjects) await measureRequest(executor, model, each, api);
      await measureInTurn(subjects, options.count, async ({ name, executor, model, prepare }) => {
        await prepare();
        const one = await measureRequest(executor, model, each, api);
        measured.get(name)?.push(one);
        return one.firstTextMs;
      });
      const middle = (name: string, figure: keyof Measured): number =>
        Math.round(median((measured.get(name) ?? []).map((one) => one[figure])) * 10) / 10;
      found.push({
        cli: `${cli} ${subjects[0]?.version ?? ""}`,
        request: each.name,
        coldToApiMs: middle("cold", "toApiMs"),
        warmToApiMs: middle("warm", "toApiMs"),
        coldFirstTextMs: middle("cold", "firstTextMs"),
        warmFirstTextMs: middle("warm", "firstTextMs"),
        bodyBytes: middle("cold", "bodyBytes"),
      });
      console.log(JSON.stringify(found.at(-1)));
    }
  } finally {
    await Promise.all(subjects.map(({ executor }) => executor.killAll()));
    await prepared.remove();
  }
  return found;
}
