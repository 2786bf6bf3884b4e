import { expect, test, vi } from "vitest";
import { RecordingSink } from "../../test/recording-sink.ts";
import type { ChatDelta } from "../openai/delta.ts";
import { Delivery } from "./delivery.ts";

function setUp(maxBufferedBytes = 100) {
  const sink = new RecordingSink();
  const onPaused = vi.fn<(paused: boolean) => void>();
  const onFailure = vi.fn<(thrown: unknown) => void>();
  const delivery = new Delivery({ sink, maxBufferedBytes, onPaused, onFailure });
  return { sink, onPaused, onFailure, delivery };
}

const texts = (...contents: string[]): ChatDelta[] => contents.map((content) => ({ content }));

test("a fast reader gets everything at once, behind one open", () => {
  const { sink, delivery, onPaused } = setUp();
  delivery.open({ model: "sonnet" });
  delivery.open({ model: "opus" });
  delivery.push(texts("a", "b"), 2);
  expect(sink.text).toBe("ab");
  expect(sink.opened).toEqual([{ model: "sonnet" }]);
  expect(onPaused).not.toHaveBeenCalled();
});

test("a slow reader gets the rest in order, and the end is told after the last of it", () => {
  const { sink, delivery, onPaused } = setUp();
  const onEmpty = vi.fn<() => void>();
  sink.stall();
  delivery.open({ model: "sonnet" });
  delivery.push(texts("a", "b", "c"), 3);
  delivery.whenEmpty(onEmpty);
  expect(sink.text).toBe("a");
  sink.drain("one");
  expect(sink.text).toBe("ab");
  expect(onEmpty).not.toHaveBeenCalled();
  sink.drain();
  expect(sink.text).toBe("abc");
  expect(onEmpty).toHaveBeenCalledTimes(1);
  expect(onPaused.mock.lastCall).toEqual([false]);
});

test("room is what is left of the bound, but one push always fits", () => {
  const { sink, delivery } = setUp(10);
  delivery.open({ model: "sonnet" });
  expect(delivery.hasRoom(1000)).toBe(true);
  sink.stall();
  delivery.push(texts("a"), 1);
  expect(delivery.hasRoom(1000)).toBe(true);
  delivery.push(texts("bb", "cc"), 8);
  expect(delivery.hasRoom(2)).toBe(true);
  expect(delivery.hasRoom(3)).toBe(false);
  sink.drain("one");
  expect(delivery.hasRoom(6)).toBe(true);
  sink.drain();
  expect(delivery.hasRoom(1000)).toBe(true);
});

test("after close nothing is given any more", () => {
  const { sink, delivery, onPaused } = setUp();
  sink.stall();
  delivery.open({ model: "sonnet" });
  delivery.push(texts("a", "b"), 2);
  delivery.close();
  onPaused.mockClear();
  sink.drain();
  delivery.push(texts("c"), 1);
  expect(sink.text).toBe("a");
  expect(onPaused).not.toHaveBeenCalled();
});

test("a sink that throws is reported once and gets nothing more", () => {
  const { sink, delivery, onFailure } = setUp();
  const broken = vi.spyOn(sink, "delta").mockImplementation(() => {
    throw new TypeError("broken");
  });
  delivery.open({ model: "sonnet" });
  delivery.push(texts("a", "b"), 2);
  expect(broken).toHaveBeenCalledTimes(1);
  expect(onFailure).toHaveBeenCalledTimes(1);
});

test("a reader that catches up while it is told of waiting gets everything", () => {
  const given: string[] = [];
  const eager = new Delivery({
    sink: {
      open: () => undefined,
      raw: () => true,
      delta: ({ content }) => {
        given.push(content ?? "");
        return false;
      },
      onDrain: (listener) => listener(),
    },
    maxBufferedBytes: 10,
    onPaused: () => undefined,
    onFailure: () => undefined,
  });
  eager.open({ model: "sonnet" });
  eager.push(texts("a", "b", "c"), 3);
  expect(given).toEqual(["a", "b", "c"]);
  expect(eager.hasRoom(1000)).toBe(true);
});
