import type { Share } from "./types-login.ts";

/** An agent that was let in by a login, and on whose behalf. */
export interface Enrolment {
  /** `agt_…` */
  readonly id: string;
  /** The only name that it may connect under. */
  readonly agentId: string;
  /** The client key that it belongs to. */
  readonly owner: { readonly id: string; readonly name: string };
  readonly share: Share;
}

/** What a bearer token gives an agent. Without an enrolment it came with the shared secret: no owner, serves everybody. */
export interface AgentAccess {
  readonly enrolment: Enrolment | undefined;
}

/** Whether an agent may be given the requests of a client key (by its id). */
export function mayServe({ enrolment }: AgentAccess, keyId: string): boolean {
  return enrolment === undefined || enrolment.share === "all" || enrolment.owner.id === keyId;
}
