/**
 * `npm run soak -- --minutes 30`: mixed traffic with clients that leave and upstreams that fail, and a report that ends
 * with a failure where a bound is not kept. With PostgreSQL where it is found (`DATABASE_URL`, or its programs), else with
 * the embedded database (`--embedded` insists on it). `--built` runs the built server, `--write` puts the report into
 * docs/reliability.md.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { judgeSoak, type Finding } from "../src/test/soak/judge.ts";
import { runSoak } from "../src/test/soak/run-soak.ts";
import { hasPostgresPrograms, startPrivatePostgres } from "./private-postgres.ts";

const root = join(import.meta.dirname, "..");
const REPORT = join(root, "docs", "reliability.md");
const BEGIN = "<!-- soak: made by `npm run soak -- --write` -->";
const END = "<!-- soak: end -->";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    clients: { type: "string", default: "16" },
    seed: { type: "string", default: "1" },
    built: { type: "boolean", default: false },
    embedded: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});

async function run(): Promise<boolean> {
  const given = values.embedded ? undefined : process.env["TEST_DATABASE_URL"];
  const ownPostgres = !values.embedded && given === undefined && hasPostgresPrograms();
  const postgres = ownPostgres ? await startPrivatePostgres() : undefined;
  const databaseUrl = given ?? postgres?.url;
  // A cluster is a daemon: it would outlive a run that is broken off.
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      postgres?.stop();
      process.exit(1);
    });
  }
  try {
    const result = await runSoak({
      minutes: Number(values.minutes),
      clients: Number(values.clients),
      seed: Number(values.seed),
      databaseUrl,
      entry: values.built ? join(root, ".next", "standalone", "server.js") : join(root, "src", "server", "main.ts"),
    });
    for (const violation of result.violations) process.stdout.write(`${violation}\n`);
    const findings = judgeSoak(result);
    const kind = databaseUrl === undefined ? "the embedded database" : "PostgreSQL";
    const command = `npm run soak -- --minutes ${values.minutes}`;
    const conditions = `By \`${command}\` with ${kind}, ${values.clients} clients at a time, ${cpus().length} cores, seed ${values.seed}:`;
    const table = render(findings);
    process.stdout.write(`\n${conditions}\n\n${table}\n`);
    if (values.write) writeReport(`${conditions}\n\n${table}`);
    return findings.every(({ isGood }) => isGood !== false);
  } finally {
    postgres?.stop();
  }
}

function render(findings: readonly Finding[]): string {
  const verdict = ({ isGood }: Finding): string => (isGood === undefined ? "" : isGood ? "kept" : "**broken**");
  const cells = [["", "", ""], ...findings.map((finding) => [finding.name, finding.value, verdict(finding)])];
  const widths = [0, 1, 2].map((column) => Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  const [head = [], ...rows] = cells;
  return [line(head), rule, ...rows.map(line)].join("\n");
}

/** Replaces the marked part of the page, or adds it at the end. */
function writeReport(text: string): void {
  const page = readFileSync(REPORT, "utf8");
  const part = `${BEGIN}\n\n${text}\n\n${END}`;
  const [before, after] = [page.indexOf(BEGIN), page.indexOf(END)];
  const next =
    before === -1 || after === -1
      ? `${page.trimEnd()}\n\n## The soak\n\n${part}\n`
      : `${page.slice(0, before)}${part}${page.slice(after + END.length)}`;
  writeFileSync(REPORT, next);
}

process.exitCode = (await run()) ? 0 : 1;
