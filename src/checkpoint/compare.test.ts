import assert from "node:assert/strict";
import test from "node:test";
import { compareSystems } from "./compare.ts";
import { describeRole } from "./components.ts";
import { wholeBytes } from "./granules.ts";
import type { ChildInfo } from "./info.ts";
import type { SystemCheckpoint } from "./system.ts";
import { SYSTEM } from "./system-sample.test.ts";

/** The sample with its first child changed. */
function changed(change: (child: ChildInfo) => ChildInfo): SystemCheckpoint {
  const [first, ...others] = SYSTEM.children;
  return { ...SYSTEM, children: [change(first!), ...others] };
}

test("S77: a checkpoint does not differ from itself, whatever its badges", () => {
  const renumbered = changed((child) => ({ ...child, pd: { ...child.pd, badge: 999 } }));
  for (const after of [SYSTEM, renumbered]) {
    const { addedChildren, removedChildren, children } = compareSystems(SYSTEM, after);
    assert.deepEqual([addedChildren, removedChildren], [[], []]);
    for (const { added, removed, dataspaces, fields } of children) {
      assert.deepEqual([added, removed, dataspaces, fields], [[], [], [], []]);
    }
  }
});

test("S77: changed pages of a dataspace are counted, the last partial one included", () => {
  const after = changed((child) => {
    const dataspaces = child.pd.dataspaces.map((dataspace) => {
      if (dataspace.badge !== 31) return dataspace;
      const content = dataspace.content.slice();
      for (const at of [0, 1, 5000, content.length - 1]) content[at]! ^= 1;
      return { ...dataspace, content };
    });
    return { ...child, pd: { ...child.pd, dataspaces } };
  });
  const [child] = compareSystems(SYSTEM, after).children;
  assert.deepEqual(
    child!.dataspaces.map(({ changedPages, pages, sizeBytes }) => [changedPages, pages, sizeBytes]),
    [[3, 49, 200_000]],
  );
});

test("S77, S116: a dataspace is named by where it is attached, and by what it says that it is for", () => {
  const dataspace = SYSTEM.children[0]!.pd.dataspaces.find(({ badge }) => badge === 31)!;
  const content = (head: string) => {
    const bytes = new Uint8Array(dataspace.content.length);
    bytes.set(Buffer.from(head, "latin1"));
    return bytes;
  };
  const names = {
    "rtcr:heap chunk\0": `heap chunk (${dataspace.role})`,
    "rtcr:heap\0 and more": `heap (${dataspace.role})`,
    // no end within 16 bytes, nothing said, not to be printed, another beginning
    "rtcr:heap chunks\0": dataspace.role,
    "rtcr:\0": dataspace.role,
    "rtcr:\x1b[2J\0": dataspace.role,
    "rtcr heap chunk\0": dataspace.role,
  };
  for (const [head, name] of Object.entries(names)) {
    const stating = { ...dataspace, content: content(head) };
    assert.equal(describeRole(stating), name, JSON.stringify(head));
    const after = changed((child) => ({ ...child, pd: { ...child.pd, dataspaces: [stating] } }));
    const [change] = compareSystems(SYSTEM, after).children[0]!.dataspaces;
    assert.equal(change!.role, name);
  }
});

test("S77: what a program's own memory, a ROM module and a report hold is compared as well", () => {
  const flipped = (content: Uint8Array) => content.map((byte, at) => (at === content.length - 1 ? byte ^ 1 : byte));
  const after = changed((child) => ({
    ...child,
    pd: { ...child.pd, data: flipped(wholeBytes(child.pd.data)) },
    roms: child.roms.map((rom) => ({ ...rom, content: flipped(rom.content) })),
    reports: child.reports.map((report) => ({ ...report, content: Uint8Array.of(1) })),
  }));
  const { roms, reports } = SYSTEM.children[0]!;
  const [child] = compareSystems(SYSTEM, after).children;
  assert.deepEqual(
    child!.dataspaces.map(({ role, changedPages }) => [role, changedPages]),
    [["program memory", 1], ...reports.map(() => ["report", 1]), ...roms.map(({ module }) => [`ROM ${module}`, 1])],
  );
  assert.ok(roms.length > 0 && reports.length > 0);
  assert.deepEqual(child!.fields, []);
});

test("S77: objects that came and went, fields that changed, children", () => {
  const after = changed((child) => ({
    ...child,
    logs: [],
    timers: child.timers.map((timer) => ({ ...timer, remainingUs: 100 })),
    cpu: {
      ...child.cpu,
      threads: [...child.cpu.threads, { ...child.cpu.threads[0]!, allocated: 500, name: "worker" }],
    },
  }));
  const [child] = compareSystems(SYSTEM, after).children;
  assert.deepEqual(
    child!.added.map(({ kind, name }) => `${kind} ${name}`),
    ["thread worker"],
  );
  assert.deepEqual(
    child!.removed.map(({ kind }) => kind),
    ["LOG"],
  );
  assert.deepEqual(
    child!.fields.map(({ kind, field, before, after: now }) => [kind, field, before, now]),
    [["Timer", "remainingUs", "250", "100"]],
  );
  const fewer = { ...SYSTEM, children: SYSTEM.children.slice(1) };
  assert.deepEqual(compareSystems(SYSTEM, fewer).removedChildren, ["counter"]);
  assert.deepEqual(compareSystems(fewer, SYSTEM).addedChildren, ["counter"]);
});
