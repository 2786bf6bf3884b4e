/** Next build adapter (`adapterPath`): what is left to do when Next's own build is done. */
import type { NextAdapter } from "next";
import { completePolicy } from "./complete-policy.ts";
import { writeDashboard } from "./write-dashboard.ts";

const adapter: NextAdapter = {
  name: "codewise",
  async onBuildComplete({ distDir, outputs }) {
    await completePolicy(distDir);
    await writeDashboard(distDir, outputs);
  },
};

export default adapter;
