import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findLogin } from "./login.ts";

describe("findLogin", () => {
  let home: string;
  let own: string;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), "gemini-login-"));
    own = join(home, ".gemini");
    await mkdir(own);
  });
  afterEach(() => rm(home, { recursive: true }));

  it("takes a key that was passed, and none of the owner's files then", async () => {
    await writeFile(join(own, "oauth_creds.json"), "");
    expect(await findLogin({ GEMINI_API_KEY: "k" }, home)).toEqual({ authType: "gemini-api-key", files: [] });
  });

  it("takes the login file that is there, without reading it", async () => {
    const file = join(own, "oauth_creds.json");
    // Not readable as a file at all.
    await mkdir(file);
    expect(await findLogin({}, home)).toEqual({ authType: "oauth-personal", files: [file] });
  });

  it("takes the way that the settings name, comments and all", async () => {
    await writeFile(join(own, "settings.json"), '{ // mine\n "security": {"auth": {"selectedType": "vertex-ai"}}}');
    expect(await findLogin({}, home)).toEqual({ authType: "vertex-ai", files: [] });
  });

  it("finds none where the settings name a login whose file is not there, or nothing is", async () => {
    expect(await findLogin({}, home)).toBeUndefined();
    await writeFile(join(own, "settings.json"), '{"security":{"auth":{"selectedType":"oauth-personal"}}}');
    expect(await findLogin({}, home)).toBeUndefined();
    expect(await findLogin({}, undefined)).toBeUndefined();
  });
});
