const COUNT = /^\d{1,15}$/;
/** OpenAI's durations, such as `6m0s`, `20ms` and `1.5s`. */
const DURATION = /^(?:\d{1,9}(?:\.\d{1,9})?(?:ms|s|m|h|d)){1,5}$/;

const PASSED_ON: readonly (readonly [name: string, form: RegExp])[] = [
  ["x-ratelimit-limit-requests", COUNT],
  ["x-ratelimit-limit-tokens", COUNT],
  ["x-ratelimit-remaining-requests", COUNT],
  ["x-ratelimit-remaining-tokens", COUNT],
  ["x-ratelimit-reset-requests", DURATION],
  ["x-ratelimit-reset-tokens", DURATION],
  ["openai-version", /^\d{4}-\d{2}-\d{2}$/],
];

/**
 * The headers of an OpenAI-type answer that go on to the client: its rate limits (platform.openai.com/docs, Rate limits)
 * and its version, each only in the form that OpenAI documents. `undefined` when there is none.
 */
export function translateOpenAIHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Readonly<Record<string, string>> | undefined {
  let passed: Record<string, string> | undefined;
  for (const [name, form] of PASSED_ON) {
    const value = headers[name];
    if (typeof value === "string" && form.test(value)) (passed ??= {})[name] = value;
  }
  return passed;
}
