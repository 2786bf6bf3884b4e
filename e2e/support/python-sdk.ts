import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

const OPENAI_PYTHON = "openai==3.52.0";
const environment = join(import.meta.dirname, "..", "..", ".cache", "python-sdk");

/** An interpreter that has the official Python SDK, once {@link installPythonSdk} has made it. */
export const PYTHON = join(environment, "bin", "python");

/** Installs the SDK into a virtual environment of its own; says why when it cannot be had. */
export function installPythonSdk(): string | undefined {
  const marker = join(environment, "bin", "openai");
  if (existsSync(marker)) return undefined;
  try {
    execFileSync("python3", ["-m", "venv", environment], { stdio: "ignore" });
    execFileSync(PYTHON, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", OPENAI_PYTHON], {
      stdio: "ignore",
      timeout: 300_000,
    });
    return undefined;
  } catch (error) {
    return `the Python SDK cannot be installed here: ${error instanceof Error ? error.message.split("\n", 1)[0] : String(error)}`;
  }
}
