/** The CLI's own choice, its aliases, ids that 0.61.0 knows, and any other id: it is sent as it is. */
export const GEMINI_CLI_MODELS: readonly string[] = [
  "gemini",
  "auto",
  "pro",
  "flash",
  "flash-lite",
  "gemini-3.1-pro-preview",
  "gemini-3-flash-preview",
  "gemini-3.8-flash",
  "gemini-3.5-flash-lite",
  "gemini-2.5-pro",
  "gemini-2.5-flash",
  "gemini-2.5-flash-lite",
  "*",
];
