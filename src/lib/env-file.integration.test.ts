import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";

it("takes from .env only what the environment does not set", () => {
  const folder = mkdtempSync(join(tmpdir(), "codewise-env-"));
  try {
    writeFileSync(join(folder, ".env"), "PORT=4100\nHOST=0.0.0.0\n");
    const module = JSON.stringify(join(import.meta.dirname, "env.ts"));
    const program = `const { loadEnvFile, readEnv } = await import(${module}); loadEnvFile(); const { PORT, HOST } = readEnv(); console.log(JSON.stringify({ PORT, HOST }));`;
    const env = { PATH: process.env["PATH"], PORT: "4200" } as Record<string, string | undefined> as NodeJS.ProcessEnv;
    const output = execFileSync(process.execPath, ["--input-type=module", "-e", program], {
      cwd: folder,
      env,
      encoding: "utf8",
    });
    expect(JSON.parse(output)).toEqual({ PORT: 4200, HOST: "0.0.0.0" });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
