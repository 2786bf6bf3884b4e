import type { HttpResponse } from "../http/context.ts";
import { setUpstreamHeader } from "../http/rate-limit-owner.ts";
import { headerValue } from "../http/respond.ts";
import type { ServedBy } from "../providers/types.ts";

/** Says on the answer who served it, what was left out of the request and how long the proxy took so far. */
export function setServedHeaders(
  response: HttpResponse,
  served: {
    readonly providerId: string;
    readonly servedBy: ServedBy;
    readonly attempts: number;
    readonly startedAt: number;
  },
): void {
  const { servedBy } = served;
  response.setHeader("x-codewise-provider", served.providerId);
  response.setHeader("x-codewise-model", headerValue(servedBy.model));
  response.setHeader("x-codewise-attempts", String(served.attempts));
  if (servedBy.agentId !== undefined) response.setHeader("x-codewise-agent", headerValue(servedBy.agentId));
  if (servedBy.droppedParams !== undefined && servedBy.droppedParams.length > 0) {
    response.setHeader("x-codewise-dropped-params", headerValue(servedBy.droppedParams.join(", ")));
  }
  if (servedBy.upstreamRequestId !== undefined) {
    response.setHeader("x-codewise-upstream-request-id", headerValue(servedBy.upstreamRequestId));
  }
  const { upstreamHeaders } = servedBy;
  for (const name in upstreamHeaders) setUpstreamHeader(response, name, upstreamHeaders[name] ?? "");
  response.setHeader("openai-processing-ms", String(Math.round(performance.now() - served.startedAt)));
}
