import type { z } from "zod";
import { GatewayError } from "../../http/errors.ts";
import type { ChatDelta } from "../../openai/delta.ts";
import type { FinishReason, Usage } from "../../openai/usage.ts";
import { toFinishReason } from "../../providers/claude/finish-reason.ts";
import { isFields, type Fields } from "../../openai/fields.ts";
import { createClaudeStreamTranslator, type ClaudeStreamTranslator } from "../../providers/claude/translate-stream.ts";
import { invalidOutput } from "../run-errors.ts";
import { CliFailure } from "../types.ts";
import { translateAnswerBlocks } from "./answer-blocks.ts";
import { findOfferFault, unexpectedTool, type ClientTools } from "./client-tools.ts";
import * as lines from "./lines.ts";
import { mapFailure } from "./map-failure.ts";
import { readResultUsage } from "./result-usage.ts";
import { INITIALIZE_REQUEST_ID, SETTINGS_REQUEST_ID, type StdinPlan } from "./stdin-lines.ts";

/** The whole answer was given. */
export interface AnswerEnd {
  readonly finishReason: FinishReason;
  readonly model: string;
  readonly usage: Usage | undefined;
  readonly costUsd: number | undefined;
  /** False when the CLI would go on (more attempts, more requests) and has to be ended. */
  readonly processEnds: boolean;
}

export type InterpretedStep =
  /** What was written last was taken: the next piece of input may be written. */
  | { readonly type: "input-taken" }
  /** The CLI asked its host for something: see tool-server.ts. */
  | { readonly type: "asked-host"; readonly requestId: string; readonly request: unknown }
  /** The model began or goes on to work; the idle clock starts anew. */
  | { readonly type: "progress" }
  | { readonly type: "delta"; readonly model: string; readonly delta: ChatDelta }
  | { readonly type: "end"; readonly end: AnswerEnd };

type EndStep = Extract<InterpretedStep, { type: "end" }>;

export interface LineInterpreter {
  /**
   * Takes one line of the CLI's output. Lines after an `end` must not be given.
   *
   * @throws CliFailure, with the usage so far where it is known.
   */
  push(line: string): readonly InterpretedStep[];
  /** The answer's tokens so far, where the model has told them: for an end that no line tells. */
  usage(): Usage | undefined;
}

export interface InterpreterOptions extends Partial<Pick<StdinPlan, "hasSettings">> {
  /** How many `result` lines of earlier turns come before the answer's: {@link StdinPlan.earlierTurns}. */
  readonly earlierTurns: number;
  /** Milliseconds since the epoch, for the wait until a limit's reset. */
  readonly now: () => number;
  /** The client's tools, where there are some; without them a call ends the run. */
  readonly tools: ClientTools | undefined;
}

/** The answer is over at these, while the CLI would ask for more text, or again, or write an error text. */
const FINAL_STOP_REASONS: ReadonlySet<string> = new Set(["max_tokens", "model_context_window_exceeded", "refusal"]);

const PROGRESS: readonly InterpretedStep[] = [{ type: "progress" }];
const NOTHING: readonly InterpretedStep[] = [];

/**
 * Reads the NDJSON lines of one run of the CLI (`--output-format stream-json --include-partial-messages`), in which
 * earlier turns come first and the answer last. The answer is what the deltas say; success is `is_error: false`. Pure:
 * the same lines give the same steps.
 */
