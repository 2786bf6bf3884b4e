/**
 * The only reader of `process.env`. Parsed once by the composition root; everything else receives values. Each
 * variable stands in `.env.example` too (a test compares both ways).
 */
import { existsSync } from "node:fs";
import { z } from "zod";

const emptyIsUnset = (value: unknown): unknown => (value === "" ? undefined : value);
const text = z.preprocess(emptyIsUnset, z.string().trim().min(1).optional());
const flag = z
  .preprocess(emptyIsUnset, z.enum(["true", "false", "1", "0"]).optional())
  .transform((value) => value === "true" || value === "1");
const flagOn = z
  .preprocess(emptyIsUnset, z.enum(["true", "false", "1", "0"]).optional())
  .transform((value) => value !== "false" && value !== "0");
const integer = (fallback: number, minimum: number, maximum: number) =>
  z.preprocess(
    emptyIsUnset,
    z.coerce
      .number(`must be a whole number from ${minimum} to ${maximum}`)
      .int(`must be a whole number from ${minimum} to ${maximum}`)
      .min(minimum, `must be at least ${minimum}`)
      .max(maximum, `must be at most ${maximum}`)
      .default(fallback),
  );
const url = z
  .url({ protocol: /^https?$/, message: "must be an http:// or https:// URL" })
  .transform((value) => value.replace(/\/+$/, ""));
const httpUrl = (fallback: string) => z.preprocess(emptyIsUnset, url.default(fallback));
const optionalHttpUrl = z.preprocess(emptyIsUnset, url.optional());
const secret = (minimum: number) =>
  z.preprocess(emptyIsUnset, z.string().min(minimum, `must have at least ${minimum} characters`).optional());

const list = z.preprocess(emptyIsUnset, z.string().optional()).transform((value) =>
  (value ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== ""),
);

const MINUTE = 60_000;

/** Every variable, with its default and bounds. Durations in milliseconds, sizes in bytes. */
export const envSchema = z.object({
  // Server
  HOST: z.preprocess(emptyIsUnset, z.string().default("127.0.0.1")),
  PORT: integer(3000, 0, 65_535),
  WORKERS: integer(1, 1, 64),
  LOG_LEVEL: z.preprocess(
    emptyIsUnset,
    z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
  ),
  MAX_BODY_BYTES: integer(32 * 1024 * 1024, 1024, 1024 * 1024 * 1024),
  BODY_MEMORY_BYTES: integer(256 * 1024 * 1024, 1024 * 1024, 64 * 1024 * 1024 * 1024),
  SLOW_READER_TIMEOUT_MS: integer(60_000, 100, 60 * MINUTE),
  SHUTDOWN_GRACE_MS: integer(30_000, 0, 10 * MINUTE),

  // Telemetry
  LOG_REQUESTS: flagOn,
  METRICS_ENABLED: flagOn,
  METRICS_PUBLIC: flag,
  OTEL_EXPORTER_OTLP_ENDPOINT: optionalHttpUrl,
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: optionalHttpUrl,
  OTEL_SERVICE_NAME: z.preprocess(emptyIsUnset, z.string().max(200).default("codewise")),

  // Access
  CODEWISE_ADMIN_KEY: secret(16),
  CODEWISE_URL: optionalHttpUrl,

  // Limits
  KEY_REQUESTS_PER_MINUTE: integer(0, 0, 1_000_000),
  KEY_MAX_CONCURRENCY: integer(0, 0, 100_000),
  MAX_IN_FLIGHT: integer(10_000, 0, 1_000_000),

  // Data
  DATABASE_URL: text,
  CODEWISE_DATA_DIR: z.preprocess(emptyIsUnset, z.string().default(".codewise")),

  REQUEST_LOG_ENABLED: flagOn,
  REQUEST_LOG_RETENTION_DAYS: integer(90, 0, 36_500),

  // Providers
  OPENAI_API_KEY: text,
  OPENAI_BASE_URL: httpUrl("https://api.openai.com/v1"),
  OPENAI_MODELS: list,
  ANTHROPIC_API_KEY: text,
  ANTHROPIC_BASE_URL: httpUrl("https://api.anthropic.com"),
  CLAUDE_CLI_ENABLED: flag,
  CLAUDE_CLI_PATH: z.preprocess(emptyIsUnset, z.string().default("claude")),
  CLAUDE_CLI_MAX_CONCURRENCY: integer(2, 1, 100),
  CLAUDE_CLI_SPARES: integer(0, 0, 8),

  // Agents
  AGENT_SECRET: secret(16),
  AGENT_PING_INTERVAL_MS: integer(30_000, 100, 5 * MINUTE),
  AGENT_RESUME_GRACE_MS: integer(15_000, 0, 10 * MINUTE),
  AGENT_QUEUE_MAX: integer(100, 0, 10_000),
  AGENT_QUEUE_WAIT_MS: integer(30_000, 0, 10 * MINUTE),

  // Timeouts of one request
  UPSTREAM_CONNECT_TIMEOUT_MS: integer(10_000, 100, 2 * MINUTE),
  FIRST_OUTPUT_TIMEOUT_MS: integer(600_000, 100, 60 * MINUTE),
  IDLE_TIMEOUT_MS: integer(600_000, 100, 60 * MINUTE),
  REQUEST_TIMEOUT_MS: integer(30 * MINUTE, 1000, 24 * 60 * MINUTE),

  // Failing upstreams
  RETRY_WAIT_MAX_MS: integer(5000, 0, MINUTE),
  CIRCUIT_COOLDOWN_MS: integer(5000, 0, 5 * MINUTE),
});

export type Env = z.infer<typeof envSchema>;

/** Raised with one line per wrong variable; never quotes a value, since it may be a secret. */
export class EnvError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`Invalid environment:\n${problems.map((problem) => `  ${problem}`).join("\n")}`);
    this.name = "EnvError";
    this.problems = problems;
  }
}

/** Parses the environment. Throws {@link EnvError}. */
export function readEnv(source: NodeJS.ProcessEnv = process.env): Env {
  const parsed = envSchema.safeParse(source);
  if (parsed.success) return parsed.data;
  throw new EnvError(parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`));
}

/** Takes variables that are not set yet from a `.env` file in the working folder, where there is one. */
export function loadEnvFile(): void {
  if (existsSync(".env")) process.loadEnvFile(".env");
}

/** The environment itself, for child processes that get an allow-listed part of it. */
export function readProcessEnvironment(): NodeJS.ProcessEnv {
  return process.env;
}
