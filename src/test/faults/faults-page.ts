import { AGENT_FAULTS } from "./catalogue/agents.ts";
import { API_FAULTS, REFUSED_FAULT } from "./catalogue/all.ts";
import { CLI_FAULTS } from "./catalogue/cli.ts";
import type { Observed } from "./outcome.ts";
import { renderProvider, type FaultTable } from "./render-faults.ts";

const INTRO = `# What clients get when something fails

This page is written by \`npm run docs:faults\` from what the tests in \`src/test/faults\` observe: each fault is brought about
for real, over sockets and processes, behind the whole proxy, and read by a client at the level of the wire. A test fails
where the page and the proxy differ.

What holds for every line of it:

- **Never a clean end after a failure.** \`[DONE]\`, or a whole completion, only where the upstream's own answer was whole.
- Before the first output a failure is an HTTP status with an OpenAI error object; after it an error frame
  \`data: {"error":{…}}\` with the same four keys, and an end without \`[DONE]\`. The row of the request has the error's own
  status in both cases.
- No \`id:\`, \`retry:\` or \`event:\` line, no comment and no empty \`data:\` of an upstream reaches the client; the proxy's own
  comment is \`: keepalive\`, after 15 seconds of silence. By it Node's fetch, openai-node, openai-python and the AI SDK bear
  a stream that is silent for six minutes (\`npm run test:silence\`); \`FIRST_OUTPUT_TIMEOUT_MS\` and \`IDLE_TIMEOUT_MS\`
  allow ten. A whole answer has no room for comments: Node's fetch waits five minutes for it.
- The upstream's socket is closed or free for the next request afterwards, and no process is left.
- An upstream's key, and what an upstream says of it, is never shown.

"wait" is sent as \`retry-after-ms\` and, in whole seconds, as \`retry-after\`. "Tokens" are the row's prompt + completion;
where a stream told the first count only, the row has what was told. Every provider was asked alone and once, as
\`provider/model\`: otherwise a failure before the first output gives way to the next target, or to one more try.`;

const CLI_GROUPS = [{ heading: "The CLI", faults: CLI_FAULTS }];
const API_GROUPS = API_FAULTS.map(({ heading, faults }) => ({
  heading,
  faults: heading === "Connections" ? [REFUSED_FAULT, ...faults] : faults,
}));

const TABLES: readonly FaultTable[] = [
  { provider: "openai", intro: "The OpenAI API, and servers that speak it.", groups: API_GROUPS },
  { provider: "claude-api", intro: "Anthropic's Messages API.", groups: API_GROUPS },
  { provider: "claude-cli", intro: "The CLI on the proxy's own machine.", groups: CLI_GROUPS },
  {
    provider: "claude-cli-remote",
    intro: "The CLI on the machine of an agent.",
    groups: [{ heading: "The agent", faults: AGENT_FAULTS }, ...CLI_GROUPS],
  },
];

/** `docs/faults.md`. */
export function renderFaultsPage(observed: readonly Observed[]): string {
  return `${[INTRO, ...TABLES.map((table) => renderProvider(table, observed))].join("\n\n")}\n`;
}
