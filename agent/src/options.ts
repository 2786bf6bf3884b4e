/**
 * The one table of options. Flags, environment variables and keys of the config file are all derived from it, and so
 * are `--help` and the table in the README (a test compares them).
 */
import { hostname } from "node:os";
import { z } from "zod";
import { agentIdSchema } from "../../src/lib/agent/types.ts";
import { CLI_NAMES } from "../../src/lib/cli/model-names.ts";
import { parseHours, type DailyHours } from "./policy/daily-hours.ts";

export const LOG_LEVELS = ["error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const urlSchema = z
  .url({ protocol: /^https?$/, error: "must be an http:// or https:// URL" })
  .refine((value) => URL.parse(value)?.username === "" && URL.parse(value)?.password === "", {
    error: "must not carry a user name or password",
  })
  .transform((value) => {
    const url = new URL(value);
    return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
  });

const secretSchema = z
  .string({ error: "must be a text" })
  .regex(/^[\x21-\x7e]+$/, "must consist of visible ASCII characters without spaces")
  .max(4096, "must have at most 4096 characters");

const textSchema = z.string({ error: "must be a text" }).min(1, "must not be empty").max(4096, "is too long");

/** A whole number as JSON has it, or as text from a flag or a variable. */
const wholeNumber = (minimum: number, maximum: number) => {
  const error = `must be a whole number from ${minimum} to ${maximum}`;
  return z
    .union([z.number(), z.string().regex(/^\d+$/).transform(Number)], { error })
    .refine((value) => Number.isInteger(value) && value >= minimum && value <= maximum, { error });
};

/** A text with commas, or several. */
const listSchema = (error: string) =>
  z.union([z.string(), z.array(z.string())], { error }).transform((value) =>
    [value]
      .flat()
      .flatMap((part) => part.split(","))
      .map((name) => name.trim())
      .filter((name) => name !== ""),
  );

const cliNamesError = `must name one or more of ${CLI_NAMES.join(", ")}`;
const cliNamesSchema = listSchema(cliNamesError)
  .pipe(z.array(z.enum(CLI_NAMES, { error: cliNamesError })).min(1, cliNamesError))
  .transform((names) => [...new Set(names)]);

const variableNamesSchema = listSchema("must be a list of variable names").pipe(
  z.array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be names of environment variables")).max(200),
);

const patternsError = "must be names of models, each with at most one * and that at its end";
const modelPatternsSchema = listSchema(patternsError).pipe(
  z
    .array(
      z
        .string()
        .regex(/^[^\s*]*\*?$/, patternsError)
        .max(256, patternsError),
    )
    .min(1, patternsError)
    .max(100, "must be at most 100 names"),
);

const hoursError = "must be times of the day such as 09:00-18:00";
const hoursSchema = listSchema(hoursError)
  .pipe(
    z.array(
      z.string().transform((text, context): DailyHours => {
        const hours = parseHours(text);
        if (hours !== undefined) return hours;
        context.addIssue({ code: "custom", message: hoursError });
        return z.NEVER;
      }),
    ),
  )
  .refine((hours) => hours.length > 0 && hours.length <= 50, { error: hoursError });

/** A flag without a value, or a word from a variable. */
const switchSchema = z.union(
  [z.boolean(), z.enum(["true", "1", "false", "0"]).transform((word) => word === "true" || word === "1")],
  { error: "must be true or false" },
);

interface OptionSpec {
  /** Commander's notation; its camelCase name is the option's key in the table. */
  readonly flag: string;
  readonly env: string;
  readonly description: string;
  /** Shown in `--help` and the README. */
  readonly defaultText?: string;
  /** All that it may be, for completion; where it is a list, one of them. */
  readonly values?: readonly string[];
  /** May be given more than once; the values are gathered. */
  readonly repeatable?: boolean;
  /** Names the config file itself, so it cannot stand in it. */
  readonly notInFile?: boolean;
}

export const OPTIONS = {
  url: { flag: "--url <url>", env: "CODEWISE_URL", description: "address of the Codewise proxy" },
  secret: {
    flag: "--secret <secret>",
    env: "CODEWISE_AGENT_SECRET",
    description:
      "the proxy's AGENT_SECRET, where this machine is not logged in; prefer the variable or the config file, since a flag is visible to every user of the machine in the process list",
  },
  agentId: {
    flag: "--agent-id <id>",
    env: "CODEWISE_AGENT_ID",
    description: "name of this agent, unique at the proxy",
    defaultText: "the host name",
  },
  cli: {
    flag: "--cli <names>",
    env: "CODEWISE_CLI",
    description: "the CLIs to serve, separated by commas: claude, codex, gemini; may be repeated",
    defaultText: "all that are installed",
    values: CLI_NAMES,
    repeatable: true,
  },
  claudePath: {
    flag: "--claude-path <file>",
    env: "CODEWISE_CLAUDE_PATH",
    description: "the Claude Code CLI to run",
    defaultText: "claude, found on PATH",
  },
  codexPath: {
    flag: "--codex-path <file>",
    env: "CODEWISE_CODEX_PATH",
    description: "the Codex CLI to run",
    defaultText: "codex, found on PATH",
  },
  geminiPath: {
    flag: "--gemini-path <file>",
    env: "CODEWISE_GEMINI_PATH",
    description: "the Gemini CLI to run",
    defaultText: "gemini, found on PATH",
  },
  maxConcurrency: {
    flag: "--max-concurrency <number>",
    env: "CODEWISE_MAX_CONCURRENCY",
    description: "requests to run at the same time, 1 to 64",
    defaultText: "2",
  },
  spares: {
    flag: "--spares <number>",
    env: "CODEWISE_SPARES",
    description:
      "processes of claude, and as many of gemini, that wait for the next request, 0 to 8; each saves a start and takes some 90 MB (claude) or 230 MB (gemini); codex takes none, it keeps one process anyway",
    defaultText: "0",
  },
  allowModels: {
    flag: "--allow-models <patterns>",
    env: "CODEWISE_ALLOW_MODELS",
    description:
      "the only models to serve, separated by commas: names as the proxy asks for them, or beginnings with a trailing *, such as sonnet, claude-* or codex-cli/*; may be repeated",
    defaultText: "all",
    repeatable: true,
  },
  maxRequestsPerHour: {
    flag: "--max-requests-per-hour <number>",
    env: "CODEWISE_MAX_REQUESTS_PER_HOUR",
    description: "requests to take within any 60 minutes, 1 to 10000",
    defaultText: "no limit",
  },
  maxTokensPerDay: {
    flag: "--max-tokens-per-day <number>",
    env: "CODEWISE_MAX_TOKENS_PER_DAY",
    description: "tokens of prompts and answers to use in one day of local time; what runs then is finished",
    defaultText: "no limit",
  },
  hours: {
    flag: "--hours <from-to>",
    env: "CODEWISE_HOURS",
    description:
      "the hours of the day to serve in, by local time, such as 09:00-18:00 or 22:00-06:00; several separated by commas; may be repeated",
    defaultText: "always",
    repeatable: true,
  },
  approve: {
    flag: "--approve",
    env: "CODEWISE_APPROVE",
    description: "ask before each request: by the keys y and n on a terminal, else by the commands approve and deny",
    defaultText: "false",
  },
  approveTimeout: {
    flag: "--approve-timeout <seconds>",
    env: "CODEWISE_APPROVE_TIMEOUT",
    description: "how long a request waits for its approval before it is refused, 5 to 600",
    defaultText: "60",
  },
  workDir: {
    flag: "--work-dir <folder>",
    env: "CODEWISE_WORK_DIR",
    description: "where the CLI's empty working folders are made",
    defaultText: "the system's folder for temporary files",
  },
  spoolDir: {
    flag: "--spool-dir <folder>",
    env: "CODEWISE_SPOOL_DIR",
    description: "where answers are kept until the proxy has acknowledged them; off keeps them in memory only",
    defaultText: "codewise/agent in the user's folder for the state of programs",
  },
  passEnv: {
    flag: "--pass-env <names>",
    env: "CODEWISE_PASS_ENV",
    description: "further environment variables that the CLI may see, separated by commas; may be repeated",
    defaultText: "none",
    repeatable: true,
  },
  drainTimeout: {
    flag: "--drain-timeout <seconds>",
    env: "CODEWISE_DRAIN_TIMEOUT",
    description: "how long running requests may take to finish after SIGINT or SIGTERM, 0 to 3600",
    defaultText: "60",
  },
  logLevel: {
    flag: "--log-level <level>",
    env: "CODEWISE_LOG_LEVEL",
    description: "error, warn, info or debug",
    defaultText: "info",
    values: LOG_LEVELS,
  },
  config: {
    flag: "--config <file>",
    env: "CODEWISE_CONFIG",
    description: "a JSON file with any of these options, by their names in camelCase",
    defaultText: "none",
    notInFile: true,
  },
} as const satisfies Record<string, OptionSpec>;

export type OptionName = keyof typeof OPTIONS;
export const OPTION_NAMES = Object.keys(OPTIONS) as OptionName[];

/** The table's rows under their common type. */
export function optionSpec(name: OptionName): OptionSpec {
  return OPTIONS[name];
}

/** The long flag without its value, such as `--url`. */
export function longFlag(name: OptionName): string {
  return OPTIONS[name].flag.replace(/ .*/, "");
}

export const configSchema = z.object({
  url: urlSchema,
  /** Left out, the token of a login is used. */
  secret: secretSchema.optional(),
  agentId: agentIdSchema.default(() => defaultAgentId(hostname())),
  /** Left out, those that are installed. */
  cli: cliNamesSchema.optional(),
  claudePath: textSchema.default("claude"),
  codexPath: textSchema.default("codex"),
  geminiPath: textSchema.default("gemini"),
  maxConcurrency: wholeNumber(1, 64).default(2),
  spares: wholeNumber(0, 8).default(0),
  /** Left out, all models. */
  allowModels: modelPatternsSchema.optional(),
  maxRequestsPerHour: wholeNumber(1, 10_000).optional(),
  maxTokensPerDay: wholeNumber(1, 1_000_000_000_000).optional(),
  /** Left out, always. */
  hours: hoursSchema.optional(),
  approve: switchSchema.default(false),
  /** Seconds. */
  approveTimeout: wholeNumber(5, 600).default(60),
  workDir: textSchema.optional(),
  spoolDir: textSchema.optional(),
  passEnv: variableNamesSchema.default([]),
  /** Seconds. */
  drainTimeout: wholeNumber(0, 3600).default(60),
  logLevel: z.enum(LOG_LEVELS, { error: `must be one of ${LOG_LEVELS.join(", ")}` }).default("info"),
});

export type AgentConfig = z.infer<typeof configSchema>;

/** A host name made valid for {@link agentIdSchema}: other characters become `-`; `agent` where nothing is left. */
export function defaultAgentId(host: string): string {
  const name = host
    .replace(/[^A-Za-z0-9._@-]/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, 128);
  return name === "" ? "agent" : name;
}
