// A made-up child with open files and terminals, as the kept image of those (streams-1.json) has it. Never changed; see
// compat.test.ts.
import type { SystemCheckpoint } from "../../src/checkpoint/index.ts";
import { system1 } from "./system-1.ts";

const [program] = system1.children;
const session = { bootstrapped: true, creationArgs: 'ram_quota=8192, cap_quota=2, label=""', upgradeArgs: "" };
const place = { root: 0, path: "log", kind: "regular-file", device: 66_310n, inode: 2n ** 53n + 1n };

export const streams1: SystemCheckpoint = {
  ...system1,
  children: [
    {
      ...program!,
      fileSystems: [
        {
          ...{ ...session, badge: 70, allocated: 12, id: 0x7a51_0000 },
          nodes: [
            { handle: 0, path: "/data", read: true, write: false },
            { handle: 1, path: "/data/log", read: false, write: true },
          ],
          state: { version: 1, handles: [{ handle: 1, volume: 0, place, read: false, write: true }], volumes: [null] },
        },
      ],
      terminals: [
        {
          ...{ ...session, badge: 71, allocated: 13, id: 0x7a51_0003 },
          ...{ device: "terminal", size: { columns: 80, rows: 25 }, unreadBytes: 3 },
          state: { input: new Uint8Array([97, 98, 10]), arrivedBytes: 9 },
        },
        {
          ...{ ...session, badge: 72, allocated: 14, id: 0x7a51_0004, upgradeArgs: "ram_quota=4096" },
          ...{ device: "pipe", unreadBytes: 0, state: {} },
        },
      ],
    },
  ],
};
