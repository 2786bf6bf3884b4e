/** Where a running agent keeps what it must not forget, and where it is spoken to. One of each for a proxy and an agent id. */
import { createHash } from "node:crypto";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

/** The shortest bound among systems for the path of a socket, less its final zero byte. */
const MAX_SOCKET_PATH = 103;

export interface AgentPlaces {
  /** The policy's state. */
  readonly state: string;
  /** Names the address below, so that commands find the agents of this user. */
  readonly marker: string;
  /** Path of a unix socket, or a named pipe on Windows. */
  readonly address: string;
}

/** The files and the address of one agent. */
export function agentPlaces(
  folder: string,
  identity: { readonly url: string; readonly agentId: string },
  platform: NodeJS.Platform = process.platform,
): AgentPlaces {
  const name = shortHash(`${identity.url}\n${identity.agentId}`);
  return {
    state: join(folder, `${name}.state.json`),
    marker: join(folder, `${name}.agent`),
    address:
      platform === "win32" ? `\\\\.\\pipe\\codewise-agent-${shortHash(folder)}-${name}` : socketPath(folder, name),
  };
}

function socketPath(folder: string, name: string): string {
  const path = join(folder, `${name}.sock`);
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH) return path;
  return join(tmpdir(), `codewise-${userInfo().uid}`, `${shortHash(folder)}-${name}.sock`);
}

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
