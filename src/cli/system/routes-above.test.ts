import assert from "node:assert/strict";
import { test } from "node:test";
import { supervisorsOf } from "./plan.ts";
import { missingAbove, servedAbove } from "./routes-above.ts";

const provides = (...services: readonly string[]) =>
  `<parent-provides>${services.map((name) => `<service name="${name}"/>`).join("")}</parent-provides>`;
const ANY = "<default-route><any-service><parent/></any-service></default-route>";
const BASE = ["PD", "CPU", "ROM", "LOG"];
const log = '<start name="log" caps="300" ram="8M"><provides><service name="LOG"/></provides></start>';
const toLog = '<route><service name="LOG"><child name="log"/></service><any-service><parent/></any-service></route>';
const MODULES = new Map(["init", "rtcr", "log", "sheep"].map((name) => [name, name]));

/** A supervisor in an init in an init. */
function levels(top: string, inner: string, route = "") {
  const text = `<config>${top}${ANY}
    <start name="sub" caps="900" ram="40M"><binary name="init"/><config>${inner}${ANY}
      <start name="rtcr" caps="800" ram="32M">${route}<config/></start></config></start></config>`;
  const [supervisor] = supervisorsOf(text);
  assert.equal(supervisor!.label, "init -> sub -> rtcr");
  return supervisor!.levels;
}

/** What comes of a request of the supervisor's child. */
function ask(service: string, label: string, ...of: Parameters<typeof levels>): string {
  const served = servedAbove({ service, label }, levels(...of), MODULES);
  return served.ok ? (served.by ?? "core") : served.why;
}

test("S55, S96: what a supervisor asks its parent for is served by the first on the way up that does, or by core", () => {
  const whole = provides(...BASE, "Timer", "Nic");
  for (const [service, label, top, inner, route, expected] of [
    ["Timer", "sheep", whole, whole, "", "core"],
    ["Timer", "sheep", provides(...BASE), whole, "", "init has no route: Timer is not in <parent-provides>"],
    ["Timer", "sheep", whole, provides(...BASE), "", "init -> sub has no route: Timer is not in <parent-provides>"],
    ["LOG", "sheep", whole, whole + log, toLog, "init -> sub -> log"],
    ["LOG", "sheep", whole + log, whole, "", "core"],
    ["Nic", "sheep", whole, whole, "", "core has no service Nic"],
    ["ROM", "sheep -> sheep", whole, whole, "", "core"],
    ["ROM", "sheep -> cow", whole, whole, "", 'there is no ROM module "cow"'],
    ["ROM", "sheep -> config", whole, whole, "", "init -> sub"],
  ] as const) {
    assert.equal(ask(service, label, top, inner, route), expected, `${service} ${label}`);
  }
  const renamed =
    '<route><service name="ROM"><parent label="a -> sheep"/></service><any-service><parent/></any-service></route>';
  assert.equal(ask("ROM", "sheep -> cow", whole, whole, renamed), "core", "a route gives it another label");
});

test("S96: sessions without which a supervisor, or an init above it, cannot start are missing by name", () => {
  const whole = provides(...BASE);
  assert.deepEqual(missingAbove(levels(whole, whole), MODULES), []);
  const why = "init has no route: LOG is not in <parent-provides>";
  assert.deepEqual(missingAbove(levels(provides("PD", "CPU", "ROM"), whole), MODULES), [
    { label: "init -> sub -> rtcr", service: "LOG", why },
    { label: "init -> sub", service: "LOG", why },
  ]);
});
