// A made-up tree of two components with one object of every kind: for tests of records and images.
import { type SystemCheckpoint, sha256 } from "./index.ts";
import type { ChildInfo, DataspaceInfo, RegionMapInfo, SessionInfo } from "./info.ts";

let allocated = 0;
const object = (badge: number) => ({ badge, allocated: ++allocated, bootstrapped: badge < 20 });
const session = (badge: number, id: number): SessionInfo => ({
  ...object(badge),
  id,
  creationArgs: `ram_quota=8K, label="counter"`,
  upgradeArgs: "ram_quota=4K",
});
const map = (badge: number, dataspaceBadge: number): RegionMapInfo => ({
  ...object(badge),
  size: 2 ** 28,
  dataspaceBadge,
  faultHandlerBadge: 0,
  regions: [{ dataspaceBadge: 30, address: 0x5000, size: 8192, offset: 4096, executable: true, writeable: false }],
});
const dataspace = (badge: number, size: number): DataspaceInfo => ({
  ...object(badge),
  size,
  cached: "write-combined",
  role: "stack of ep",
  content: Uint8Array.from({ length: size }, (_, i) => i * 7),
});

function child(name: string): ChildInfo {
  return {
    name,
    program: "ab".repeat(32),
    windows: true,
    parent: {
      badge: 5,
      announced: ["Counter"],
      request: "ram_quota=4K",
      exit: [],
      sessionHandlerBadge: 0,
      resourceHandlerBadge: 12,
      yieldHandlerBadge: 0,
      heartbeatHandlerBadge: 12,
    },
    pd: {
      ...session(10, 1),
      signalSources: [object(11)],
      signalContexts: [{ ...object(12), sourceBadge: 11, imprint: 0xffff_fff0, pending: 3, queued: 1 }],
      rpcObjects: [{ ...object(13), entrypointBadge: 22 }],
      dataspaces: [dataspace(30, 12), dataspace(31, 200_000)],
      addressSpace: map(14, 15),
      stackArea: map(16, 17),
      linkerArea: map(18, 19),
      ramQuota: 1 << 30,
      capQuota: 100,
      nativeBadge: 9,
      dataBadge: 8,
      data: new Uint8Array(70_000).fill(5),
      instance: { globals: [{ index: 0, value: { type: "i64", value: -1n } }] },
    },
    cpu: {
      ...session(21, 2),
      nativeBadge: 23,
      faultHandlerBadge: 12,
      threads: [
        {
          ...object(22),
          nativeBadge: 24,
          pdBadge: 10,
          name: "ep",
          weight: 10,
          utcb: 0x1000,
          started: true,
          paused: false,
          singleStep: false,
          affinity: { x: 0, y: 0, width: 1, height: 1 },
          faultHandlerBadge: 0,
          stackPointer: 65_000,
          state: { frames: [{ function: 3, position: 17, values: [1, 2n, new Uint8Array([9])] }] },
          place: { ahead: 400_000, rank: 17, slice: 321 },
        },
      ],
    },
    logs: [session(40, 3)],
    timers: [
      {
        ...session(41, 7),
        handlerBadge: 12,
        timeoutUs: 1000,
        periodic: true,
        remainingUs: 250,
        elapsedUs: 123_456,
        place: 1,
      },
    ],
    roms: [
      {
        ...session(42, 4),
        module: "config",
        dataspaceBadge: 43,
        size: 4096,
        handlerBadge: 0,
        content: new Uint8Array(4096).fill(1),
        told: true,
      },
    ],
    rms: [{ ...session(44, 8), regionMaps: [map(45, 46)] }],
    reports: [{ ...session(47, 9), dataspaceBadge: 48, content: new Uint8Array(0), handlerBadge: 30 }],
    foreign: [
      { ...session(49, 11), service: "Nic", server: "other", serverId: 3, phase: "cap-handed-out", addedArgs: "" },
    ],
    capabilities: [{ slot: 1, badge: 10, references: 2 }],
  };
}

export const SYSTEM: SystemCheckpoint = {
  created: "2026-11-25T13:00:00.000Z",
  name: "tree",
  children: [child("counter"), child("other")],
  exited: [{ name: "once", value: -1 }],
  calls: [
    {
      number: 7,
      targetBadge: 13,
      opcode: 2,
      state: "queued",
      status: 0,
      callerBadge: 24,
      entrypointBadge: 24,
      bytes: new Uint8Array([1, 2]),
      capabilityBadges: [30],
    },
  ],
  modules: { [sha256(new Uint8Array([1, 2, 3]))]: new Uint8Array([1, 2, 3]) },
};

/** A child that keeps two components of its own: a program in TypeScript, and one that has none yet. */
function keeper(name: string): ChildInfo {
  const made = child(name);
  const { pd, capabilities } = child("kept");
  const component = { windows: false, growthRequests: true, binaryBadge: 43, parentBadge: 50, accountBadge: 10 };
  return {
    ...made,
    ...{ native: "init", servedBadges: [50, 51] },
    components: [
      { name: "second", program: "cd".repeat(32), native: "log_server", ...component, pd, capabilities },
      { name: "second -> third", program: "", ...component, pd: { ...pd, instance: null }, capabilities: [] },
    ],
    cpus: [{ ...made.cpu, accountBadge: 21, quotaUs: 250_000, affinity: { x: 1, y: 0, width: 2, height: 1 } }],
    fileSystems: [
      {
        ...session(60, 12),
        nodes: [{ handle: 3, path: "/data/log", read: true, write: true }],
        state: { handles: [{ inode: 2n ** 60n }], times: null },
      },
    ],
    terminals: [
      {
        ...session(61, 13),
        device: "terminal",
        size: { columns: 80, rows: 25 },
        unreadBytes: 2,
        state: { input: new Uint8Array([97, 98]) },
      },
      { ...session(62, 14), device: "pipe", unreadBytes: 0, state: {} },
    ],
  };
}

export const NESTED: SystemCheckpoint = { ...SYSTEM, name: "nested", children: [keeper("keeper"), child("plain")] };
