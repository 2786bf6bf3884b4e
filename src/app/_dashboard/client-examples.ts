/** The texts of "Connect a client": pure, so that what a newcomer copies is tested. */

export interface ClientExample {
  readonly id: "curl" | "python" | "node";
  readonly title: string;
  readonly code: string;
}

const PREFERRED_MODEL = "sonnet";
const MODEL_PATTERN = /^[\w./:@-]+$/;

/** The model the examples ask for: `sonnet` where it is served, else the first one, else `sonnet` all the same. */
export function chooseExampleModel(models: readonly string[]): string {
  if (models.includes(PREFERRED_MODEL)) return PREFERRED_MODEL;
  // Ids come from upstreams and end up in a shell and in two programming languages: take only those that need no quoting.
  return models.find((model) => MODEL_PATTERN.test(model)) ?? PREFERRED_MODEL;
}

/** The two lines that set up any OpenAI client. `baseUrl` ends in `/v1`. */
export function exportLines(baseUrl: string): string {
  return `export OPENAI_BASE_URL=${baseUrl}\nexport OPENAI_API_KEY=cw_…`;
}

/** One streaming request each with curl and the official `openai` packages, which read the two exported variables. */
export function clientExamples(model: string): readonly ClientExample[] {
  return [
    {
      id: "curl",
      title: "curl",
      code: `curl -N "$OPENAI_BASE_URL/chat/completions" \\
  -H "Authorization: Bearer $OPENAI_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{
    "model": "${model}",
    "stream": true,
    "messages": [{"role": "user", "content": "Hello!"}]
  }'`,
    },
    {
      id: "python",
      title: "Python",
      code: `from openai import OpenAI

client = OpenAI()
stream = client.chat.completions.create(
    model="${model}",
    messages=[{"role": "user", "content": "Hello!"}],
    stream=True,
)
for chunk in stream:
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="", flush=True)`,
    },
    {
      id: "node",
      title: "Node",
      code: `import OpenAI from "openai";

const client = new OpenAI();
const stream = await client.chat.completions.create({
  model: "${model}",
  messages: [{ role: "user", content: "Hello!" }],
  stream: true,
});
for await (const chunk of stream) {
  process.stdout.write(chunk.choices[0]?.delta.content ?? "");
}`,
    },
  ];
}

export interface AgentCommand {
  /** Hands over the secret: by the environment, since every user of a machine sees the parameters of its programs. */
  readonly secret: string;
  /** What stands behind `secret` on the page. Not to be copied: zsh at its default settings takes no comments at the prompt. */
  readonly secretComment: string;
  /** Starts the agent. */
  readonly start: string;
}

/** The two commands that start an agent against this proxy. `baseUrl` ends in `/v1`. */
export function agentCommand(baseUrl: string): AgentCommand {
  return {
    secret: "export CODEWISE_AGENT_SECRET=…",
    secretComment: "# the proxy's AGENT_SECRET",
    start: `npm run agent -- --url ${baseUrl.replace(/\/v1\/?$/, "")}`,
  };
}

/** The command that makes a client key, which a running proxy lets only the admin do. */
export const CREATE_KEY_COMMAND = "CODEWISE_ADMIN_KEY=… npm run keys -- create --name my-laptop";
