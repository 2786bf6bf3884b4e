import { Worker, type Transferable } from "node:worker_threads";

export interface AnsweringThreadOptions {
  /** The thread's entry: posts one message for each that it gets. */
  readonly url: URL;
  readonly name: string;
}

/**
 * A thread that is asked one question at a time. It is started by the first question, and again by the next one after it
 * has ended, for whatever reason. It keeps the process alive only while it has a question.
 */
export class AnsweringThread<Question, Answer> {
  readonly #options: AnsweringThreadOptions;
  #worker: Worker | undefined;
  #asked: PromiseWithResolvers<Answer> | undefined;

  constructor(options: AnsweringThreadOptions) {
    this.#options = options;
  }

  /**
   * Resolves with the answer; the caller waits for it before it asks again. What is in `transfer` is gone for the caller.
   * Rejects with an Error when the thread cannot be started, or ends before it has answered.
   */
  async ask(question: Question, transfer: readonly Transferable[]): Promise<Answer> {
    const worker = (this.#worker ??= this.#start());
    const asked = Promise.withResolvers<Answer>();
    worker.postMessage(question, transfer);
    worker.ref();
    this.#asked = asked;
    return await asked.promise;
  }

  /** Ends the thread at once; a question that it has is rejected. */
  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(this.#options.url, { name: this.#options.name });
    let failure: unknown;
    worker.unref();
    worker.on("message", (answer: Answer) => {
      worker.unref();
      this.#asked?.resolve(answer);
      this.#asked = undefined;
    });
    worker.on("messageerror", (error) => {
      failure = error;
      void worker.terminate();
    });
    worker.once("error", (error) => {
      failure = error;
    });
    worker.once("exit", (exitCode) => {
      this.#worker = undefined;
      this.#asked?.reject(new Error(`the thread ended with code ${exitCode}`, { cause: failure }));
      this.#asked = undefined;
    });
    return worker;
  }
}
