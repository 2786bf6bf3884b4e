import { testAgentEndpoints } from "./agent-endpoints.ts";
import { testErrors } from "./errors.ts";
import type { Mount } from "./mount.ts";
import { testOpenAIClient } from "./openai-client.ts";
import { testWireForm } from "./wire-form.ts";

/**
 * What every mount of the data plane must do, on the wire and for the official client: the fast entry and Next's route
 * files run the same tests. To be called inside a `describe`; `mount` is read when a test runs.
 */
export function testConformance(mount: () => Mount): void {
  testOpenAIClient(mount);
  testWireForm(mount);
  testErrors(mount);
  testAgentEndpoints(mount);
}
