// Who is told: what a component names as a handler is not trusted to be one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Badges, INVALID, type KernelObject, notify, type SignalContext } from "./index.ts";

test("S6, S31: what is no signal context hears nothing, whoever was told that it is a handler", () => {
  const badges = new Badges();
  let heard = 0;
  const submit = (count: number) => {
    heard += count;
  };
  const context: SignalContext = { kind: "signal-context", pending: 0, submit };
  const identity = badges.identify(context);
  notify(identity.capability, 3);
  notify(badges.identify<KernelObject>({ kind: "log" }).capability);
  notify(badges.identify({ kind: "timer", submit } as KernelObject).capability);
  notify(INVALID);
  notify(undefined);
  identity.dispose();
  notify(identity.capability);
  assert.equal(heard, 3);
});
