import { expect, test } from "vitest";
import type { HttpRequest } from "../http/context.ts";
import { servesOnly, type Enrolment } from "./access.ts";
import { createAgentAuthenticator, requireAgent } from "./authenticate.ts";

const ENROLMENT: Enrolment = { id: "agt_1", agentId: "laptop", owner: { id: "key_1", name: "ann" }, share: "owner" };
const findEnrolment = (token: string): Enrolment | undefined => (token === "cwa_right" ? ENROLMENT : undefined);

test("only the secret itself, or the token of an enrolment, lets an agent in", () => {
  const authenticate = createAgentAuthenticator({ secret: "a-long-enough-secret", findEnrolment });
  expect(authenticate("a-long-enough-secret")).toEqual({ enrolment: undefined });
  expect(authenticate("cwa_right")).toEqual({ enrolment: ENROLMENT });
  for (const wrong of ["", "a-long-enough-secre", "a-long-enough-secret ", "A-long-enough-secret", "cwa_wrong"]) {
    expect(authenticate(wrong)).toBeUndefined();
  }
});

test("without a secret no text is the secret, and enrolled agents still come in", () => {
  const authenticate = createAgentAuthenticator({ secret: undefined, findEnrolment });
  expect([authenticate(""), authenticate("undefined")]).toEqual([undefined, undefined]);
  expect(authenticate("cwa_right")).toEqual({ enrolment: ENROLMENT });
});

test("a token works under its own agent id only", () => {
  const authenticate = createAgentAuthenticator({ secret: undefined, findEnrolment });
  const as = (id: string) => {
    const headers = { authorization: "Bearer cwa_right", "x-agent-id": id };
    return () => requireAgent({ headers } as unknown as HttpRequest, authenticate);
  };
  expect(as("laptop")()).toEqual({ enrolment: ENROLMENT });
  expect(as("Laptop")).toThrow(expect.objectContaining({ code: "permission_denied", status: 403 }));
});

test("an agent serves its owner's key, or all keys where it is shared or came with the secret", () => {
  expect(servesOnly({ enrolment: ENROLMENT })).toBe("key_1");
  expect(servesOnly({ enrolment: { ...ENROLMENT, share: "all" } })).toBeUndefined();
  expect(servesOnly({ enrolment: undefined })).toBeUndefined();
});
