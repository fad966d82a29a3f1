// A made-up init that keeps two components, as the kept image of nested components (nested-1.json) has it. Never changed; see
// compat.test.ts.
import type { SystemCheckpoint } from "../../src/checkpoint/index.ts";
import { system1 } from "./system-1.ts";

const [init, other] = system1.children;
const component = { windows: true, growthRequests: false, binaryBadge: 43, parentBadge: 60, accountBadge: 10 };

export const nested1: SystemCheckpoint = {
  ...system1,
  children: [
    {
      ...init!,
      ...{ native: "init", servedBadges: [60] },
      components: [
        { ...component, name: "second", program: "cd".repeat(32), pd: other!.pd, capabilities: other!.capabilities },
        { ...component, name: "second -> third", program: "", pd: { ...other!.pd, instance: null }, capabilities: [] },
      ],
      cpus: [{ ...other!.cpu, accountBadge: 21, quotaUs: 1000, affinity: { x: 0, y: 0, width: 0, height: 0 } }],
    },
  ],
};
