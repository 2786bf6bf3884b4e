import { z } from "zod";

/** Folder of the built server, beside its entry, that holds the dashboard's files and their manifest. */
export const DASHBOARD_DIRECTORY = "dashboard";
export const MANIFEST_NAME = "manifest.json";

const dashboardFileSchema = z.object({
  /** Decoded path of the URL that it answers. */
  path: z.string(),
  /** Name inside the folder. A compressed copy lies beside it under the same name with `.gz`, where that is smaller. */
  file: z.string(),
  compressed: z.boolean(),
  /** All headers that do not depend on the request. */
  headers: z.record(z.string(), z.string()),
});

/** What the build writes beside the dashboard's files: which file answers which path, and with which headers. */
export const dashboardManifestSchema = z.object({
  files: z.array(dashboardFileSchema),
  /** The page for every other path. */
  notFound: dashboardFileSchema,
});

export type DashboardFile = z.infer<typeof dashboardFileSchema>;
export type DashboardManifest = z.infer<typeof dashboardManifestSchema>;
