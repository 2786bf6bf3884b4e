import { startProxyHarness, type ProxyHarness } from "../proxy-harness.ts";
import { startRealAgent, startScriptedAgents } from "./agent-stage.ts";
import { agentRuns } from "./agent-fault.ts";
import { AGENT_FAULTS } from "./catalogue/agents.ts";
import { API_FAULTS, REFUSED_FAULT } from "./catalogue/all.ts";
import { CLI_FAULTS } from "./catalogue/cli.ts";
import { cliRuns } from "./cli-fault.ts";
import { createCliStage } from "./cli-stage.ts";
import { apiRuns, type FaultRun } from "./fault-case.ts";
import { startFaultUpstreams, type FaultUpstreams } from "./fault-upstreams.ts";
import type { Observed } from "./outcome.ts";
import { LONG_CLOCKS, SHORT_CLOCKS } from "./proxy-settings.ts";
import { runFaults } from "./run-faults.ts";

/** At a time. Those with short clocks only wait; a CLI needs a core for a third of a second. */
const CONCURRENCY = { api: 24, waiting: 100, cli: 3 };

const isShort = ({ clocks }: FaultRun): boolean => clocks === "short";

export interface FaultStage {
  readonly upstreams: FaultUpstreams;
  readonly proxies: Readonly<Record<FaultRun["clocks"], ProxyHarness>>;
  /** Runs the whole catalogue. */
  observe(): Promise<readonly Observed[]>;
  close(): Promise<void>;
}

/** Two whole proxies, one with short clocks, the fault servers of both formats, a stand-in CLI and agents on each. */
export async function startFaultStage(): Promise<FaultStage> {
  const [upstreams, cli] = await Promise.all([startFaultUpstreams(), createCliStage()]);
  const env = {
    ...upstreams.env,
    CLAUDE_CLI_ENABLED: "true",
    CLAUDE_CLI_PATH: cli.command,
    CLAUDE_CLI_MAX_CONCURRENCY: "4",
  };
  const [long, short] = await Promise.all([
    startProxyHarness({ ...env, ...LONG_CLOCKS }),
    startProxyHarness({ ...env, ...SHORT_CLOCKS }),
  ]);
  const proxies = { long, short };
  const agents = await Promise.all([startRealAgent(long, cli.command), startRealAgent(short, cli.command)]);

  const apis = API_FAULTS.flatMap(({ faults }) => faults.flatMap(apiRuns));
  const ofCli = CLI_FAULTS.flatMap((fault) => cliRuns(fault, cli.files));
  const ofAgents = AGENT_FAULTS.flatMap(agentRuns);
  return {
    upstreams,
    proxies,
    observe: async () => {
      const waiting = runFaults(proxies, apis.filter(isShort), CONCURRENCY.waiting);
      const bursts = await runFaults(
        proxies,
        apis.filter((run) => !isShort(run)),
        CONCURRENCY.api,
      );
      // After the burst, which could keep an agent's heartbeats from being heard in time.
      const scripted = await startScriptedAgents(short, AGENT_FAULTS);
      const others = await Promise.all([
        waiting,
        runFaults(proxies, ofCli, CONCURRENCY.cli),
        runFaults(proxies, ofAgents, CONCURRENCY.waiting),
      ]);
      await scripted.stop();
      // Last, since nobody listens afterwards.
      await upstreams.close();
      const refused = await runFaults(proxies, apiRuns(REFUSED_FAULT), CONCURRENCY.api);
      return [...refused, ...bursts, ...others.flat()];
    },
    close: async () => {
      await Promise.all(agents.map((agent) => agent.stop()));
      await Promise.all([long.close(), short.close()]);
      await cli.remove();
    },
  };
}
