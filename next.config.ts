import type { NextConfig } from "next";

const config: NextConfig = {
  output: "standalone",
  // Types are checked by `npm run check` for the whole repository at once.
  typescript: { ignoreBuildErrors: true },
  poweredByHeader: false,
  compress: false,
  outputFileTracingRoot: import.meta.dirname,
};

export default config;
