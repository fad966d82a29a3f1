// A rewritten program is kept by its bytes and by how it was rewritten, by nothing else: components come and go.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "../../../test/assemble.ts";
import { Badges, INVALID, type KernelObject } from "../../session/index.ts";
import { nodeSha256 } from "../../store/index-node.ts";
import { Kernel, noKernelTicker } from "./index.ts";

test("the same bytes are rewritten once, whichever PD names the component to itself", () => {
  const badges = new Badges();
  const kernel = new Kernel({ badges, hash: nodeSha256, ticker: noKernelTicker });
  const bytes = assemble('(module (memory (export "memory") 1) (func (export "_start")))');
  const object = (): KernelObject => ({ kind: "pd" }) as KernelObject;
  const first = kernel.loadProgram(bytes, {});
  const pds = [INVALID, badges.identify(object()).capability, badges.identify(object()).capability];
  for (const pd of pds) assert.equal(kernel.loadProgram(bytes, { pd: pd as never, growthRequests: true }), first);
  assert.notEqual(kernel.loadProgram(bytes, { windows: true }), first);
  kernel.scheduler.close();
});
