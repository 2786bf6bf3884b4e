/** The thread that prepares large bodies: answers each {@link PrepareQuestion} in turn. */
import { parentPort } from "node:worker_threads";
import { toErrorFields } from "../http/error-fields.ts";
import { toGatewayError } from "../http/errors.ts";
import { readChatBody } from "../openai/chat-body.ts";
import { prepareBody } from "./prepare-body.ts";
import type { PrepareAnswer, PrepareQuestion } from "./worker-messages.ts";

function answer({ bytes, form }: PrepareQuestion): PrepareAnswer {
  try {
    const request = readChatBody(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    const prepared = prepareBody(request, form);
    // A copy, since a Buffer may be a part of a pool, which cannot be handed over.
    return { bytes: new Uint8Array(prepared.bytes), droppedParams: prepared.droppedParams };
  } catch (thrown) {
    return { error: toErrorFields(toGatewayError(thrown)) };
  }
}

if (parentPort !== null) {
  const parent = parentPort;
  parent.on("message", (question: PrepareQuestion) => {
    const answered = answer(question);
    parent.postMessage(answered, "bytes" in answered ? [answered.bytes.buffer] : []);
  });
}
