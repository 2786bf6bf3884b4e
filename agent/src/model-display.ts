/** Names of models from elsewhere, as the owner is shown them: none can pass for anything else on its line. */

/** Of a name that is told on, in characters. */
const MAX_TOLD = 100;
/** Of a name that is shown beside other facts, in characters. */
const MAX_SHOWN = 60;
const WELL_FORMED = /^[A-Za-z0-9][A-Za-z0-9._:@/[\]-]{0,199}$/;
const MALFORMED = "(a malformed name)";

/** For logs and the commands: at most 100 characters without spaces, or words that say that it is malformed. */
export function plainModel(model: string): string {
  return WELL_FORMED.test(model) ? model.slice(0, MAX_TOLD) : MALFORMED;
}

/** For people: at most 60 characters in quotes, such as `"sonnet"`, or words that say that it is malformed. */
export function quotedModel(model: string): string {
  return WELL_FORMED.test(model)
    ? `"${model.length <= MAX_SHOWN ? model : `${model.slice(0, MAX_SHOWN - 1)}…`}"`
    : MALFORMED;
}
