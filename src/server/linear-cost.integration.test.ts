import { monitorEventLoopDelay } from "node:perf_hooks";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  openAICompletion,
  openAIFrames,
  startFakeOpenAIServer,
  type FakeOpenAIServer,
} from "../test/fake-openai-server.ts";
import { startProxyHarness, type ProxyHarness } from "../test/proxy-harness.ts";

/** Ten times the work may cost this many times the time: what is fixed makes it less, chance a little more. */
const MAX_RATIO = 12;

let upstream: FakeOpenAIServer;
let proxy: ProxyHarness;

beforeAll(async () => {
  upstream = await startFakeOpenAIServer({ models: Array.from({ length: 1000 }, (_, model) => `model-${model}`) });
  proxy = await startProxyHarness({ OPENAI_API_KEY: "sk-upstream", OPENAI_BASE_URL: upstream.baseUrl });
});
afterAll(async () => {
  await proxy.close();
  await upstream.close();
});

async function ask(request: object): Promise<void> {
  const answer = await fetch(`${proxy.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${proxy.apiKey}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "openai/gpt-test", messages: [{ role: "user", content: "hi" }], ...request }),
  });
  expect(answer.status).toBe(200);
  await answer.arrayBuffer();
}

const LOADS: readonly {
  readonly name: string;
  readonly run: (size: number) => Promise<void>;
  readonly full: number;
}[] = [
  {
    name: "the bytes of a request, up to 20 MB",
    full: 20_000_000,
    run: (bytes) => ask({ messages: [{ role: "user", content: "word ".repeat(bytes / 5) }] }),
  },
  {
    name: "the messages of a request, up to 20,000",
    full: 20_000,
    run: (count) => ask({ messages: Array.from({ length: count }, () => ({ role: "user", content: "word" })) }),
  },
  {
    name: "the bytes of a streamed answer, up to 5 MB",
    full: 5_000_000,
    run: async (bytes) => {
      upstream.enqueue({ steps: openAIFrames({ pieces: Array.from({ length: 100 }, () => "x".repeat(bytes / 100)) }) });
      await ask({ stream: true });
    },
  },
  {
    name: "the chunks of one stream, up to 10,000",
    full: 10_000,
    run: async (count) => {
      upstream.enqueue({ steps: [openAIFrames({ pieces: Array(count).fill("word") }).join("")] });
      await ask({ stream: true });
    },
  },
  {
    name: "the bytes of a whole answer, up to 5 MB",
    full: 5_000_000,
    run: async (bytes) => {
      upstream.enqueue({ json: openAICompletion({ pieces: ["x".repeat(bytes)] }) });
      await ask({});
    },
  },
  {
    name: "keys that are looked up, up to 10,000",
    full: 10_000,
    run: async (count) => {
      const keys = Array.from({ length: count }, () => `cw_${Math.random()}${Math.random()}`);
      await Promise.all(keys.map(async (key) => await proxy.runtime.keyStore.authenticate(key)));
    },
  },
];

/** CPU time of the process for one run, the middle one of three. Client and upstream are in it, and linear too. */
async function cpuMs(run: () => Promise<void>): Promise<number> {
  const took: number[] = [];
  for (let time = 0; time < 3; time += 1) {
    const before = process.cpuUsage();
    await run();
    const { user, system } = process.cpuUsage(before);
    took.push((user + system) / 1000);
  }
  return took.toSorted((left, right) => left - right)[1] ?? 0;
}

it.each(LOADS)("cost grows no faster than $name", { retry: 2, timeout: 60_000 }, async ({ name, run, full }) => {
  await run(full / 10);
  const tenth = await cpuMs(() => run(full / 10));
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const whole = await cpuMs(() => run(full));
  delay.disable();
  process.stdout.write(
    `${name}: ${tenth.toFixed(1)} ms of CPU for a tenth, ${whole.toFixed(1)} ms for all (${(whole / tenth).toFixed(1)} times); longest hold-up ${(delay.max / 1e6).toFixed(0)} ms\n`,
  );
  expect(whole / tenth).toBeLessThan(MAX_RATIO);
});
