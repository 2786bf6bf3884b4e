import { chmod, mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { silentLogger } from "../telemetry/logger.ts";
import { makePrivateDirectory } from "./private-directory.ts";

let base: string;
let warn: ReturnType<typeof vi.fn<() => void>>;
let logger: typeof silentLogger;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "codewise-private-"));
  warn = vi.fn<() => void>();
  logger = { ...silentLogger, warn };
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(base, { recursive: true, force: true });
});

const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o7777).toString(8);

describe.skipIf(process.platform === "win32")("makePrivateDirectory", () => {
  it("makes a folder and those above it for the owner only", async () => {
    const path = join(base, "a", "b");
    await makePrivateDirectory(path, logger);
    expect([await modeOf(join(base, "a")), await modeOf(path)]).toEqual(["700", "700"]);
    expect(warn).not.toHaveBeenCalled();
  });

  it.each([0o755, 0o777, 0o770, 0o701])("takes others their rights to a folder of mode %o", async (mode) => {
    const path = join(base, "made-before");
    await mkdir(path);
    await chmod(path, mode);
    await makePrivateDirectory(path, logger);
    expect(await modeOf(path)).toBe("700");
    expect(warn).not.toHaveBeenCalled();
  });

  it("leaves a folder alone that is shared on purpose, and says so", async () => {
    await chmod(base, 0o1777);
    await makePrivateDirectory(base, logger);
    expect(await modeOf(base)).toBe("1777");
    expect(warn).toHaveBeenCalledWith({ path: base, reason: "the folder is shared by all users" }, expect.any(String));
  });

  it("leaves another user's folder alone, and says so", async () => {
    await chmod(base, 0o755);
    vi.spyOn(process, "getuid").mockReturnValue(12_345);
    await makePrivateDirectory(base, logger);
    expect(await modeOf(base)).toBe("755");
    expect(warn).toHaveBeenCalledOnce();
  });

  it("rejects where there is a file of that name", async () => {
    await expect(makePrivateDirectory(import.meta.filename, logger)).rejects.toThrow("EEXIST");
  });
});
