import { expect, test } from "vitest";
import { rejection } from "../../test/rejection.ts";
import { GatewayError } from "../http/errors.ts";
import { TurnQueue } from "./turn-queue.ts";

const never = new AbortController().signal;

test("turns come one at a time, in the order of asking", async () => {
  const turns = new TurnQueue(10);
  const seen: string[] = [];
  const work = async (name: string): Promise<void> => {
    const end = await turns.take(never);
    seen.push(`${name} begins`);
    await Promise.resolve();
    seen.push(`${name} ends`);
    end();
  };
  await Promise.all([work("a"), work("b"), work("c")]);
  expect(seen).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
});

test("one more than may wait is refused at once, with a wait", async () => {
  const turns = new TurnQueue(1);
  const end = await turns.take(never);
  const second = turns.take(never);
  expect(await rejection(turns.take(never))).toMatchObject({ code: "proxy_overloaded", retryAfterMs: 1000 });
  end();
  (await second)();
  (await turns.take(never))();
});

test("who aborts leaves the queue with the signal's reason; the others keep their order", async () => {
  const turns = new TurnQueue(10);
  const client = new AbortController();
  const end = await turns.take(never);
  const left = rejection(turns.take(client.signal));
  const stays = turns.take(never);
  const reason = new GatewayError("deadline_exceeded", "Too late.");
  client.abort(reason);
  expect(await left).toBe(reason);
  expect(await rejection(turns.take(client.signal))).toBe(reason);
  end();
  (await stays)();
});
