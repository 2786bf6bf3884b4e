import { GatewayError } from "../../http/errors.ts";
import type { ChatDelta } from "../../openai/delta.ts";
import { isFields } from "../../openai/fields.ts";
import type { FinishReason, Usage } from "../../openai/usage.ts";
import { invalidOutput } from "../run-errors.ts";
import { findAct } from "./find-act.ts";
import { mapFailure, readIncompleteReason } from "./map-failure.ts";
import { mapUsage } from "./map-usage.ts";
import { functionCallSchema, turnSchemas, type RateLimits, type TurnError } from "./protocol.ts";
import { createStopText } from "./stop-text.ts";

export interface TurnEnd {
  readonly finishReason: FinishReason;
  readonly usage: Usage | undefined;
}

export type TurnStep =
  /** The model worked. */
  | { readonly type: "progress" }
  | { readonly type: "delta"; readonly delta: ChatDelta }
  /** The answer is whole; a turn that goes on (`isOpen`) must be interrupted. */
  | { readonly type: "end"; readonly end: TurnEnd; readonly isOpen: boolean }
  /** `isOpen` as above; `isUnsafe`: the CLI acts beside the answer, so its process must not live on. */
  | { readonly type: "failure"; readonly error: GatewayError; readonly isOpen: boolean; readonly isUnsafe: boolean };

export interface TurnOptions {
  /** Names of the client's tools, by those that the model sees. */
  readonly clientNames: ReadonlyMap<string, string>;
  readonly isSingleCall: boolean;
  readonly stop: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly rateLimits: () => RateLimits | undefined;
}

export interface TurnInterpreter {
  /** Takes a notification or request of the turn. After an end or a failure no step but one that is unsafe comes. */
  push(method: string, params: unknown): readonly TurnStep[];
  /** What was used so far, where it is known; after an end too, where the response is told to be complete only then. */
  usage(): Usage | undefined;
}

/** Items of the Responses API that are no calls; a function's is looked at by itself. */
const RAW_CALL = /_call$/;
/** What shows, behind the end of a response, that the turn goes on with another. */
const NEXT_RESPONSE = /^item\/(started$|agentMessage\/|reasoning\/)/;
/** The namespace that newer models see the client's tools in. */
const DEFAULT_NAMESPACE = "functions";

/**
 * Reads one turn of one thread: its notifications from `turn/started` on, in their order. A turn ends with its first
 * response of the model: what the CLI would do then, such as telling the model that it has no such tool, is never waited
 * for. Calls are taken from the response's own items, which have their arguments as the model wrote them.
 */
