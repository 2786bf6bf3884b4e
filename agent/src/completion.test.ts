import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { completionScript } from "./completion.ts";
import { longFlag, OPTION_NAMES } from "./options.ts";
import { buildProgram } from "./program.ts";

const program = buildProgram({}, () => undefined);

/** What bash offers for a line whose last word is still being typed. */
function complete(...words: string[]): string[] {
  const script = `${completionScript(program, "bash")}
COMP_WORDS=(codewise-agent "$@"); COMP_CWORD=$#; _codewise_agent; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const output = execFileSync("bash", ["--norc", "-uc", script, "bash", ...words], { encoding: "utf8" });
  return output.split("\n").filter((line) => line !== "");
}

describe("completion in bash", () => {
  it("offers every command and every option", () => {
    const offered = complete("");
    for (const command of program.commands) expect(offered).toContain(command.name());
    for (const name of OPTION_NAMES) expect(offered).toContain(longFlag(name));
  });

  it.each([
    [["sta"], ["status"]],
    [["service", ""], expect.arrayContaining(["install", "uninstall", "status"])],
    [["--url", "https://x", "service", "un"], ["uninstall"]],
    [["service", "install", "--max-req"], ["--max-requests-per-hour"]],
    [["pause", "--f"], ["--for"]],
    [["status", "--js"], ["--json"]],
    [["completion", "f"], ["fish"]],
    [["--max-req"], ["--max-requests-per-hour"]],
    [["nothing-like-it"], []],
  ])("after %j offers %j", (words, expected) => {
    expect(complete(...words)).toEqual(expected);
  });

  it.each([
    [
      ["--cli", ""],
      ["claude", "codex", "gemini"],
    ],
    [["service", "install", "--cli", "co"], ["codex"]],
    [
      ["--log-level", ""],
      ["error", "warn", "info", "debug"],
    ],
    [["doctor", "--log-level", "d"], ["debug"]],
  ])("offers the values that an option may have: after %j %j", (words, expected) => {
    expect(complete(...words)).toEqual(expected);
  });

  it("offers files where an option takes one", () => {
    expect(complete("--config", "/etc/pass")).toContain("/etc/passwd");
  });
});

describe("completion in other shells", () => {
  it("gives fish the values that an option may have", () => {
    const lines = completionScript(program, "fish").split("\n");
    expect(lines).toContainEqual(expect.stringMatching(/ -x -a 'claude codex gemini'.* -l cli /));
    expect(lines).toContainEqual(expect.stringMatching(/ -x -a 'error warn info debug'.* -l log-level /));
  });

  it("quotes nothing that the shell would run, and names every command", () => {
    for (const shell of ["zsh", "fish"] as const) {
      const script = completionScript(program, shell);
      expect(script).not.toContain("`");
      for (const command of program.commands) expect(script).toContain(command.name());
    }
  });
});
