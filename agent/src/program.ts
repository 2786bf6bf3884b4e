/** The command line, derived from the table of options. */
import { Argument, Command, CommanderError, Option } from "commander";
import { AlreadyRunningError } from "./control/control-server.ts";
import { selectionOf } from "./control/select-agent.ts";
import { runDecision } from "./commands/approve.ts";
import { runDoctor } from "./commands/doctor.ts";
import { runLogin } from "./commands/login.ts";
import { runLogout } from "./commands/logout.ts";
import { runPause } from "./commands/pause.ts";
import { runResume } from "./commands/resume.ts";
import { runAgent } from "./commands/run.ts";
import { installService, serviceStatus, showLogs, uninstallService } from "./commands/service.ts";
import { runStatus } from "./commands/status.ts";
import { completionScript, SHELLS } from "./completion.ts";
import { ConfigError, loadConfig, type Environment, type RawOptions } from "./config.ts";
import { EXIT } from "./exit-codes.ts";
import { describeFailure } from "./http-client.ts";
import { OPTION_NAMES, optionSpec, type OptionName } from "./options.ts";
import { serviceManager } from "./service/manager.ts";
import { AGENT_VERSION } from "./version.ts";

const HELP_END = `
Each option may be given as a flag, as an environment variable, or in the config file; a flag goes before a variable, a
variable before the file.

Examples:
  codewise-agent login                          get a token from the proxy at $CODEWISE_URL
  codewise-agent --approve                      serve, and be asked before each request
  codewise-agent --allow-models 'claude-haiku-*' --hours 18:00-08:00 --max-tokens-per-day 500000
  codewise-agent pause --for 30m                take nothing for half an hour

Exit codes: 0 drained, 1 failure, 2 wrong option, 3 secret or token refused or login denied, 4 proxy of another protocol,
5 no agent or service here, 6 the agent runs already, 128+n ended by signal n.`;

/** Parses and runs `argv` (without node and script). Answers the exit code; writes one line to stderr for a wrong option. */
export async function runProgram(argv: readonly string[], env: Environment): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = buildProgram(env, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
    const isUsage = error instanceof ConfigError || error instanceof CommanderError;
    const message = error instanceof CommanderError ? commanderMessage(error) : describeFailure(error);
    process.stderr.write(`codewise-agent: ${message}\n`);
    if (error instanceof AlreadyRunningError) return EXIT.alreadyRunning;
    return isUsage ? EXIT.usage : EXIT.failure;
  }
}

