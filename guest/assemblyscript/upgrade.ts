// Upgrades of sessions: whoever gives one more goes on when its server has it (docs/GUEST-ABI.md).
import { cpu, parent, Status } from "../../build/guest-abi/assemblyscript/abi";
import { Event, Mutex } from "./lock";
import { cpuSlot, parentSlot, pdSlot, requestFor, setLastStatus } from "./memory";
import { getSlot, getText } from "./message";

@lazy const ATTEMPTS: u32 = 10;
@lazy const CPU_SESSION: u32 = 2;
/** Raised when sessions have changed. */
@lazy export const sessionEvent = new Event();
/** Held while an upgrade is asked for: the parent drops those of a session that has one under way. */
@lazy const upgrades = new Mutex();

/** Gives the session of this id more, asking for resources until that can be; blocks until the server has it. */
export function upgradeSession(id: u32, ram: u32, caps: u32): Status {
  const args = "ram_quota=" + ram.toString() + ", cap_quota=" + caps.toString();
  while (true) {
    upgrades.acquire();
    awaitUpgrade(id);
    const status = parent.upgrade(parentSlot, id, args);
    const done = status != Status.Ok || getText() == "done";
    upgrades.release();
    if (requestFor(status, ram, caps)) continue;
    if (!done) awaitUpgrade(id);
    return status;
  }
}

/** Blocks while an upgrade is under way: to ask for nothing tells whether one is. */
function awaitUpgrade(id: u32): void {
  while (true) {
    const seen = sessionEvent.count;
    if (parent.upgrade(parentSlot, id, "") != Status.Ok || getText() == "done") return;
    sessionEvent.wait(seen);
  }
}

/** Upgrades the CPU session when it has no room for another thread. @returns the thread's slot; 0 if that fails */
export function createThread(name: string, weight: u32): u32 {
  let attempt: u32 = 0;
  while (true) {
    const status = cpu.createThread(cpuSlot, pdSlot, name, 0, weight, 0);
    setLastStatus(status);
    if (status == Status.Ok) return getSlot();
    if (attempt++ == ATTEMPTS) return 0;
    if (status == Status.OutOfCaps) upgradeSession(CPU_SESSION, 0, 2);
    else if (status == Status.OutOfRam) upgradeSession(CPU_SESSION, 8192, 0);
    else return 0;
  }
}
