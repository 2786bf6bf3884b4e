import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ProviderModel } from "../types.ts";
import { createModelList, type ModelListOptions } from "./http-model-list.ts";

const model = (id: string): ProviderModel => ({ id, ownedBy: "x", created: 0 });
const MINUTE = 60_000;

beforeEach(() => vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => vi.useRealTimers());

function create(load: ModelListOptions["load"], initial?: readonly ProviderModel[]) {
  const onFailure = vi.fn<(error: unknown) => void>();
  const list = createModelList({ load, onFailure, ...(initial === undefined ? {} : { initial }) });
  return { list, onFailure };
}

describe("createModelList", () => {
  it("lets first callers wait for one shared answer, then answers from memory for 5 minutes", async () => {
    const load = vi.fn<ModelListOptions["load"]>().mockResolvedValue([model("a")]);
    const { list } = create(load);
    expect(await Promise.all([list.get(), list.get()])).toEqual([[model("a")], [model("a")]]);
    vi.advanceTimersByTime(4 * MINUTE);
    await list.get();
    expect(load).toHaveBeenCalledTimes(1);
  });

  it("gives the old list while it fetches the new one", async () => {
    const load = vi
      .fn<ModelListOptions["load"]>()
      .mockResolvedValueOnce([model("a")])
      .mockResolvedValue([model("b")]);
    const { list } = create(load);
    await list.get();
    vi.advanceTimersByTime(6 * MINUTE);
    expect(await list.get()).toEqual([model("a")]);
    expect(await list.get()).toEqual([model("b")]);
  });

  it("waits for the first load only: after its failure an upstream that hangs holds nobody up", async () => {
    const load = vi
      .fn<ModelListOptions["load"]>()
      .mockRejectedValueOnce(new Error("away"))
      .mockReturnValue(new Promise(() => {}));
    const { list } = create(load);
    expect(await list.get()).toEqual([]);
    vi.advanceTimersByTime(5 * MINUTE);
    expect(await list.get()).toEqual([]);
    expect(load).toHaveBeenCalledTimes(2);
  });

  it("answers at once with the initial list", async () => {
    const { list } = create(() => new Promise(() => {}), [model("known")]);
    expect(await list.get()).toEqual([model("known")]);
  });

  it("keeps the last list after a failure, reports it, and asks again only after a while", async () => {
    const load = vi.fn<ModelListOptions["load"]>().mockRejectedValue(new Error("away"));
    const { list, onFailure } = create(load);
    expect(await list.get()).toEqual([]);
    expect(await list.get()).toEqual([]);
    expect([load.mock.calls.length, onFailure.mock.calls.length]).toEqual([1, 1]);
    vi.advanceTimersByTime(16_000);
    load.mockResolvedValue([model("a")]);
    await list.get();
    expect(await list.get()).toEqual([model("a")]);
  });

  it("aborts what is under way when closed, and asks no more", async () => {
    let signal: AbortSignal | undefined;
    const load = vi.fn<ModelListOptions["load"]>((given) => {
      signal = given;
      return new Promise((_resolve, reject) => given.addEventListener("abort", () => reject(new Error("closed"))));
    });
    const { list, onFailure } = create(load);
    const waiting = list.get();
    list.close();
    expect(await waiting).toEqual([]);
    await list.get();
    expect([signal?.aborted, load.mock.calls.length, onFailure.mock.calls.length]).toEqual([true, 1, 0]);
  });
});