/** The program with its commands; exported so that a test can walk its options. */
export function buildProgram(env: Environment, setExitCode: (code: number) => void): Command {
  const program = new Command("codewise-agent")
    .description(
      "Serves the claude, codex and gemini CLIs of this machine to a Codewise proxy, without opening a port.",
    )
    .version(AGENT_VERSION)
    .addHelpText("after", HELP_END)
    .showSuggestionAfterError(false)
    .exitOverride()
    // Errors are written once, by runProgram.
    .configureOutput({ writeErr: () => undefined })
    .configureHelp({ showGlobalOptions: true });
  for (const name of OPTION_NAMES) program.addOption(buildOption(name));

  program.action(async () => {
    setExitCode(await runAgent(loadConfig(flagsOf(program), env), env));
  });
  program
    .command("doctor")
    .description("check the proxy's address, the secret and the CLIs, and say what to mend")
    .option("--json", "print the result as JSON")
    .action(async (options: { json?: boolean }) => {
      setExitCode(await runDoctor(loadConfig(flagsOf(program), env), env, { json: options.json === true }));
    });
  program
    .command("login")
    .description("get a token of this machine's own from the proxy, by a code that is approved there, and keep it")
    .action(async () => {
      setExitCode(await runLogin(loadConfig(flagsOf(program), env), env));
    });
  program
    .command("logout")
    .description("have the proxy revoke the token of this machine, and forget it")
    .action(async () => {
      setExitCode(await runLogout(loadConfig(flagsOf(program), env), env));
    });
  program
    .command("status")
    .description("show what the running agents of this user do: connection, requests, limits, what waits for approval")
    .option("--json", "print it as JSON")
    .action(async (options: { json?: boolean }) => {
      setExitCode(await runStatus(selectionOf(flagsOf(program), env), { json: options.json === true }));
    });
  program
    .command("pause")
    .description(
      "have the running agent take no further requests; what runs is finished, and a restart keeps the pause",
    )
    .option("--for <time>", "how long, such as 30m or 8h; otherwise until resume")
    .action(async (options: { for?: string }) => {
      setExitCode(await runPause(selectionOf(flagsOf(program), env), options.for));
    });
  program
    .command("resume")
    .description("end the pause of the running agent")
    .action(async () => {
      setExitCode(await runResume(selectionOf(flagsOf(program), env)));
    });
  for (const [name, verdict] of [
    ["approve", "approved"],
    ["deny", "denied"],
  ] as const) {
    program
      .command(`${name} <number>`)
      .description(`${name} a request that waits, by its number in status (with --approve)`)
      .action(async (number: string) => {
        setExitCode(await runDecision(selectionOf(flagsOf(program), env), number, verdict));
      });
  }
  addServiceCommands(program, env, setExitCode);
  program
    .command("completion")
    .description(
      "print what makes a shell complete this program's commands, such as: source <(codewise-agent completion bash)",
    )
    .addArgument(new Argument("<shell>", "bash, zsh or fish").choices([...SHELLS]))
    .action((shell: (typeof SHELLS)[number]) => {
      process.stdout.write(completionScript(program, shell));
    });
  return program;
}

function addServiceCommands(program: Command, env: Environment, setExitCode: (code: number) => void): void {
  const manager = serviceManager(env, process.platform, process.getuid?.() ?? 0);
  const service = program
    .command("service")
    .description("run the agent as a service of this user: systemd, launchd or a scheduled task");
  service
    .command("install")
    .description("install and start it with the options that are given here; the secret stays in its own file")
    .action(() => {
      const flags = flagsOf(program);
      const start = [process.execPath, ...process.argv.slice(1, 2)];
      setExitCode(installService(loadConfig(flags, env), flags, env, manager, start));
    });
  service
    .command("uninstall")
    .description("stop and remove it")
    .action(() => setExitCode(uninstallService(env, manager)));
  service
    .command("status")
    .description("say whether it is installed and runs")
    .action(() => setExitCode(serviceStatus(env, manager)));
  program
    .command("logs")
    .description("show what the service has logged")
    .option("-f, --follow", "go on with what comes")
    .option("-n, --lines <number>", "how many lines", "200")
    .action((options: { follow?: boolean; lines: string }) => {
      if (!/^\d{1,7}$/.test(options.lines)) throw new ConfigError("--lines must be a whole number");
      setExitCode(showLogs(env, manager, { follow: options.follow === true, lines: Number(options.lines) }));
    });
}

function buildOption(name: OptionName): Option {
  const spec = optionSpec(name);
  const notes = [`env: ${spec.env}`, ...(spec.defaultText === undefined ? [] : [`default: ${spec.defaultText}`])];
  const option = new Option(spec.flag, `${spec.description} (${notes.join(", ")})`);
  if (spec.repeatable !== true) return option;
  return option.argParser((value: string, earlier: string[] | undefined) => [...(earlier ?? []), value]);
}

function flagsOf(program: Command): RawOptions {
  const flags: RawOptions = {};
  for (const name of OPTION_NAMES) flags[name] = program.getOptionValue(name);
  return flags;
}

/** Commander's message as one line, without what was typed as a value: it may be the secret. */
function commanderMessage(error: CommanderError): string {
  if (error.code === "commander.excessArguments") return "too many arguments";
  const [line = ""] = error.message.replace(/^error: /, "").split(/\r?\n/, 1);
  return line.replace(/(unknown option '[^'=]*)=.*'$/, "$1'");
}
