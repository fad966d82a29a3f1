// The common suite of parents, on core's, on init, and on an init inside.
import assert from "node:assert/strict";
import { type ParentUnderTest, parentSessionSuite } from "../../test/contracts/parent-session.ts";
import { Core, nativeBinary, VirtualClock } from "../core/index.ts";
import { noKernelTicker } from "../core/kernel/index.ts";
import type { Env } from "../session/index.ts";
import { required } from "../util/index.ts";
import { plant, start, system } from "./tree.test.ts";

function under(env: Env, module: string, settle: () => void, close: () => void): ParentUnderTest {
  return {
    parent: required(env.parent.object, "a parent"),
    pd: env.pd,
    module,
    context: () => {
      let count = 0;
      const { context } = env.signalHandler(() => count++);
      return { context, count: () => count };
    },
    settle,
    close,
  };
}

parentSessionSuite("core", () => {
  let env: Env | undefined;
  const probe = (given: Env) => {
    env = given;
    return { dispose: () => {} };
  };
  const core = new Core({
    quota: { ram: 64 << 20, caps: 2000 },
    modules: new Map([["probe", nativeBinary("probe")]]),
    programs: new Map([["probe", probe]]),
    clock: new VirtualClock(),
    output: () => {},
    hash: () => assert.fail("there are no modules to hash"),
    kernel: { ticker: noKernelTicker },
  });
  const first = core.start({ name: "first", binary: "probe", quota: { ram: 4 << 20, caps: 400 } });
  const settle = () => assert.ok(core.tasks.runAll());
  settle();
  const close = () => {
    first.dispose();
    core.dispose();
  };
  return under(required(env, "the probe's environment"), "probe", settle, close);
});

parentSessionSuite("init", () => {
  const tree = plant({ config: system(start("a")), probes: ["a"] });
  return under(tree.env("a"), "a", tree.settle, tree.close);
});

parentSessionSuite("init in init", () => {
  const inner = `<binary name="init"/>${system(start("a"))}`;
  const tree = plant({ config: system(start("inner", inner, 'caps="800" ram="20M"')), probes: ["a"] });
  return under(tree.env("a"), "a", tree.settle, tree.close);
});
