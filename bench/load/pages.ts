/** Dashboard page loads at a fixed rate, as a process of its own: reads a plan as JSON on stdin, prints the result. */
import { setTimeout as sleep } from "node:timers/promises";
import { text } from "node:stream/consumers";
import { Pool } from "undici";
import { pagesPlanSchema, type PagesResult } from "./plan.ts";

const FILE = /(?:src|href)="(\/_next\/static\/[^"]+)"/g;
const plan = pagesPlanSchema.parse(JSON.parse(await text(process.stdin)));
const pool = new Pool(plan.url, { connections: 32 });

async function load(path: string, accept: string): Promise<string> {
  const { statusCode, body } = await pool.request({ method: "GET", path, headers: { accept } });
  const content = await body.text();
  if (statusCode !== 200) throw new Error(`${path} answered ${statusCode}`);
  return content;
}

/** A page and all the files it names, as a browser without a cache. Answers their number. */
async function loadPage(): Promise<number> {
  const page = await load("/", "text/html");
  const files = new Set(Array.from(page.matchAll(FILE), (match) => match[1] ?? ""));
  if (files.size === 0) throw new Error("the page names no files");
  await Promise.all([...files].map((file) => load(file, "*/*")));
  return files.size;
}

const loads: Promise<number>[] = [];
const startedAt = performance.now();
for (let sent = 0; sent < plan.rate * plan.seconds; sent += 1) {
  await sleep(Math.max(0, startedAt + (sent * 1000) / plan.rate - performance.now()));
  const page = loadPage();
  // Awaited below; until then a failure must not count as unhandled.
  page.catch(() => undefined);
  loads.push(page);
}
const counts = await Promise.all(loads);
const result: PagesResult = {
  pages: counts.length,
  files: counts.reduce((sum, count) => sum + count, 0),
  seconds: (performance.now() - startedAt) / 1000,
};
process.stdout.write(JSON.stringify(result));
await pool.close();
