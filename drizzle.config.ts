import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "postgresql",
  schema: [
    "./src/lib/db/schema/agents.ts",
    "./src/lib/db/schema/keys.ts",
    "./src/lib/db/schema/requests.ts",
    "./src/lib/db/schema/settings.ts",
  ],
  out: "./drizzle",
});
