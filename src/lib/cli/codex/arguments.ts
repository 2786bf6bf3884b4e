/** What the model could act with, or what sends or starts something beside the answer. */
const DISABLED_FEATURES: readonly string[] = [
  "shell_tool",
  "unified_exec",
  "shell_snapshot",
  "code_mode",
  "code_mode_only",
  "code_mode_host",
  "js_repl",
  "multi_agent",
  "multi_agent_v2",
  "goals",
  "memories",
  "view_image",
  "image_generation",
  "plugins",
  "remote_plugin",
  "plugin_sharing",
  "apps",
  "hooks",
  "skill_search",
  "skill_mcp_dependency_install",
  "tool_suggest",
  "tool_call_mcp_elicitation",
  "sleep_tool",
  "browser_use",
  "browser_use_external",
  "browser_use_full_cdp_access",
  "in_app_browser",
  "computer_use",
  "chronicle",
  "standalone_web_search",
  "request_permissions_tool",
  "default_mode_request_user_input",
  "send_message_to_user_async",
  "daemon_auto_start",
  "api_key_model_discovery",
  "unbounded_connection_retries",
];

/** More tokens than any model's window: the CLI must neither summarise a history nor cut a tool's result by itself. */
const UNREACHED_TOKENS = 100_000_000;

const OWN_SETTINGS: readonly string[] = [
  'web_search="disabled"',
  "tools.experimental_request_user_input.enabled=false",
  "tools.update_plan.enabled=false",
  "notify=[]",
  'instructions=""',
  'developer_instructions=""',
  "project_doc_max_bytes=0",
  "include_environment_context=false",
  "include_permissions_instructions=false",
  "include_apps_instructions=false",
  "include_collaboration_mode_instructions=false",
  "skills.include_instructions=false",
  `model_context_window=${UNREACHED_TOKENS}`,
  `model_auto_compact_token_limit=${UNREACHED_TOKENS}`,
  `tool_output_token_limit=${UNREACHED_TOKENS}`,
  // A thread is forgotten as soon as its request is over.
  "thread_unload_delay_secs=0",
  'history.persistence="none"',
  "analytics.enabled=false",
  "feedback.enabled=false",
  "check_for_update_on_startup=false",
  "suppress_unstable_features_warning=true",
  'otel.exporter="none"',
  'otel.trace_exporter="none"',
  'otel.metrics_exporter="none"',
];

export interface ArgumentOptions {
  /** Absolute path of a catalogue of models that brings no tools: see model-catalog.ts. */
  readonly catalogPath: string;
  /** Absolute path of an existing folder for the CLI's own databases and logs. */
  readonly stateFolder: string;
}

/**
 * The arguments of an app server for a pure model. They win over the owner's `config.toml`; a feature that a version does
 * not know is ignored by it. MCP servers and the provider's retries depend on that file: see thread-settings.ts. No text
 * of a client is among them, since arguments can be read by every user of the machine.
 */
export function buildArguments(options: ArgumentOptions): readonly string[] {
  const settings = [
    ...DISABLED_FEATURES.map((feature) => `features.${feature}=false`),
    ...OWN_SETTINGS,
    `model_catalog_json=${quote(options.catalogPath)}`,
    `sqlite_home=${quote(options.stateFolder)}`,
    `log_dir=${quote(options.stateFolder)}`,
  ];
  return ["app-server", ...settings.flatMap((setting) => ["-c", setting])];
}

/** A TOML basic string, whose escapes are those of JSON. */
function quote(text: string): string {
  return JSON.stringify(text);
}