export function createLineInterpreter(options: InterpreterOptions): LineInterpreter {
  let earlierTurns = options.earlierTurns;
  let initSeen = false;
  /** What the process was told that its arguments do not say, and has not accepted yet. */
  let openSettings = options.hasSettings === true;
  let translator: ClaudeStreamTranslator | undefined;
  let streamedMessageId: string | undefined;
  /** A message that came whole, without deltas, because nothing had been forwarded before it. */
  let wholeMessage: { readonly id: string | undefined; readonly model: string } | undefined;
  let forwarded = false;
  let synthetic: lines.AssistantLine | undefined;
  let rejectedLimit: lines.RateLimitInfo | undefined;

  const fail = (error: GatewayError): never => {
    throw asFailure(error, translator?.usage());
  };

  const toolName = (name: string): string =>
    options.tools?.toClient(name) ?? fail(unexpectedTool("The model called a tool that it was not given"));

  const toSteps = (deltas: readonly ChatDelta[], model: string): InterpretedStep[] => {
    if (deltas.length > 0) forwarded = true;
    return deltas.map((delta) => ({ type: "delta", model, delta }));
  };

  /** The end of a message whose stop reason is known, although the CLI goes on. */
  const endHere = (ended: ClaudeStreamTranslator): EndStep => ({
    type: "end",
    end: {
      finishReason: ended.finishReason ?? "stop",
      model: ended.model ?? "unknown",
      usage: ended.usage(),
      costUsd: undefined,
      processEnds: false,
    },
  });

  const startMessage = (event: Fields): readonly InterpretedStep[] => {
    if (!initSeen || earlierTurns > 0) fail(invalidOutput("an answer came before its turn"));
    if (translator?.stopReason !== undefined) return [endHere(translator)];
    if (forwarded) fail(repeated());
    translator = createClaudeStreamTranslator({ toolName });
    wholeMessage = undefined;
    translator.push(event);
    const message = event["message"];
    streamedMessageId = isFields(message) && typeof message["id"] === "string" ? message["id"] : undefined;
    return PROGRESS;
  };

  const readStreamEvent = (line: Fields): readonly InterpretedStep[] => {
    const event = line["event"];
    if (!isFields(event)) return fail(invalidOutput("a stream event has no event"));
    if (event["type"] === "message_start") return startMessage(event);
    if (translator === undefined) return fail(invalidOutput("a stream event came before its message"));
    const deltas = translator.push(
      "abandoned_blocks" in line ? { ...event, abandoned_blocks: line["abandoned_blocks"] } : event,
    );
    const steps = toSteps(deltas, translator.model ?? "unknown");
    // The CLI runs a call whatever the stop reason is, and nobody answers it.
    const isOver = FINAL_STOP_REASONS.has(translator.stopReason ?? "") || translator.finishReason === "tool_calls";
    if (event["type"] === "message_delta" && isOver) steps.push(endHere(translator));
    return steps.length === 0 ? PROGRESS : steps;
  };

  const readAssistant = (line: lines.AssistantLine): readonly InterpretedStep[] => {
    const { id, model, content } = line.message;
    if (model === "<synthetic>") {
      synthetic = line;
      return NOTHING;
    }
    const messageId = id ?? undefined;
    if (messageId !== undefined && messageId === streamedMessageId) return NOTHING;
    if (translator?.stopReason !== undefined) return [endHere(translator)];
    const continues = wholeMessage !== undefined && wholeMessage.id === messageId;
    if (forwarded && !continues) fail(repeated());
    if (!initSeen || earlierTurns > 0) fail(invalidOutput("an answer came before its turn"));
    wholeMessage = { id: messageId, model };
    return toSteps(translateAnswerBlocks(content), model);
  };

  const readResult = (result: lines.ResultLine): readonly InterpretedStep[] => {
    const usage = readResultUsage(result.usage ?? undefined);
    if (result.is_error) {
      throw asFailure(
        mapFailure({ result, synthetic, rejectedLimit, nowMs: options.now() }),
        usage ?? translator?.usage(),
      );
    }
    if (earlierTurns > 0) {
      if ((result.result ?? "") !== "") fail(answeredItself());
      earlierTurns -= 1;
      return [{ type: "input-taken" }];
    }
    const costUsd = result.total_cost_usd ?? undefined;
    if (wholeMessage !== undefined) {
      const stopReason = result.stop_reason ?? undefined;
      if (stopReason === undefined) return fail(incomplete());
      const finishReason = toFinishReason(stopReason, false);
      return [{ type: "end", end: { finishReason, model: wholeMessage.model, usage, costUsd, processEnds: true } }];
    }
    if (translator === undefined) return fail(answeredItself());
    if (translator.stopReason === undefined) return fail(incomplete());
    const end = { ...endHere(translator).end, usage: usage ?? translator.usage(), costUsd, processEnds: true };
    return [{ type: "end", end }];
  };

  const readSystem = (line: Fields): readonly InterpretedStep[] => {
    if (line["subtype"] === "thinking_tokens") return PROGRESS;
    if (line["subtype"] !== "init") return NOTHING;
    const init = parse(lines.initLineSchema, line);
    const fault = findOfferFault(init, options.tools);
    if (fault !== undefined) fail(fault);
    initSeen = true;
    return NOTHING;
  };

  const readControlResponse = (line: Fields): readonly InterpretedStep[] => {
    const { response } = parse(lines.controlResponseLineSchema, line);
    if (response.request_id === SETTINGS_REQUEST_ID) {
      if (response.subtype !== "success") fail(invalidOutput("it refused the request's settings"));
      openSettings = false;
      return NOTHING;
    }
    if (response.request_id !== INITIALIZE_REQUEST_ID) return NOTHING;
    // They were written first, and are answered first by a version that knows them.
    if (openSettings) fail(invalidOutput("it did not take the request's settings"));
    if (response.subtype !== "success") fail(invalidOutput("it refused the system prompt"));
    return [{ type: "input-taken" }];
  };

  const readLine = (line: Fields): readonly InterpretedStep[] => {
    switch (line["type"]) {
      case "stream_event":
        return readStreamEvent(line);
      case "system":
        return readSystem(line);
      case "assistant":
        return readAssistant(parse(lines.assistantLineSchema, line));
      case "user":
        // The CLI itself asks the model to go on; the answer was whole before.
        return translator?.stopReason === undefined ? NOTHING : [endHere(translator)];
      case "rate_limit_event": {
        const info = parse(lines.rateLimitLineSchema, line).rate_limit_info;
        if (info.status === "rejected") rejectedLimit = info;
        return NOTHING;
      }
      case "control_response":
        return readControlResponse(line);
      case "control_request":
        return [askedHost(parse(lines.controlRequestLineSchema, line))];
      case "result":
        return readResult(parse(lines.resultLineSchema, line));
      default:
        return NOTHING;
    }
  };

  return {
    push(text) {
      if (text.trim() === "") return NOTHING;
      try {
        return readLine(parseLine(text));
      } catch (error) {
        if (error instanceof CliFailure || !(error instanceof GatewayError)) throw error;
        throw asFailure(error, translator?.usage());
      }
    },
    usage: () => translator?.usage(),
  };
}

