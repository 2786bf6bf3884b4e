import { toGatewayError } from "../http/errors.ts";
import type { LLMProvider, ProviderCall, ProviderOutcome } from "../providers/types.ts";
import type { Tracing } from "../telemetry/request-telemetry.ts";

/**
 * A provider each of whose attempts is a client span, below the span of its request, and hands that span on to whoever
 * answers. Used only where traces are on.
 *
 * @param baseUrl of the upstream, where there is one.
 */
export function traceProvider(provider: LLMProvider, tracing: Pick<Tracing, "attempt">, baseUrl?: string): LLMProvider {
  const server = baseUrl === undefined ? undefined : readServer(baseUrl);

  async function inSpan<Result>(
    call: ProviderCall,
    run: (call: ProviderCall) => Promise<Result>,
    outcomeOf: (result: Result) => ProviderOutcome,
  ): Promise<Result> {
    const { traceContext: parent, model } = call;
    const span = tracing.attempt({ parent, provider: provider.id, model, server });
    try {
      const result = await run({ ...call, traceContext: span.context });
      const { servedBy, finishReason, usage } = outcomeOf(result);
      span.succeeded({
        model: servedBy.model,
        agentId: servedBy.agentId,
        finishReason,
        inputTokens: usage?.prompt_tokens,
        outputTokens: usage?.completion_tokens,
      });
      return result;
    } catch (thrown) {
      span.failed(toGatewayError(thrown).code);
      throw thrown;
    }
  }

  return {
    ...provider,
    stream: (call, sink) =>
      inSpan(
        call,
        (traced) => provider.stream(traced, sink),
        (outcome) => outcome,
      ),
    complete: (call) =>
      inSpan(
        call,
        (traced) => provider.complete(traced),
        (result) => result.outcome,
      ),
  };
}

function readServer(baseUrl: string): { readonly address: string; readonly port: number } {
  const { hostname, port, protocol } = new URL(baseUrl);
  return { address: hostname, port: port === "" ? (protocol === "https:" ? 443 : 80) : Number(port) };
}
