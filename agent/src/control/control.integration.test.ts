import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { runStatus } from "../commands/status.ts";
import { EXIT } from "../exit-codes.ts";
import { agentPlaces, type AgentPlaces } from "./agent-places.ts";
import { askAgent, findAgents } from "./control-client.ts";
import { AlreadyRunningError, startControlServer, type ControlServer } from "./control-server.ts";
import type { ControlCommand, RunningStatus } from "./protocol.ts";
import { commandAgent } from "./select-agent.ts";

let folder: string;
let commands: ControlCommand[];
let servers: ControlServer[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "codewise-control-"));
  [commands, servers] = [[], []];
});
afterEach(async () => {
  for (const server of servers) await server.close();
  rmSync(folder, { recursive: true });
});

const status = (agentId: string): RunningStatus => ({
  pid: 1,
  version: "1",
  agentId,
  url: "https://proxy.example",
  startedAt: 0,
  clis: [],
  models: [],
  connection: { state: "connected", reason: null },
  lifecycle: "running",
  closure: null,
  requests: [],
  questions: [],
  totals: { completed: 0, failed: 0, cancelled: 0, refused: 0 },
  limits: {
    allowModels: null,
    hours: null,
    requestsInHour: { used: 0, limit: null, resetsAt: null },
    tokensToday: { used: 0, estimated: 0, limit: null, resetsAt: 0 },
  },
});

const placesOf = (agentId: string, base = folder): AgentPlaces =>
  agentPlaces(base, { url: "https://proxy.example", agentId });

async function start(agentId: string, base = folder): Promise<AgentPlaces> {
  const places = placesOf(agentId, base);
  const server = await startControlServer(places, (command) => {
    commands.push(command);
    return { status: status(agentId) };
  });
  servers.push(server);
  return places;
}

/** As a process does that is killed. */
async function leaveDeadSocket(address: string): Promise<void> {
  const script = `require("node:net").createServer().listen(${JSON.stringify(address)}, () => console.log("up"))`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "close");
  expect(existsSync(address)).toBe(true);
}

