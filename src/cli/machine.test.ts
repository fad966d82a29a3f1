import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { homePath } from "./home-path.ts";
import { machineIdentity, machinePlaces, makeIdentity } from "./machine.ts";

const homeless = () => {
  throw new Error("no home directory");
};

test("S96: the user's part of the machine's identity lies in the configuration, which a relative path does not name", () => {
  const ofUser = (environment: Record<string, string>, platform: NodeJS.Platform = "linux") =>
    machinePlaces(environment, platform, () => "/home/u").ofUser;
  assert.equal(ofUser({ XDG_CONFIG_HOME: "/c" }), "/c/rtcr/machine-id");
  assert.equal(ofUser({ XDG_CONFIG_HOME: "c" }), "/home/u/.config/rtcr/machine-id");
  assert.equal(ofUser({ XDG_CONFIG_HOME: "/c" }, "darwin"), "/home/u/Library/Preferences/rtcr/machine-id");
  assert.equal(
    homePath({ XDG_STATE_HOME: "s" }, "linux", () => "/home/u"),
    "/home/u/.local/state/rtcr",
  );
});

test("S96: who has no home directory has no identity of the user's, and a state directory that is named", () => {
  const places = machinePlaces({}, "linux", homeless);
  assert.equal(places.ofUser, undefined);
  makeIdentity({ ...places, ofSystem: [] });
  assert.equal(machineIdentity({ ofSystem: [], ofUser: places.ofUser, ofStart: "" }), undefined);
  assert.equal(homePath({ RTCR_HOME: "/s" }, "linux", homeless), "/s");
});

test("S96: what is no identity is none: an installation that is not complete says so in words", (t) => {
  const path = mkdtempSync(join(tmpdir(), "rtcr-machine-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  const file = join(path, "machine-id");
  for (const [text, found] of [
    ["uninitialized\n", undefined],
    [`${"0".repeat(31)}\n`, undefined],
    [`${"0a".repeat(16)}\n`, "0a".repeat(16)],
  ] as const) {
    writeFileSync(file, text);
    assert.equal(machineIdentity({ ofSystem: [file], ofUser: undefined, ofStart: "" }), found);
  }
});
