// How RTCR loads its children's programs: as their start nodes say, like any parent.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "../../test/assemble.ts";
import { config, start, startSystem } from "../../test/support/core-system.ts";
import { PRELUDE } from "../../test/support/kernel-system.ts";
import { Rtcr } from "./index.ts";

const NOTHING = assemble(`(module ${PRELUDE} (func (export "rtcr_component_start")))`);

test("S62: a child's program is translated for windows if its start node says so", () => {
  const children = ["yes", "no"].map((windows) => start(windows, `<binary name="nothing" windows="${windows}"/>`));
  const tree = startSystem({
    config: config(start("rtcr", config(children.join("")), 'caps="2000" ram="64M"')),
    natives: { rtcr: (env) => new Rtcr(env) },
    binaries: { nothing: NOTHING },
  });
  const windows = (name: string) =>
    tree.core.kernel.components.find(({ label }) => label === `init -> rtcr -> ${name}`)?.windows !== undefined;
  assert.deepEqual([windows("yes"), windows("no")], [true, false]);
  tree.close();
});