function askedHost({
  request_id: requestId,
  request,
}: z.infer<typeof lines.controlRequestLineSchema>): InterpretedStep {
  return { type: "asked-host", requestId, request };
}

function parseLine(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalidOutput("a line is not JSON");
  }
  if (isFields(value)) return value;
  throw invalidOutput("a line is no JSON object");
}

function parse<Schema extends z.ZodType>(schema: Schema, line: Fields): z.infer<Schema> {
  const parsed = schema.safeParse(line);
  if (parsed.success) return parsed.data;
  throw invalidOutput(`a line of type ${String(line["type"])} lacks what it promises`);
}

function asFailure(error: GatewayError, usage: Usage | undefined): CliFailure {
  return new CliFailure(error.code, error.message, {
    status: error.status,
    param: error.param,
    retryAfterMs: error.retryAfterMs,
    failover: error.failover,
    cause: error.cause,
    usage,
  });
}

function repeated(): GatewayError {
  return new GatewayError(
    "cli_repeated_output",
    "The connection to the model broke and the CLI began the answer again after a part of it had been delivered.",
  );
}

function incomplete(): GatewayError {
  return new GatewayError("upstream_incomplete", "The model's answer ended before it was whole.");
}

function answeredItself(): GatewayError {
  return new GatewayError("cli_output_invalid", "The CLI answered in the model's place.");
}
