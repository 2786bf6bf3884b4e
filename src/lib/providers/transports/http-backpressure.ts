import type { StreamSink } from "../types.ts";
import type { HttpStreamControl } from "./http.ts";

/**
 * Couples a sink's reader to the socket: the returned function takes the answer of each `delta` or `raw`, stops reading
 * after a `false` and goes on when the sink has drained.
 */
export function createBackpressure(
  sink: Pick<StreamSink, "onDrain">,
): (accepted: boolean, control: HttpStreamControl) => void {
  let waiting = false;
  return (accepted, control) => {
    if (accepted || waiting) return;
    waiting = true;
    control.pause();
    sink.onDrain(() => {
      waiting = false;
      control.resume();
    });
  };
}
