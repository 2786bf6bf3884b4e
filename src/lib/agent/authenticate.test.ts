import { expect, test } from "vitest";
import { createAgentAuthenticator } from "./authenticate.ts";

test("only the secret itself lets an agent in", () => {
  const authenticate = createAgentAuthenticator("a-long-enough-secret");
  expect(authenticate("a-long-enough-secret")).toBe(true);
  for (const wrong of ["", "a-long-enough-secre", "a-long-enough-secret ", "A-long-enough-secret"]) {
    expect(authenticate(wrong)).toBe(false);
  }
});
