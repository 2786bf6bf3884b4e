import type { Fields } from "../../../src/lib/openai/fields.ts";
import { startScriptedServer, type ScriptedServer } from "../../../src/test/fake-scripted-server.ts";
import { anthropic } from "./anthropic.ts";
import { obey } from "./conversation.ts";
import type { Dialect } from "./dialect.ts";
import { gemini } from "./gemini.ts";
import { responses } from "./responses.ts";

export const DIALECTS = { claude: anthropic, codex: responses, gemini } as const;

/**
 * A server whose "model" does what the last user text orders, see {@link obey}, and which speaks the dialects that the CLIs
 * speak. Only requests for an answer are recorded.
 */
export async function startBasicModel(): Promise<ScriptedServer> {
  const find = (method: string, path: string): Dialect | undefined =>
    Object.values(DIALECTS).find((dialect) => dialect.matches(method, path));
  return await startScriptedServer({
    fallback: ({ method, path, body }) => {
      const dialect = find(method, path);
      if (dialect === undefined) return { json: {}, status: 404 };
      const answer = obey(dialect.read(body as Fields));
      if (answer.kind === "error") return { json: dialect.error(answer.status), status: answer.status };
      if (answer.kind === "calls") return { steps: dialect.callFrames(answer.calls) };
      const { text, end } = dialect.frames(answer.pieces);
      // Apart on the wire, as a model's words are.
      const steps = text.flatMap((frame) => [frame, { delayMs: 2 }]);
      return answer.end === "close" ? { steps: [...steps, ...end] } : { steps, end: answer.end };
    },
    aside: ({ method, path }) => (find(method, path) === undefined ? { json: {}, status: 404 } : undefined),
  });
}
