// Who this process is, for lock files. Linux tells the most; elsewhere a process number alone must do.
import { randomBytes } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import type { Owner } from "./lock.ts";

/** The running process. */
export const nodeOwner: Owner = {
  host: [hostname(), tryRead("/proc/sys/kernel/random/boot_id"), namespace()].join("/"),
  pid: process.pid,
  started: startOf(process.pid) ?? "",
  alive: async (pid, started) => {
    if (!exists(pid)) return false;
    const now = startOf(pid);
    return now === undefined || started === "" || now === started;
  },
};

/** 16 hexadecimal digits that nobody else has. */
export function newToken(): string {
  return randomBytes(8).toString("hex");
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** The start time of a process in clock ticks since boot: field 22 of its stat. "zombie" has only to be reaped. */
function startOf(pid: number): string | undefined {
  const stat = tryRead(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" "); // from field 3 on: field 2 is the name in parentheses
  return fields[0] === "Z" || fields[0] === "X" ? "zombie" : fields[19];
}

function namespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}

function tryRead(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}
