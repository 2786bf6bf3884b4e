import manifest from "../package.json" with { type: "json" };

/** The version in package.json; the bundler writes it into the built file. */
export const AGENT_VERSION: string = manifest.version;
