import type { Logger } from "./logger.ts";
import type { Tracing } from "./request-telemetry.ts";

export interface TracingSettings {
  /** A collector's base address; `/v1/traces` is added. */
  readonly OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined;
  /** The whole address; goes before the base. */
  readonly OTEL_EXPORTER_OTLP_TRACES_ENDPOINT?: string | undefined;
  readonly OTEL_SERVICE_NAME: string;
}

/** Traces where an address for them is set; else undefined, and the SDK is not even loaded. */
export async function startTracing(
  settings: TracingSettings,
  { version, logger }: { readonly version: string; readonly logger: Logger },
): Promise<Tracing | undefined> {
  const base = settings.OTEL_EXPORTER_OTLP_ENDPOINT;
  const url = settings.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? (base && `${base}/v1/traces`);
  if (url === undefined) return undefined;
  const { createTracing } = await import("./tracing.ts");
  return createTracing({ url, serviceName: settings.OTEL_SERVICE_NAME, version, logger });
}
