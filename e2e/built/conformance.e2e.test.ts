import { afterAll, beforeAll, describe } from "vitest";
import { startUpstreams, type Mount, type Upstreams } from "../conformance/mount.ts";
import { testConformance } from "../conformance/suite.ts";
import { ADMIN_KEY, AGENT_SECRET, startProxy, type StartedProxy } from "../support/proxy.ts";

describe("the data plane of the built server", () => {
  let upstreams: Upstreams;
  let proxy: StartedProxy;
  let mount: Mount;

  beforeAll(async () => {
    upstreams = await startUpstreams();
    proxy = await startProxy(upstreams.env);
    mount = { url: proxy.url, apiKey: proxy.apiKey, adminKey: ADMIN_KEY, agentSecret: AGENT_SECRET, upstreams };
  });
  afterAll(async () => {
    await proxy?.stop();
    await upstreams?.close();
  });

  testConformance(() => mount);
});
