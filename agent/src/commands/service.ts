import { existsSync, mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import type { Environment, LoadedConfig, RawOptions } from "../config.ts";
import { stateFolder } from "../state-folder.ts";
import { resolveCredential } from "../credentials/resolve-credential.ts";
import { EXIT } from "../exit-codes.ts";
import { preparePrivateFolder, writeAtomically } from "../private-files.ts";
import { checkPaths, launchOf, serviceNotes } from "../service/launch.ts";
import type { ServiceManager } from "../service/manager.ts";
import { runTool } from "../service/run-tool.ts";

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Writes the service's file, without secrets, and starts the service. Answers the exit code. Throws ConfigError. */
export function installService(
  loaded: LoadedConfig,
  flags: RawOptions,
  env: Environment,
  manager: ServiceManager,
  program: readonly string[],
): number {
  const launch = launchOf(loaded, flags, env, program);
  // A service without a credential would only fail where nobody looks.
  resolveCredential(loaded, env);
  checkPaths(loaded.config);
  const text = manager.text(launch);
  // One that is installed already has other options, and not every manager lets it be replaced while it runs.
  if (existsSync(manager.file)) for (const command of manager.uninstall) runTool(command, env);
  mkdirSync(dirname(manager.file), { recursive: true });
  // For the log of launchd, which makes no folders.
  preparePrivateFolder(stateFolder(env));
  const mark = manager.encoding === "utf16le" ? "\ufeff" : "";
  writeAtomically(manager.file, Buffer.from(`${mark}${text}`, manager.encoding));
  say(`Wrote ${manager.file}.`);
  if (program.some((part) => part.includes("_npx"))) {
    say("Note: this copy lies in a cache of npx, which may be emptied: npm install --global codewise-agent keeps one.");
  }
  for (const note of serviceNotes(loaded.config)) say(`Note: ${note}`);
  return runAll(manager.install, env, () => {
    say("The service is installed and started.");
    if (manager.hint !== undefined) say(manager.hint);
  });
}

/** Stops the service and removes its file. Answers the exit code. */
export function uninstallService(env: Environment, manager: ServiceManager): number {
  if (!existsSync(manager.file)) {
    say("No service is installed.");
    return EXIT.ok;
  }
  const exitCode = runAll(manager.uninstall, env, () => say("The service is stopped."));
  rmSync(manager.file, { force: true });
  say(`Removed ${manager.file}.`);
  return exitCode;
}

/** Says whether the service is installed and runs. Answers the exit code. */
export function serviceStatus(env: Environment, manager: ServiceManager): number {
  if (!existsSync(manager.file)) {
    say("No service is installed.");
    return EXIT.notRunning;
  }
  const { outcome, line, output } = runTool(manager.status, env);
  if (outcome === "succeeded") {
    const isRunning = manager.isRunning(output);
    say(`The service ${isRunning ? "runs" : "is installed, but does not run"} (${manager.file}).`);
    return isRunning ? EXIT.ok : EXIT.notRunning;
  }
  const why = outcome === "missing" ? `${manager.status[0]} was not found` : line;
  say(`The service does not run: ${why === "" ? "no reason was given" : why}`);
  return EXIT.notRunning;
}

/** Shows what the service has logged. Answers the exit code. */
export function showLogs(
  env: Environment,
  manager: ServiceManager,
  options: { readonly follow: boolean; readonly lines: number },
): number {
  if (!existsSync(manager.file)) {
    process.stderr.write("codewise-agent: no service is installed here, and only a service's log is kept\n");
    return EXIT.notRunning;
  }
  const command = manager.logs(options);
  if (command === undefined) {
    process.stderr.write("codewise-agent: no log is kept by the task scheduler of this system\n");
    return EXIT.failure;
  }
  const { outcome } = runTool(command, env, { shown: true });
  if (outcome === "missing") process.stderr.write(`codewise-agent: ${command[0]} was not found\n`);
  return outcome === "succeeded" ? EXIT.ok : EXIT.failure;
}

/** The commands in their order; without the tool they are left to the owner, in words. */
function runAll(commands: ServiceManager["install"], env: Environment, onDone: () => void): number {
  for (const [index, command] of commands.entries()) {
    const { outcome, line } = runTool(command, env);
    if (outcome === "succeeded") continue;
    const rest = commands.slice(index).map((left) => `  ${left.join(" ")}`);
    const why = outcome === "missing" ? `${command[0]} was not found` : `it failed: ${line}`;
    process.stderr.write(`codewise-agent: ${why}. What is left to do:\n${rest.join("\n")}\n`);
    return outcome === "missing" ? EXIT.ok : EXIT.failure;
  }
  onDone();
  return EXIT.ok;
}
