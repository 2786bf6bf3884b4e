import type { HttpHandler } from "../http/context.ts";
import { GatewayError } from "../http/errors.ts";
import { sendJson } from "../http/respond.ts";
import type { MaybePromise } from "../maybe-promise.ts";
import type { ProviderRegistry } from "../providers/index.ts";
import { authenticate } from "./authenticate.ts";
import { splitForcedProviders } from "./resolve-targets.ts";

export interface ModelsOptions {
  readonly registry: ProviderRegistry;
  readonly lookUpKey: (token: string) => MaybePromise<{ readonly id: string } | undefined>;
}

interface ModelObject {
  readonly id: string;
  readonly object: "model";
  readonly created: number;
  readonly owned_by: string;
}

/** `GET /v1/models`: each model once, of every provider that could serve the key now. */
export function createListModelsHandler(options: ModelsOptions): HttpHandler {
  return async (context) => {
    const key = await authenticate(context, options.lookUpKey);
    const models = await availableModels(options.registry, key.id);
    sendJson(context.response, 200, { object: "list", data: [...models.values()] });
  };
}

/** `GET /v1/models/{id}`: `id` may hold slashes, and may name a provider as chat requests do. */
export function createGetModelHandler(options: ModelsOptions): HttpHandler {
  return async (context) => {
    const key = await authenticate(context, options.lookUpKey);
    const id = context.params["id"] ?? "";
    const available = await availableModels(options.registry, key.id);
    const model = available.get(id) ?? (await forcedModel(options.registry, id, key.id));
    if (model === undefined) {
      throw new GatewayError("model_not_found", `The model \`${id.slice(0, 200)}\` does not exist.`, {
        param: "model",
      });
    }
    sendJson(context.response, 200, model);
  };
}

async function availableModels(registry: ProviderRegistry, keyId: string): Promise<Map<string, ModelObject>> {
  const models = new Map<string, ModelObject>();
  for (const provider of registry.list()) {
    if (!provider.isAvailable(undefined, keyId)) continue;
    for (const { id, created, ownedBy } of await provider.getModels(keyId)) {
      if (!models.has(id)) models.set(id, { id, object: "model", created, owned_by: ownedBy });
    }
  }
  return models;
}

async function forcedModel(registry: ProviderRegistry, id: string, keyId: string): Promise<ModelObject | undefined> {
  const forced = splitForcedProviders(id, registry.ids());
  for (const providerId of forced.providerIds ?? []) {
    const provider = registry.get(providerId);
    if (provider === undefined || !provider.isAvailable(undefined, keyId)) continue;
    const found = (await provider.getModels(keyId)).find((model) => model.id === forced.model);
    if (found !== undefined) return { id, object: "model", created: found.created, owned_by: found.ownedBy };
  }
  return undefined;
}
