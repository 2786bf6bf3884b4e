import { access, readFile } from "node:fs/promises";
import { join } from "node:path";

/** How the CLI logs in, without the login itself. */
export interface Login {
  /** A value of `security.auth.selectedType`. */
  readonly authType: string;
  /** Absolute paths of the owner's files that the CLI needs for it; they are linked and never read here. */
  readonly files: readonly string[];
}

const OAUTH = "oauth-personal";
const OAUTH_FILE = "oauth_creds.json";
const LOGIN_FILES: readonly string[] = [
  OAUTH_FILE,
  "gemini-credentials.json",
  "google_accounts.json",
  "installation_id",
];
/** Where the CLI's documentation tells owners to keep keys. */
const VARIABLES_FILE = ".env";

/**
 * Finds out how the owner's CLI logs in: by a key in the environment, else as its settings say, else by the login file that
 * is there. Of the settings only the word for the way is read.
 *
 * @param environment the CLI's
 * @param ownerHome the folder that has `.gemini`
 * @returns `undefined` where there is no login that could be found
 */
export async function findLogin(
  environment: Readonly<Record<string, string>>,
  ownerHome: string | undefined,
): Promise<Login | undefined> {
  if (environment["GEMINI_API_KEY"]) return { authType: "gemini-api-key", files: [] };
  if (environment["GOOGLE_GENAI_USE_VERTEXAI"] === "true") return { authType: "vertex-ai", files: [] };
  if (ownerHome === undefined) return undefined;
  const folder = join(ownerHome, ".gemini");
  const has = (name: string): Promise<boolean> => exists(join(folder, name));
  const selected = await readSelectedType(join(folder, "settings.json"));
  const authType = selected ?? ((await has(OAUTH_FILE)) ? OAUTH : undefined);
  if (authType === undefined) return undefined;
  if (authType === OAUTH && !(await has(OAUTH_FILE)) && !(await has("gemini-credentials.json"))) return undefined;
  const files: string[] = [];
  for (const name of [...LOGIN_FILES, VARIABLES_FILE]) {
    if (await has(name)) files.push(join(folder, name));
  }
  return { authType, files };
}

async function readSelectedType(path: string): Promise<string | undefined> {
  try {
    return /"selectedType"\s*:\s*"([a-z-]{1,40})"/.exec(await readFile(path, "utf8"))?.[1];
  } catch {
    return undefined;
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
