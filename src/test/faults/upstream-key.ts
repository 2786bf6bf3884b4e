/** The proxy's key at the upstreams. Their failures quote it; no client may ever see it. */
export const UPSTREAM_KEY = "sk-upstream-secret-0123456789";
