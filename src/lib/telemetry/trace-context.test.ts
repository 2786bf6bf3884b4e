import { expect, it } from "vitest";
import { readTraceContext } from "./trace-context.ts";

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

it("takes a valid traceparent, and a tracestate with it", () => {
  expect(readTraceContext({ traceparent })).toEqual({ traceparent });
  expect(readTraceContext({ traceparent, tracestate: "a=1,b=2" })).toEqual({ traceparent, tracestate: "a=1,b=2" });
});

it.each([
  undefined,
  "",
  "x",
  traceparent.toUpperCase(),
  `${traceparent}-00`,
  `${traceparent}\n`,
  "00-00000000000000000000000000000000-b7ad6b7169203331-01",
  "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
  "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
])("carries nothing on for the traceparent %j", (bad) => {
  expect(readTraceContext({ traceparent: bad, tracestate: "a=1" })).toBeUndefined();
});

it("leaves a tracestate behind that is too long or holds what no header may", () => {
  for (const tracestate of ["", "a".repeat(513), "a=\u00e9", "a=1\r\nx: y"]) {
    expect(readTraceContext({ traceparent, tracestate })).toEqual({ traceparent });
  }
});
