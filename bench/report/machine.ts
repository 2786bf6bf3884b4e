import { cpus, loadavg, release, totalmem } from "node:os";

/** The machine that a run's figures are from. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly kernel: string;
  readonly node: string;
  /** Of the last minute, before the run: anything but next to nothing spoils its wall figures. */
  readonly loadBefore: number;
}

export function describeMachine(): Machine {
  const all = cpus();
  return {
    cpu: all[0]?.model ?? "unknown",
    cores: all.length,
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    kernel: release().split("-", 1)[0] ?? "",
    node: process.versions.node,
    loadBefore: loadavg()[0] ?? 0,
  };
}
