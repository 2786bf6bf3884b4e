import type { AgentFault } from "../agent-fault.ts";
import { PIECES } from "../dialect.ts";
import { answered, brokenOff, refused } from "../fault.ts";

/** What becomes of an agent, its connection or its word. */
export const AGENT_FAULTS: readonly AgentFault[] = [
  {
    id: "lost-before-output",
    title: "the agent is lost before the text",
    play: (agent) => agent.drop(),
    streamed: refused(502, "agent_lost"),
    whole: refused(502, "agent_lost"),
  },
  {
    id: "lost-in-mid-answer",
    title: "the agent is lost in the middle of the answer",
    play: async (agent, run, post) => {
      await post(run.text(PIECES[0]));
      await agent.drop();
    },
    streamed: brokenOff(502, "agent_lost"),
    whole: refused(502, "agent_lost"),
  },
  {
    id: "back-in-time",
    title: "the agent's connection is lost in the middle of the answer and comes back within its grace",
    play: async (agent, run, post) => {
      const first = run.text(PIECES[0]);
      await post(first);
      await agent.drop();
      await agent.start({
        models: [],
        inFlight: [{ requestId: run.requestId, lastSeq: first.seq, ackedSeq: first.seq }],
      });
      await post(run.text(PIECES[1], PIECES[2]), run.complete());
    },
    streamed: answered(),
    whole: answered(),
  },
  {
    id: "silent-before-output",
    title: "the agent is connected, answers pings and says nothing",
    play: async () => undefined,
    streamed: refused(504, "upstream_timeout"),
    whole: refused(504, "upstream_timeout"),
  },
  {
    id: "silent-in-mid-answer",
    title: "the agent falls silent in the middle of the answer, but for pings",
    play: (_agent, run, post) => post(run.text(PIECES[0])),
    streamed: brokenOff(504, "upstream_timeout"),
    whole: refused(504, "upstream_timeout"),
  },
  {
    id: "dead",
    title: "the agent's process stands still: no text and no answer to pings",
    play: async (agent) => agent.freeze(),
    streamed: refused(502, "agent_lost"),
    whole: refused(502, "agent_lost"),
  },
  {
    id: "leaves",
    title: "the agent says goodbye in the middle of the answer",
    play: (_agent, run, post) => post(run.text(PIECES[0]), { type: "goodbye", reason: "shutting down" }),
    streamed: brokenOff(502, "agent_lost"),
    whole: refused(502, "agent_lost"),
  },
  {
    id: "refuses",
    title: "the agent's policy refuses the request",
    play: (_agent, run, post) => post(run.reject("policy", "not here")),
    streamed: refused(503, "agent_rejected"),
    whole: refused(503, "agent_rejected"),
  },
  {
    id: "busy",
    title: "the agent says that it is busy",
    play: (_agent, run, post) => post(run.reject("busy")),
    streamed: refused(429, "agents_busy", { retryAfterMs: 1000 }),
    whole: refused(429, "agents_busy", { retryAfterMs: 1000 }),
  },
  {
    id: "fails",
    title: "the agent reports a failure in the middle of the answer, with the tokens used",
    play: (_agent, run, post) =>
      post(run.text(PIECES[0]), run.error({ usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 } })),
    streamed: brokenOff(502, "cli_crashed", { tokens: "told" }),
    whole: refused(502, "cli_crashed", { tokens: "told" }),
  },
  {
    id: "wrong-digest",
    title: "the agent says that the answer is whole, but its digest is of another text",
    play: (_agent, run, post) => post(run.text(...PIECES), run.complete({ deltaSha256: "0".repeat(64) })),
    streamed: brokenOff(502, "agent_protocol_error", { text: "all", tokens: "unknown" }),
    whole: refused(502, "agent_protocol_error"),
  },
  {
    id: "wrong-count",
    title: "the agent says that the answer is whole, but has sent fewer deltas than it counts",
    play: (_agent, run, post) => post(run.text(PIECES[0]), run.complete({ deltaCount: 3 })),
    streamed: brokenOff(502, "agent_protocol_error", { tokens: "unknown" }),
    whole: refused(502, "agent_protocol_error"),
  },
];