export function createTurnInterpreter(options: TurnOptions): TurnInterpreter {
  const stopText = createStopText(options.stop);
  /** Text given of each message. */
  const given = new Map<string, string>();
  const calls = new Set<string>();
  let usage: Usage | undefined;
  let isBegun = false;
  let isOver = false;
  let isUnsafe = false;
  let hasResponse = false;
  let thoughtItem: string | undefined;

  const delta = (content: ChatDelta): TurnStep => {
    isBegun = true;
    return { type: "delta", delta: content };
  };
  const end = (finishReason: FinishReason, isOpen: boolean): TurnStep[] => {
    isOver = true;
    const rest = finishReason === "stop" || finishReason === "length" ? stopText.rest() : "";
    return [...(rest === "" ? [] : [delta({ content: rest })]), { type: "end", end: { finishReason, usage }, isOpen }];
  };
  const fail = (error: GatewayError, isOpen: boolean, isUnsafe = false): TurnStep[] => {
    isOver = true;
    return [{ type: "failure", error, isOpen, isUnsafe }];
  };
  const unsafe = (what: string): TurnStep[] => {
    isUnsafe = true;
    return fail(new GatewayError("cli_unexpected_tool", `${what}. The CLI was ended.`), true, true);
  };
  /** The CLI has no such tool and tells the model so: no act of its own, and no reason to end what others wait for. */
  const notTheClients = (): TurnStep[] =>
    fail(new GatewayError("cli_unexpected_tool", "The model called a tool that is not the client's."), true);
  const whole = (isOpen: boolean): TurnStep[] => {
    if (calls.size > 0) return end("tool_calls", isOpen);
    if (isBegun || stopText.isHolding()) return end("stop", isOpen);
    const message = "The model gave no answer that the CLI shows; refusals are among those that it hides.";
    return fail(new GatewayError("upstream_invalid_response", message), isOpen);
  };

  const takeText = (itemId: string, text: string): TurnStep[] => {
    const before = given.get(itemId);
    // Another message of the same answer.
    const piece = before === undefined && given.size > 0 ? `\n\n${text}` : text;
    given.set(itemId, (before ?? "") + text);
    const cut = stopText.push(piece);
    const steps: TurnStep[] = cut.text === "" ? [{ type: "progress" }] : [delta({ content: cut.text })];
    if (!cut.isDone) return steps;
    isBegun = true;
    return [...steps, ...end("stop", true)];
  };

  /** A message that came without deltas, or whose last ones did not. */
  const takeMessage = (itemId: string, text: unknown): TurnStep[] => {
    const before = given.get(itemId) ?? "";
    if (typeof text !== "string" || text.length <= before.length || !text.startsWith(before)) return [];
    return takeText(itemId, text.slice(before.length));
  };

  const takeThought = (itemId: string, text: string): TurnStep[] => {
    const isNext = thoughtItem !== undefined && thoughtItem !== itemId;
    thoughtItem = itemId;
    return [delta({ reasoning_content: isNext ? `\n\n${text}` : text })];
  };

  const takeCall = (item: unknown): TurnStep[] => {
    const parsed = functionCallSchema.safeParse(item);
    if (!parsed.success) return fail(invalidOutput("a call without a name"), true);
    const { call_id: id, name, namespace, arguments: text } = parsed.data;
    const isOurs = (namespace ?? DEFAULT_NAMESPACE) === DEFAULT_NAMESPACE;
    const clientName = isOurs ? options.clientNames.get(name) : undefined;
    if (clientName === undefined) return notTheClients();
    if (options.isSingleCall && calls.size > 0) return [{ type: "progress" }];
    const rest = stopText.rest();
    const call = { index: calls.size, id, type: "function" as const, function: { name: clientName, arguments: text } };
    calls.add(id);
    const steps = [...(rest === "" ? [] : [delta({ content: rest })]), delta({ tool_calls: [call] })];
    // The CLI answers such a call by itself, so there may be no time for others.
    return isJsonObject(text) ? steps : [...steps, ...end("tool_calls", true)];
  };

  const takeRawItem = (item: { readonly type: string }): TurnStep[] => {
    if (item.type === "function_call") return takeCall(item);
    if (RAW_CALL.test(item.type)) return notTheClients();
    return [];
  };

  const takeError = (error: TurnError): TurnStep[] => {
    const reason = readIncompleteReason(error);
    if (reason === "max_output_tokens") return end("length", false);
    if (reason === "content_filter") return end("content_filter", false);
    return fail(mapFailure({ error, isBegun, rateLimits: options.rateLimits(), nowMs: options.now() }), false);
  };

  /** Of the first response only: the CLI may have begun another, which is none of the answer. */
  const takeLateUsage = (method: string, params: unknown): void => {
    if (usage !== undefined || method !== "rawResponse/completed") return;
    const parsed = turnSchemas[method].safeParse(params);
    if (parsed.success && parsed.data.usage) usage = mapUsage(parsed.data.usage);
  };

  const take = (method: string, params: unknown): TurnStep[] => {
    if (hasResponse && NEXT_RESPONSE.test(method)) return whole(true);
    switch (method) {
      case "item/agentMessage/delta": {
        const { itemId, delta: text } = parse(method, params);
        return takeText(itemId, text);
      }
      case "item/reasoning/summaryTextDelta":
      case "item/reasoning/textDelta": {
        const { itemId, delta: text } = parse(method, params);
        return takeThought(itemId, text);
      }
      case "item/reasoning/summaryPartAdded":
        return parse(method, params).summaryIndex > 0 ? [delta({ reasoning_content: "\n\n" })] : [{ type: "progress" }];
      case "item/started":
        parse(method, params);
        return [{ type: "progress" }];
      case "item/completed": {
        const { item } = parse(method, params);
        return item.type === "agentMessage" ? takeMessage(item.id, item["text"]) : [];
      }
      case "rawResponseItem/completed":
        return takeRawItem(parse(method, params).item);
      case "rawResponse/completed": {
        const told = parse(method, params).usage;
        if (told) usage = mapUsage(told);
        hasResponse = true;
        // Without calls the turn completes by itself.
        return calls.size > 0 ? whole(true) : [{ type: "progress" }];
      }
      case "item/tool/call": {
        const { callId } = parse(method, params);
        return calls.has(callId) || options.isSingleCall ? [] : fail(invalidOutput("a call out of order"), true);
      }
      case "thread/tokenUsage/updated":
        usage = mapUsage(parse(method, params).tokenUsage.total);
        return [];
      case "error": {
        const { error, willRetry } = parse(method, params);
        if (!willRetry) return takeError(error);
        // What was given cannot be taken back when the CLI begins again.
        return isBegun ? fail(mapFailure({ ...evidence(), error }), true) : [];
      }
      case "turn/completed": {
        const { status, error } = parse(method, params).turn;
        if (status === "completed") return whole(false);
        if (error) return takeError(error);
        return fail(new GatewayError("cli_crashed", "The CLI ended the turn before the answer was whole."), false);
      }
      default:
        return [];
    }
  };

  const evidence = () => ({ isBegun, rateLimits: options.rateLimits(), nowMs: options.now() });

  return {
    push(method, params) {
      const act = isUnsafe ? undefined : findAct(method, params);
      if (act !== undefined) return unsafe(act);
      if (isOver) {
        takeLateUsage(method, params);
        return [];
      }
      try {
        return take(method, params);
      } catch (error) {
        if (error instanceof GatewayError) return fail(error, true);
        throw error;
      }
    },
    usage: () => usage,
  };
}

type Schemas = typeof turnSchemas;

function parse<Method extends keyof Schemas>(method: Method, params: unknown): ReturnType<Schemas[Method]["parse"]> {
  const parsed = turnSchemas[method].safeParse(params);
  if (!parsed.success) throw invalidOutput(`a '${method}' of another form`);
  return parsed.data as ReturnType<Schemas[Method]["parse"]>;
}

function isJsonObject(text: string): boolean {
  try {
    return isFields(JSON.parse(text));
  } catch {
    return false;
  }
}
