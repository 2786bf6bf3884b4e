import type { HeaderValue, HttpResponse } from "./context.ts";

const OF_REQUESTS = /^x-ratelimit-(limit|remaining|reset)-requests$/;

/** Sets the headers of the proxy's own limit: from now on those of an upstream's do not take their place. */
export function setOwnRateLimit(response: HttpResponse, headers: Readonly<Record<string, string>>): void {
  for (const name in headers) response.setHeader(name, headers[name] ?? "");
  response.hasOwnRateLimit = true;
}

/** Sets a header that may come from an upstream, unless it would take the place of one of the proxy's own limit. */
export function setUpstreamHeader(response: HttpResponse, name: string, value: HeaderValue): void {
  if (response.hasOwnRateLimit === true && OF_REQUESTS.test(name)) return;
  response.setHeader(name, value);
}
