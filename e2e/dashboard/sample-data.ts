/** Overviews for the dashboard's tests: the same on every run, with names chosen to break a careless page. */
import type { LiveRequestView, Overview, RequestView } from "../../src/lib/admin/types.ts";

export const HOSTILE_NAME = `<script>globalThis.pwned=1</script>`;
export const LONG_MODEL = `registry.example/${"very-long-organisation-name/".repeat(6)}model-with-a-name-that-never-ends-q4_k_m-20260101`;

const NOW = "2026-11-21T10:15:30.000Z";
const before = (ms: number): string => new Date(Date.parse(NOW) - ms).toISOString();

export const EMPTY_OVERVIEW: Overview = {
  now: NOW,
  version: "0.1.0",
  baseUrl: "http://127.0.0.1:3000/v1",
  database: { kind: "embedded", reachable: true, droppedRecords: 0 },
  agents: { agents: [], pendingRequests: 0, queuedRequests: 0, oldestPendingMs: null },
  providers: [{ id: "claude-cli-remote", available: false, models: [] }],
  inFlight: [],
  requests: [],
};

const MODELS = [
  "sonnet",
  "opus",
  "haiku",
  "claude-sonnet-4-6",
  "claude-opus-4-6",
  "claude-haiku-4-5",
  "claude-sonnet-4-5",
];

const AGENTS: Overview["agents"]["agents"] = [
  {
    id: "annas-macbook",
    owner: { keyId: "key_1", name: "alice" },
    share: "owner",
    version: "0.1.0",
    platform: "darwin-arm64",
    state: "ready",
    clis: [{ name: "claude", version: "2.1.92", ready: true, reason: null }],
    models: ["sonnet", "opus", "haiku"],
    connectedSince: before(11_045_000),
    lastActivity: before(900),
    inFlight: 2,
    capacity: 3,
    roundTripMs: 11.6,
    requests: [
      { requestId: "req_live_1", model: "sonnet", ageMs: 8_400, deltas: 212 },
      { requestId: "req_live_2", model: "opus", ageMs: 2_100, deltas: 0 },
    ],
  },
  {
    id: "build-box",
    owner: null,
    share: "all",
    version: "0.1.0",
    platform: "linux-x64",
    state: "draining",
    clis: [{ name: "claude", version: "2.0.76", ready: true, reason: null }],
    models: MODELS,
    connectedSince: before(190_000),
    lastActivity: before(2_000),
    inFlight: 1,
    capacity: 2,
    roundTripMs: 0.6,
    requests: [{ requestId: "req_live_3", model: LONG_MODEL, ageMs: 64_000, deltas: 1_804 }],
  },
  {
    id: "reception.lan",
    owner: { keyId: "key_2", name: "bob" },
    share: "all",
    version: "0.0.9",
    platform: "win32-x64",
    state: "resuming",
    clis: [
      {
        name: "claude",
        version: null,
        ready: false,
        reason: `Not logged in: run "claude" once and log in. ${HOSTILE_NAME}`,
      },
    ],
    models: [],
    connectedSince: before(4_000),
    lastActivity: before(4_000),
    inFlight: 0,
    capacity: 1,
    roundTripMs: null,
    requests: [],
  },
];

const live = (id: string, change: Partial<LiveRequestView>): LiveRequestView => ({
  id,
  createdAt: NOW,
  ageMs: 1000,
  keyName: "laptop",
  requestedModel: "sonnet",
  servedModel: null,
  provider: "claude-cli-remote",
  agentId: "annas-macbook",
  phase: "streaming",
  streamed: true,
  ...change,
});

const IN_FLIGHT: LiveRequestView[] = [
  live("req_live_1", { ageMs: 8_400, servedModel: "claude-sonnet-4-6" }),
  live("req_live_2", { ageMs: 2_100, requestedModel: "opus", phase: "waiting", keyName: "ci" }),
  live("req_live_3", { ageMs: 64_000, requestedModel: LONG_MODEL, agentId: "build-box", keyName: HOSTILE_NAME }),
  live("req_live_4", { ageMs: 40, requestedModel: "gpt-5-mini", provider: null, agentId: null, phase: "routing" }),
];

const OUTCOMES: Partial<RequestView>[] = [
  { servedModel: "claude-sonnet-4-6", cachedTokens: 1_024, reasoningTokens: 0 },
  {
    requestedModel: "gpt-5-mini",
    servedModel: "gpt-5-mini-2026-08-07",
    provider: "openai",
    agentId: null,
    streamed: false,
    reasoningTokens: 640,
  },
  { tokensEstimated: true, clientGone: true, status: 499, errorCode: "client_closed_request", agentId: "build-box" },
  { requestedModel: "opus", servedModel: "claude-opus-4-6", provider: "claude-api", agentId: null },
  {
    status: 502,
    errorCode: "agent_lost",
    promptTokens: null,
    completionTokens: null,
    cachedTokens: null,
    firstTokenMs: null,
    agentId: "build-box",
  },
  { requestedModel: "haiku", servedModel: "claude-haiku-4-5", keyName: "ci" },
  {
    status: 404,
    errorCode: "model_not_found",
    requestedModel: LONG_MODEL,
    provider: null,
    agentId: null,
    promptTokens: null,
    completionTokens: null,
    cachedTokens: null,
    firstTokenMs: null,
  },
  { servedModel: "claude-sonnet-4-6", keyName: HOSTILE_NAME, totalMs: 182_344.6, completionTokens: 31_207 },
  {
    status: 401,
    errorCode: "invalid_api_key",
    requestedModel: null,
    keyName: null,
    provider: null,
    agentId: null,
    promptTokens: null,
    completionTokens: null,
    cachedTokens: null,
    firstTokenMs: null,
    totalMs: 0.8,
    streamed: false,
  },
  { servedModel: "claude-sonnet-4-6", cachedTokens: 0 },
];

/** Row number `index` of the log, 0 being the newest of the sample. */
export function sampleRequest(index: number, change: Partial<RequestView> = {}): RequestView {
  return {
    id: `req_${index}`,
    createdAt: before(1_000 + index * 17_300),
    keyName: "laptop",
    requestedModel: "sonnet",
    servedModel: null,
    provider: "claude-cli-remote",
    agentId: "annas-macbook",
    status: 200,
    errorCode: null,
    promptTokens: 1_180 + ((index * 377) % 4_000),
    completionTokens: 92 + ((index * 131) % 900),
    cachedTokens: null,
    reasoningTokens: null,
    tokensEstimated: false,
    firstTokenMs: 640.2 + ((index * 53) % 700),
    totalMs: 3_204.7 + ((index * 811) % 9_000),
    streamed: true,
    clientGone: false,
    ...OUTCOMES[index % OUTCOMES.length],
    ...change,
  };
}

/** A proxy in the middle of its day. */
export const BUSY_OVERVIEW: Overview = {
  ...EMPTY_OVERVIEW,
  agents: { agents: AGENTS, pendingRequests: 3, queuedRequests: 1, oldestPendingMs: 64_000 },
  providers: [
    { id: "claude-cli-remote", available: true, models: ["sonnet", "opus", "haiku"] },
    { id: "claude-api", available: true, models: MODELS },
    { id: "openai", available: true, models: ["gpt-5", "gpt-5-mini", LONG_MODEL] },
    { id: "claude-cli", available: false, models: [] },
  ],
  inFlight: IN_FLIGHT,
  requests: Array.from({ length: 100 }, (_, index) => sampleRequest(index)),
};
