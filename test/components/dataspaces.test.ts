// The dataspaces that a component has by default: the table of thesis figure 5.8 (spec 4.2).
import assert from "node:assert/strict";
import { test } from "node:test";
import { type DataspaceRow, listDataspaces } from "../../src/core/index.ts";
import { child, runComponents } from "./rig.ts";

const PAGE = 4096;

async function tableOf(app: string): Promise<readonly DataspaceRow[]> {
  let rows: readonly DataspaceRow[] = [];
  await runComponents({
    start: child(app, '<config iterations="1000"/>'),
    apps: [app],
    realTime: true,
    done: (written) => written.length >= 3,
    inspect: (system) => {
      const pd = system.pd(app);
      assert(pd, `the PD of ${app}`);
      rows = listDataspaces(pd);
    },
  });
  return rows;
}

const inArea = (rows: readonly DataspaceRow[], area: string) =>
  rows
    .filter((row) => row.area === area && row.origin === "ram")
    .map(({ bytes, address, end }) => [bytes, address, end])
    .toSorted(([, a], [, b]) => a! - b!);

for (const app of ["sheep_counter", "as-sheep_counter"]) {
  test(`S22, S116: ${app}: stacks, heap chunk and the manual dataspace, as in figure 5.8`, async () => {
    const rows = await tableOf(app);
    assert.deepEqual(inArea(rows, "stack area"), [
      [16_384, 0xfc000, 0x100000],
      [65_536, 0x1f0000, 0x200000],
      [16_384, 0x2fc000, 0x300000],
    ]);
    const [program, ...rest] = inArea(rows, "linker area");
    assert.deepEqual([program![1], rest], [0, []], "the program's data and nothing else");
    // AssemblyScript's objects have a heap of their own besides the program's
    const chunk = "heap chunk 16384";
    const own = [...(app.startsWith("as-") ? [chunk, chunk] : [chunk]), `attached by the program ${20 * PAGE}`];
    const shown = rows.filter(({ area, origin }) => area === "address space" && origin === "ram");
    assert.deepEqual(shown.map(({ role, bytes }) => `${role} ${bytes}`).toSorted(), own.toSorted());
  });
}
