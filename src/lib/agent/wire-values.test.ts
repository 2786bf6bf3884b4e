import { describe, expect, test } from "vitest";
import { FakeRun } from "../../test/fake-agent-run.ts";
import { chatDeltaSchema } from "../openai/delta.ts";
import { usageSchema } from "../openai/usage.ts";
import { agentMessageSchema } from "./types.ts";
import { wireDeltaSchema, wireUsageSchema } from "./wire-values.ts";

const HELLO = {
  type: "hello",
  version: "1.0.0",
  platform: "linux-x64",
  clis: [{ name: "claude", version: "2.1.0", ready: true, reason: null }],
  models: ["sonnet"],
  maxConcurrency: 2,
  inFlight: [],
};
const run = (): FakeRun => new FakeRun({ requestId: "req_1", attempt: 1 });
const cut = (length: number): string => `${"x".repeat(length - 1)}…`;
const LONG = "x".repeat(10_000);

describe("what only describes is cut to its bound", () => {
  test("the words of hello, goodbye and reject", () => {
    const clis = [{ name: LONG, version: LONG, ready: false, reason: LONG }];
    expect(agentMessageSchema.parse({ ...HELLO, version: LONG, platform: LONG, clis })).toEqual({
      ...HELLO,
      version: cut(64),
      platform: cut(64),
      clis: [{ name: cut(64), version: cut(64), ready: false, reason: cut(512) }],
    });
    expect(agentMessageSchema.parse({ type: "goodbye", reason: LONG })).toEqual({ type: "goodbye", reason: cut(512) });
    expect(agentMessageSchema.parse({ ...run().reject("policy", LONG), param: LONG })).toMatchObject({
      message: cut(4096),
      param: cut(256),
    });
  });

  test("an error's words and wait; of stderr the end is kept", () => {
    const error = run().error({ message: LONG, param: LONG, retryAfterMs: 1e300, stderrTail: `${LONG}last` });
    expect(agentMessageSchema.parse(error)).toMatchObject({
      message: cut(4096),
      param: cut(256),
      retryAfterMs: 86_400_000,
      stderrTail: `${"x".repeat(4092)}last`,
    });
  });

  test("model names, token counts and the cost of an answer, so that a row takes them", () => {
    const huge = Number.MAX_SAFE_INTEGER;
    const usage = {
      prompt_tokens: huge,
      completion_tokens: huge,
      total_tokens: huge,
      prompt_tokens_details: { cached_tokens: huge },
      completion_tokens_details: { reasoning_tokens: huge },
    };
    const most = 2_147_483_647;
    const complete = run().complete({ usage, model: LONG, costUsd: 1e308, droppedParams: [LONG] });
    expect(agentMessageSchema.parse(complete)).toMatchObject({
      model: cut(256),
      droppedParams: [cut(256)],
      costUsd: 1_000_000,
      usage: {
        prompt_tokens: most,
        completion_tokens: most,
        total_tokens: most,
        prompt_tokens_details: { cached_tokens: most },
        completion_tokens_details: { reasoning_tokens: most },
      },
    });
  });

  test("half of a surrogate pair is not left at the cut", () => {
    const cutInPair = agentMessageSchema.parse({ type: "goodbye", reason: `${"x".repeat(510)}🙂🙂` });
    expect(cutInPair).toEqual({ type: "goodbye", reason: `${"x".repeat(510)}\ufffd…` });
  });
});

describe("what steers is refused", () => {
  test.each([
    ["a model on offer that is too long", { ...HELLO, models: ["x".repeat(257)] }],
    ["more models than may be", { ...HELLO, models: Array.from({ length: 1001 }, (_, index) => `m${index}`) }],
    ["a session id that is too long", { ...HELLO, sessionId: LONG }],
    ["a request id that is too long", { ...run().accept(), requestId: "x".repeat(129) }],
    ["an infinite cost", { ...run().complete(), costUsd: Infinity }],
    [
      "a negative count",
      { ...run().complete({ usage: { prompt_tokens: -1, completion_tokens: 0, total_tokens: 0 } }) },
    ],
    [
      "countless parts of tool calls",
      run().chunk([{ tool_calls: Array.from({ length: 1001 }, () => ({ index: 0 })) }]),
    ],
  ])("%s", (_, message) => {
    expect(agentMessageSchema.safeParse(message).success).toBe(false);
  });
});

test("unknown fields are left out wherever they stand, since nothing counts what they weigh", () => {
  const more = { later: LONG };
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2, ...more };
  const chunk = run().chunk([{ content: "a", ...more, tool_calls: [{ index: 0, ...more }] }]);
  const known = [
    agentMessageSchema.parse({ ...HELLO, ...more, clis: [{ ...HELLO.clis[0], ...more }] }),
    agentMessageSchema.parse({ ...chunk, ...more }),
    agentMessageSchema.parse({ ...run().complete({ usage }), ...more }),
  ];
  expect(JSON.stringify(known)).not.toContain("later");
});

test("the wire has every field that the hub knows of a delta and of usage", () => {
  const { tool_calls: wireCalls } = wireDeltaSchema.shape;
  const { tool_calls: hubCalls } = chatDeltaSchema.shape;
  const keys = (schema: { shape: object }): string[] => Object.keys(schema.shape);
  expect(keys(wireDeltaSchema)).toEqual(keys(chatDeltaSchema));
  expect(keys(wireCalls.unwrap().element)).toEqual(keys(hubCalls.unwrap().element));
  expect(keys(wireUsageSchema)).toEqual(keys(usageSchema));
  for (const field of ["prompt_tokens_details", "completion_tokens_details"] as const) {
    expect(keys(wireUsageSchema.shape[field].unwrap().unwrap())).toEqual(
      keys(usageSchema.shape[field].unwrap().unwrap()),
    );
  }
});
