import { GatewayError } from "./errors.ts";
import type { HttpHandler } from "./context.ts";

/** A path template: literal segments, `{name}` for one segment, and `{name...}` at the end for all that follows. */
export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly handler: HttpHandler;
  /** Whether HEAD is served by this GET handler; left out where answering has effects or never ends. */
  readonly head?: boolean;
}

export interface RouteMatch {
  readonly handler: HttpHandler;
  readonly params: Readonly<Record<string, string>>;
}

interface Pattern {
  readonly segments: readonly string[];
  readonly handlers: Map<string, HttpHandler>;
}

const NO_PARAMS: Readonly<Record<string, string>> = {};

/**
 * Builds a matcher over a fixed table. Its function answers the route of a decoded path, or throws GatewayError:
 * `not_found` for an unknown path, `method_not_allowed` with `Allow` for a known one.
 */
export function createRouter(routes: readonly Route[]): (method: string, path: string) => RouteMatch {
  const exact = new Map<string, Map<string, HttpHandler>>();
  const patterns = new Map<string, Pattern>();
  for (const route of routes) {
    if (!route.path.includes("{")) {
      const handlers = exact.get(route.path) ?? new Map<string, HttpHandler>();
      exact.set(route.path, addRoute(handlers, route));
      continue;
    }
    const pattern = patterns.get(route.path) ?? { segments: route.path.slice(1).split("/"), handlers: new Map() };
    addRoute(pattern.handlers, route);
    patterns.set(route.path, pattern);
  }

  const choose = (method: string, path: string, handlers: Map<string, HttpHandler>): HttpHandler => {
    const handler = handlers.get(method);
    if (handler !== undefined) return handler;
    const allow = [...handlers.keys()];
    throw new GatewayError("method_not_allowed", `${method} is not allowed on ${path}; allowed: ${allow.join(", ")}.`, {
      allow,
    });
  };

  return (method, path) => {
    const handlers = exact.get(path);
    if (handlers !== undefined) return { handler: choose(method, path, handlers), params: NO_PARAMS };
    for (const pattern of patterns.values()) {
      const params = matchSegments(pattern.segments, path);
      if (params !== undefined) return { handler: choose(method, path, pattern.handlers), params };
    }
    throw new GatewayError("not_found", `Unknown request URL: ${method} ${path.slice(0, 200)}.`);
  };
}

function addRoute(handlers: Map<string, HttpHandler>, route: Route): Map<string, HttpHandler> {
  handlers.set(route.method, route.handler);
  if (route.head === true) handlers.set("HEAD", route.handler);
  return handlers;
}

function matchSegments(segments: readonly string[], path: string): Record<string, string> | undefined {
  const parts = path.slice(1).split("/");
  const params: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    if (segment.endsWith("...}")) {
      const rest = parts.slice(index).join("/");
      if (rest === "") return undefined;
      params[segment.slice(1, -4)] = rest;
      return params;
    }
    const part = parts[index];
    if (part === undefined || part === "") return undefined;
    if (segment.startsWith("{")) params[segment.slice(1, -1)] = part;
    else if (segment !== part) return undefined;
  }
  return parts.length === segments.length ? params : undefined;
}