describe("the control channel", () => {
  it("is a socket that only its owner can open, and leaves nothing behind", async () => {
    const { address } = await start("one");
    expect(statSync(address).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(await askAgent(address, { command: "pause", forMs: 5 })).toEqual({ status: status("one") });
    expect(commands).toEqual([{ command: "pause", forMs: 5 }]);
    await servers.pop()?.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("keeps agents of different names apart, and finds them all", async () => {
    await start("one");
    await start("two");
    const found = await findAgents(folder);
    expect(found.agents.map(({ status: { agentId } }) => agentId).toSorted()).toEqual(["one", "two"]);
    expect(await findAgents(join(folder, "none"))).toEqual({ agents: [], problems: [] });
  });

  it("finds an agent behind however many that were killed", async () => {
    const { address } = placesOf("dead");
    for (let count = 0; count < 200; count += 1) writeFileSync(join(folder, `${count}.agent`), address);
    const { marker } = await start("one");
    renameSync(marker, join(folder, "z.agent"));
    expect(await findAgents(folder)).toMatchObject({ agents: [{}], problems: [] });
    renameSync(join(folder, "z.agent"), marker);
  });

  it("refuses a second agent of the same name while the first lives", async () => {
    await start("one");
    await expect(start("one")).rejects.toThrow(AlreadyRunningError);
    expect(await findAgents(folder)).toMatchObject({ agents: [{}], problems: [] });
  });

  it("replaces the socket that a killed process has left", async () => {
    await leaveDeadSocket(placesOf("one").address);
    await start("one");
    expect(await findAgents(folder)).toMatchObject({ agents: [{}], problems: [] });
  });

  it("lets one of many that start at once over a dead socket run", async () => {
    const { address } = placesOf("one");
    await leaveDeadSocket(address);
    const started = await Promise.allSettled(Array.from({ length: 8 }, () => start("one")));
    const refused = started.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    expect(refused).toHaveLength(7);
    for (const reason of refused) expect(reason).toBeInstanceOf(AlreadyRunningError);
    expect(await findAgents(folder)).toMatchObject({ agents: [{}], problems: [] });
    await servers.pop()?.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("lets one of several processes that start at once over a dead socket run", { timeout: 60_000 }, async () => {
    const places = placesOf("one");
    const script = `
      const { startControlServer } = await import(${JSON.stringify(join(import.meta.dirname, "control-server.ts"))});
      process.stdout.write("ready\\n");
      await new Promise((resolve) => process.stdin.once("data", resolve));
      const said = await startControlServer(${JSON.stringify(places)}, () => ({ refusal: "" })).then(() => "up", (error) => error.name);
      process.stdout.write(said + "\\n");
      process.stdin.once("end", () => process.exit(0));
    `;
    for (let round = 0; round < 3; round += 1) {
      await leaveDeadSocket(places.address);
      const children = Array.from({ length: 4 }, () =>
        spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["pipe", "pipe", "inherit"] }),
      );
      try {
        await Promise.all(children.map(({ stdout }) => once(stdout, "data")));
        const said = children.map(({ stdout }) => once(stdout, "data"));
        for (const { stdin } of children) stdin.write("go\n");
        const results = (await Promise.all(said)).map(([text]) => String(text).trim());
        expect(results.toSorted()).toEqual([...Array.from({ length: 3 }, () => "AlreadyRunningError"), "up"]);
      } finally {
        for (const child of children) child.kill("SIGKILL");
        await Promise.all(children.map((child) => once(child, "close")));
        rmSync(places.address, { force: true });
      }
    }
  });

  it.each(["{\n", '{"command":"shutdown"}\n', '{"command":"pause","forMs":-1}\n', "x".repeat(100_000)])(
    "refuses a line that is no command, and does nothing",
    async (line) => {
      const { address } = await start("one");
      const socket = createConnection(address);
      socket.setEncoding("utf8");
      socket.on("error", () => undefined);
      socket.write(line);
      const [answer] = (await once(socket, "data")) as [string];
      expect(JSON.parse(answer)).toMatchObject({ refusal: expect.stringContaining("does not know") });
      expect(commands).toEqual([]);
      socket.destroy();
    },
  );

  it("finds another place for a socket whose path is too long for the system", async () => {
    const deep = join(folder, "d".repeat(60), "d".repeat(60));
    const { address } = await start("one", deep);
    expect(address.length).toBeLessThan(104);
    expect(await findAgents(deep)).toMatchObject({ agents: [{}], problems: [] });
  });

  const answers: [string, string, string][] = [
    ["is too long", "x".repeat(1024 * 1024 + 1), "too long"],
    ["is malformed", '{"status":{}}\n', "malformed"],
    ["is a refusal", '{"refusal":"what is that?"}\n', "what is that?"],
    ["is cut off", "", "malformed"],
  ];
  it.each(answers)("tells an agent whose answer %s from one that does not run", async (_name, answer, why) => {
    const { address, marker } = placesOf("one");
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => socket.end(answer));
    });
    server.listen(address);
    await once(server, "listening");
    writeFileSync(marker, address);
    const selection = { folder, url: undefined, agentId: undefined };
    let said = "";
    const stderr = vi.spyOn(process.stderr, "write").mockImplementation((text) => {
      said += String(text);
      return true;
    });
    const stdout = vi.spyOn(process.stdout, "write").mockReturnValue(true);
    try {
      expect(await runStatus(selection, { json: true })).toBe(EXIT.failure);
      expect(said).toContain(`an agent runs here that cannot be understood`);
      expect(said).toContain(why);
      expect(await commandAgent(selection, { command: "pause", forMs: null }, () => "")).toBe(EXIT.failure);
      await start("two");
      said = "";
      expect(await runStatus(selection, { json: true })).toBe(EXIT.ok);
      expect(said).toContain(why);
    } finally {
      stderr.mockRestore();
      stdout.mockRestore();
      server.close();
    }
    expect(said).not.toContain("no agent runs here");
  });
});
