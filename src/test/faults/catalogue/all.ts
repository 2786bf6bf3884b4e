import type { Fault } from "../fault.ts";
import { BODY_FAULTS } from "./bodies.ts";
import { CLOCK_FAULTS } from "./clocks.ts";
import { CONNECTION_FAULTS } from "./connection.ts";
import { END_FAULTS } from "./ends.ts";
import { FRAMING_FAULTS } from "./framing.ts";
import { RATE_LIMIT_FAULTS } from "./rate-limits.ts";
import { REFUSAL_FAULTS } from "./refusals.ts";

export { REFUSED_FAULT } from "./connection.ts";

/** The faults of upstream APIs, in the order of the table. */
export const API_FAULTS: readonly { readonly heading: string; readonly faults: readonly Fault[] }[] = [
  { heading: "Connections", faults: CONNECTION_FAULTS },
  { heading: "Silence", faults: CLOCK_FAULTS },
  { heading: "Refusals", faults: REFUSAL_FAULTS },
  { heading: "Rate limits", faults: RATE_LIMIT_FAULTS },
  { heading: "Ends", faults: END_FAULTS },
  { heading: "Bodies", faults: BODY_FAULTS },
  { heading: "Framing", faults: FRAMING_FAULTS },
];
