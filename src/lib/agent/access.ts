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

/** The id of the only client key whose requests an agent may be given; undefined where it may be given those of all. */
export function servesOnly({ enrolment }: AgentAccess): string | undefined {
  return enrolment?.share === "owner" ? enrolment.owner.id : undefined;
}
