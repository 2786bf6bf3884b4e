/** A load client as a process of its own: reads a plan as JSON on stdin, prints the result as JSON on stdout. */
import { text } from "node:stream/consumers";
import { planSchema } from "./plan.ts";
import { runStreams } from "./streams.ts";
import { runWhole } from "./whole.ts";

const plan = planSchema.parse(JSON.parse(await text(process.stdin)));
const result = plan.kind === "whole" ? await runWhole(plan) : await runStreams(plan);
process.stdout.write(JSON.stringify(result));
