import { describe, expect, it } from "vitest";
import { agentCommand, chooseExampleModel, clientExamples, exportLines } from "./client-examples.ts";

describe("chooseExampleModel", () => {
  it("prefers sonnet, takes what there is otherwise, and names sonnet where nothing is served yet", () => {
    expect(chooseExampleModel(["gpt-5", "sonnet"])).toBe("sonnet");
    expect(chooseExampleModel(["openai/gpt-5", "other"])).toBe("openai/gpt-5");
    expect(chooseExampleModel([])).toBe("sonnet");
  });

  it("never takes an id that could break out of the quotes of a copied command", () => {
    expect(chooseExampleModel([`x'; rm -rf ~ #`, 'a"b', "$(id)", "safe-1"])).toBe("safe-1");
  });
});

describe("clientExamples", () => {
  it("all ask for the model, stream, and take address and key from the exported variables", () => {
    const examples = clientExamples("haiku");
    expect(examples.map((example) => example.id)).toEqual(["curl", "python", "node"]);
    for (const { code } of examples) {
      expect(code).toContain('"haiku"');
      expect(code).toMatch(/stream"?\s*[:=]\s*true/i);
      expect(code).not.toContain("cw_");
    }
  });

  it("gives curl a body that is JSON", () => {
    const body = /-d '(?<json>[^']*)'/.exec(clientExamples("haiku")[0]?.code ?? "")?.groups?.["json"] ?? "";
    expect(JSON.parse(body)).toMatchObject({ model: "haiku", stream: true });
  });
});

describe("addresses", () => {
  it("are the API's for clients and the proxy's own for agents", () => {
    expect(exportLines("https://proxy.example/v1")).toContain("OPENAI_BASE_URL=https://proxy.example/v1\n");
    expect(agentCommand("https://proxy.example/v1").start).toMatch(/ --url https:\/\/proxy\.example$/);
    expect(agentCommand("https://proxy.example/base/v1/").start).toMatch(/ --url https:\/\/proxy\.example\/base$/);
  });
});

describe("agentCommand", () => {
  it("hands the secret over by the environment, never as a parameter that the process list shows", () => {
    const { secret, start } = agentCommand("https://proxy.example/v1");
    expect(secret).toMatch(/^export CODEWISE_AGENT_SECRET=/);
    expect(start).not.toMatch(/secret/i);
  });

  it("keeps the comment out of what is copied, since zsh runs it as part of the command", () => {
    const { secret, start } = agentCommand("https://proxy.example/v1");
    expect(`${secret}\n${start}`).not.toMatch(/[#']/);
  });
});
