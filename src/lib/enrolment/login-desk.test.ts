import { beforeEach, describe, expect, test } from "vitest";
import { LoginDesk } from "./login-desk.ts";

const LAPTOP = { agentId: "laptop", version: "1.0.0", platform: "linux-x64" };
const APPROVAL = { keyId: "key_1", share: "owner" } as const;

let clock: number;
let desk: LoginDesk;
const now = () => clock;
const code = (error: string, status: number) => expect.objectContaining({ code: error, status });
beforeEach(() => {
  clock = 1000;
  desk = new LoginDesk({ now });
});

describe("a login", () => {
  test("is pending until it is approved, and is then handed out once", () => {
    const { deviceCode, userCode, intervalMs } = desk.begin(LAPTOP, "1.2.3.4");
    expect(desk.poll(deviceCode)).toEqual({ status: "pending" });
    expect(desk.settle(userCode.toLowerCase(), "key_1", APPROVAL)).toMatchObject(LAPTOP);
    clock += intervalMs;
    expect(desk.poll(deviceCode)).toMatchObject({ status: "approved", agentId: "laptop", approval: APPROVAL });
    clock += intervalMs;
    expect(() => desk.poll(deviceCode)).toThrow(code("agent_login_ended", 410));
  });

  test("can be polled for again where its token could not be made", () => {
    const { deviceCode, userCode, intervalMs } = desk.begin(LAPTOP, "1.2.3.4");
    desk.settle(userCode, "key_1", APPROVAL);
    const first = desk.poll(deviceCode);
    if (first.status === "approved") first.putBack();
    clock += intervalMs;
    expect(desk.poll(deviceCode)).toMatchObject({ status: "approved", approval: APPROVAL });
  });

  test("cannot be settled twice", () => {
    const { deviceCode, userCode } = desk.begin(LAPTOP, "1.2.3.4");
    desk.settle(userCode, "key_1", "denied");
    expect(() => desk.settle(userCode, "key_1", APPROVAL)).toThrow(code("not_found", 404));
    expect(() => desk.poll(deviceCode)).toThrow(code("agent_login_ended", 410));
  });

  test("lives ten minutes, whether it was approved or not", () => {
    const first = desk.begin(LAPTOP, "1.2.3.4");
    const second = desk.begin(LAPTOP, "1.2.3.4");
    desk.settle(second.userCode, "key_1", APPROVAL);
    clock += first.expiresInMs;
    expect(desk.pending()).toEqual([]);
    expect(() => desk.settle(first.userCode, "key_1", APPROVAL)).toThrow(code("not_found", 404));
    for (const { deviceCode } of [first, second]) {
      expect(() => desk.poll(deviceCode)).toThrow(code("agent_login_ended", 410));
    }
  });

  test("tells who polls too fast how long to wait", () => {
    const { deviceCode } = desk.begin(LAPTOP, "1.2.3.4");
    desk.poll(deviceCode);
    clock += 500;
    expect(() => desk.poll(deviceCode)).toThrow(
      expect.objectContaining({ code: "rate_limit_exceeded", retryAfterMs: 1500 }),
    );
  });

  test("is listed with what the approver must know, and no device code", () => {
    const { userCode, deviceCode } = desk.begin(LAPTOP, "1.2.3.4");
    clock += 7000;
    expect(desk.pending()).toEqual([{ ...LAPTOP, userCode, remoteAddress: "1.2.3.4", ageMs: 7000 }]);
    expect(JSON.stringify(desk.pending())).not.toContain(deviceCode);
  });
});

describe("what is bounded", () => {
  test("one address begins few logins in a minute, and is told when it may go on", () => {
    for (let count = 0; count < 5; count += 1) desk.begin(LAPTOP, "1.2.3.4");
    const refused = expect.objectContaining({ code: "rate_limit_exceeded", retryAfterMs: 60_000 });
    expect(() => desk.begin(LAPTOP, "1.2.3.4")).toThrow(refused);
    desk.begin(LAPTOP, "5.6.7.8");
    clock += 60_000;
    desk.begin(LAPTOP, "1.2.3.4");
  });

  test("a hundred logins wait at most; the network that has most of them gives way, then the expired ones", () => {
    const mine = desk.begin(LAPTOP, "1.2.3.4");
    for (let count = 0; count < 99; count += 1) {
      // One subscriber's addresses count as one, however many they are.
      if (count % 5 === 0) clock += 60_000 / 40;
      desk.begin(LAPTOP, count < 2 ? "10.0.0.9" : `10.0.${count}.1`);
    }
    desk.begin(LAPTOP, "9.9.9.9");
    expect(desk.pending()).toHaveLength(100);
    expect(desk.pending().filter(({ remoteAddress }) => remoteAddress === "10.0.0.9")).toHaveLength(1);
    expect(desk.find(mine.userCode, "key_1")).toMatchObject(LAPTOP);
    clock += 600_000;
    desk.begin(LAPTOP, "9.9.9.9");
    expect(desk.pending()).toHaveLength(1);
  });

  test("the addresses of one IPv6 network begin as few logins as one address", () => {
    for (let count = 0; count < 5; count += 1) desk.begin(LAPTOP, `2001:db8:1:2::${count + 1}`);
    expect(() => desk.begin(LAPTOP, "2001:db8:1:2:ffff::1")).toThrow(code("rate_limit_exceeded", 429));
    desk.begin(LAPTOP, "2001:db8:1:3::1");
  });

  test("guessing of user codes ends after a few, even where the next would be right; others are not held up", () => {
    const { userCode } = desk.begin(LAPTOP, "1.2.3.4");
    for (let count = 0; count < 5; count += 1) {
      expect(() => desk.find("BBBB-BBBB", "key_guesser")).toThrow(code("not_found", 404));
    }
    expect(() => desk.settle(userCode, "key_guesser", APPROVAL)).toThrow(code("rate_limit_exceeded", 429));
    expect(desk.find(userCode, "key_1")).toMatchObject(LAPTOP);
  });
});
