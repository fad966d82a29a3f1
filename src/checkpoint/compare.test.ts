import assert from "node:assert/strict";
import test from "node:test";
import { compareSystems } from "./compare.ts";
import { describeRole } from "./components.ts";
import { wholeBytes } from "./granules.ts";
import type { ChildInfo } from "./info.ts";
import type { SystemCheckpoint } from "./system.ts";
import { NESTED, SYSTEM } from "./system-sample.test.ts";

/** The sample with its first child changed. */
function changed(change: (child: ChildInfo) => ChildInfo): SystemCheckpoint {
  const [first, ...others] = SYSTEM.children;
  return { ...SYSTEM, children: [change(first!), ...others] };
}

/** A copy, with what `change` makes of each leaf. */
function mapped<T>(value: T, change: (leaf: unknown, path: string) => unknown, path = ""): T {
  const inside = Array.isArray(value) || (typeof value === "object" && value !== null && !ArrayBuffer.isView(value));
  if (!inside) return change(value, path) as T;
  const entries = Object.entries(value).map(([key, item]) => [key, mapped(item, change, `${path}.${key}`)] as const);
  return (Array.isArray(value) ? entries.map(([, item]) => item) : Object.fromEntries(entries)) as T;
}

/** Each object has an allocation number and a badge of its own, as in real checkpoints; contents are short. */
function distinct(system: SystemCheckpoint): SystemCheckpoint {
  let next = 1000;
  const own = /\.(allocated|badge|nativeBadge|dataBadge)$/;
  const numbered = mapped(system, (leaf, path) => {
    if (leaf instanceof Uint8Array) return leaf.subarray(0, 5000);
    return own.test(path) && !/capabilities/.test(path) ? next++ : leaf;
  });
  return mapped(numbered, (leaf, path) => {
    const of = path.match(
      /^(.*\.(?:addressSpace|stackArea|linkerArea|regionMaps\.\d+|roms\.\d+|reports\.\d+))\.dataspaceBadge$/,
    );
    return of ? next++ : leaf;
  });
}

function changesNothing(before: SystemCheckpoint, after: SystemCheckpoint): boolean {
  const { addedChildren, removedChildren, children, between } = compareSystems(before, after);
  const lists = [...children, between].flatMap(({ added, removed, fields }) => [added, removed, fields]);
  const all = [addedChildren, removedChildren, ...children.map(({ dataspaces }) => dataspaces), ...lists];
  return all.every(({ length }) => length === 0);
}

test("S77: a checkpoint does not differ from itself, nor from one with all other badges, as a restore makes them", () => {
  for (const system of [SYSTEM, NESTED].map(distinct)) {
    const renumbered = mapped(system, (leaf, path) =>
      /badges?(\.\d+)?$/i.test(path) && leaf !== 0 ? (leaf as number) + 5000 : leaf,
    );
    assert.notDeepEqual(renumbered, system);
    for (const after of [system, renumbered])
      assert.ok(changesNothing(system, after), JSON.stringify(compareSystems(system, after)));
  }
});

test("S77: whatever else is recorded, a change of it is seen", () => {
  // Of the checkpoint, not of what it records; a second child like the first; and what tells objects from each other, whose change is another object.
  const apart = /^\.(created|name|parent|modules)\b|^\.children\.1|(\.badge|\.nativeBadge|\.dataBadge)$/;
  for (const system of [SYSTEM, NESTED].map(distinct)) {
    const paths: string[] = [];
    mapped(system, (leaf, path) => {
      if (!apart.test(path) || /capabilities/.test(path)) paths.push(path);
      return leaf;
    });
    assert.ok(paths.length > 100, `${paths.length}`);
    for (const path of paths) {
      const other = mapped(system, (leaf, at) => (at === path ? otherThan(leaf) : leaf));
      assert.ok(!changesNothing(system, other), path);
    }
  }
});

/** A value of the same type. */
function otherThan(leaf: unknown): unknown {
  if (typeof leaf === "number") return leaf === 0 ? 1 : 0;
  if (typeof leaf === "bigint") return leaf + 1n;
  if (typeof leaf === "boolean") return !leaf;
  if (typeof leaf === "string") return `${leaf}!`;
  if (leaf instanceof Uint8Array) return Uint8Array.from([...leaf, 1]);
  return "something";
}

test("S77: a change within a thread's state is named by its place, one of many with its neighbours left out", () => {
  const at = (position: number) =>
    changed((child) => {
      const [thread] = child.cpu.threads;
      const state = { frames: [{ function: 3, position, values: [1, 2n, new Uint8Array([9])] }] };
      return { ...child, cpu: { ...child.cpu, threads: [{ ...thread!, state }] } };
    });
  const [child] = compareSystems(at(17), at(18)).children;
  assert.deepEqual(
    child!.fields.map(({ kind, name, field, before, after }) => [kind, name, field, before, after]),
    [["thread", "ep", "state.frames[0].position", "17", "18"]],
  );
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
