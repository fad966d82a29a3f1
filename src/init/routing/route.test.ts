// S50: routing with wildcards, label conditions, aliases and ambiguity, as tables.
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkConfig } from "../config/check-config.ts";
import { resolveRoute, resolveUpward } from "./route.ts";

/** Routes a request of child `me` and says where it goes: `to[:child] label[ diag]`, or why not. */
function routed(route: string, service: string, label: string, more = ""): string {
  const { config } = checkConfig(`<config>
    <parent-provides><service name="LOG"/><service name="ROM"/><service name="PD"/></parent-provides>
    <default-route><any-service><any-child/><parent/></any-service></default-route>
    <alias name="nick" child="s1"/>
    <start name="s1"><provides><service name="X"/><service name="LOG"/></provides></start>
    <start name="s2"><provides><service name="X"/><service name="Y"/></provides></start>
    <start name="me" ${more.startsWith("ld") ? more : ""}>${more.startsWith("<") ? more : ""}${route && `<route>${route}</route>`}</start></config>`);
  const start = config.starts.find(({ name }) => name === "me")!;
  const found = resolveRoute({ service, label }, start, config, {
    providers: (name) => config.starts.filter(({ provides }) => provides.includes(name)).map(({ name }) => name),
    childNamed: (name) => config.starts.find((each) => each.name === (config.aliases.get(name) ?? name))?.name,
  });
  if (!found.ok) return found.why;
  const { value } = found;
  return `${value.to}${"child" in value ? `:${value.child}` : ""} ${value.label}${value.diag ? " diag" : ""}`;
}

const CASES: readonly [name: string, route: string, service: string, label: string, expected: string][] = [
  ["named service to the parent", '<service name="LOG"><parent/></service>', "LOG", "me", "parent me"],
  ["diag", '<service name="LOG"><parent diag="yes"/></service>', "LOG", "me", "parent me diag"],
  ["a target's label replaces", '<service name="LOG"><parent label="new"/></service>', "LOG", "me -> x", "parent new"],
  ["named child", '<service name="X"><child name="s2"/></service>', "X", "me", "child:s2 me"],
  ["alias", '<service name="X"><child name="nick"/></service>', "X", "me", "child:s1 me"],
  [
    "child does not provide it",
    '<service name="Y"><child name="s1"/></service>',
    "Y",
    "me",
    "child s1 does not provide Y",
  ],
  ["no such child", '<service name="Y"><child name="q"/></service>', "Y", "me", "child q does not provide Y"],
  ["second target", '<service name="Y"><child name="s1"/><child name="s2"/></service>', "Y", "me", "child:s2 me"],
  ["any-child with one provider", "<any-service><any-child/></any-service>", "Y", "me", "child:s2 me"],
  [
    "any-child is ambiguous",
    "<any-service><any-child/><parent/></any-service>",
    "X",
    "me",
    "ambiguous, X is provided by s1 and s2",
  ],
  ["any-child with none, then parent", "<any-service><any-child/><parent/></any-service>", "PD", "me", "parent me"],
  ["parent does not provide", "<any-service><parent/></any-service>", "Z", "me", "Z is not in <parent-provides>"],
  ["no entry", '<service name="LOG"><parent/></service>', "PD", "me", "no entry of its route matches"],
  ["empty route", "<any-service/>", "PD", "me", "no entry of its route matches"],
  [
    "a named entry that fails denies at once",
    '<service name="Z"><parent/></service><any-service><any-child/></any-service>',
    "Z",
    "me",
    "Z is not in <parent-provides>",
  ],
  [
    "a wildcard that fails lets the search go on",
    '<any-service><child name="s1"/></any-service><any-service><parent/></any-service>',
    "PD",
    "me",
    "parent me",
  ],
  [
    "first match wins",
    '<service name="LOG"><child name="s1"/></service><any-service><parent/></any-service>',
    "LOG",
    "me",
    "child:s1 me",
  ],
  [
    "label matches",
    '<service name="LOG" label="a -> b"><child name="s1"/></service><any-service><parent/></any-service>',
    "LOG",
    "me -> a -> b",
    "child:s1 me -> a -> b",
  ],
  [
    "label differs",
    '<service name="LOG" label="a"><child name="s1"/></service><any-service><parent/></any-service>',
    "LOG",
    "me -> a -> b",
    "parent me -> a -> b",
  ],
  [
    "label_prefix",
    '<service name="LOG" label_prefix="a"><child name="s1"/></service>',
    "LOG",
    "me -> a -> b",
    "child:s1 me -> a -> b",
  ],
  [
    "label_suffix",
    '<service name="LOG" label_suffix="b"><child name="s1"/></service>',
    "LOG",
    "me -> a -> b",
    "child:s1 me -> a -> b",
  ],
  [
    "label_last",
    '<service name="LOG" label_last="b"><child name="s1"/></service>',
    "LOG",
    "me -> a -> b",
    "child:s1 me -> a -> b",
  ],
  [
    "label_last of a bare name",
    '<service name="LOG" label_last="me"><child name="s1"/></service>',
    "LOG",
    "me",
    "child:s1 me",
  ],
  [
    "unscoped_label",
    '<service name="LOG" unscoped_label="me -> a"><child name="s1"/></service>',
    "LOG",
    "me -> a",
    "child:s1 me -> a",
  ],
  [
    "unscoped_label is the whole label",
    '<service name="LOG" unscoped_label="a"><child name="s1"/></service>',
    "LOG",
    "me -> a",
    "no entry of its route matches",
  ],
  [
    "all conditions must hold",
    '<service name="LOG" label_prefix="a" label_suffix="c"><child name="s1"/></service>',
    "LOG",
    "me -> a -> b",
    "no entry of its route matches",
  ],
  [
    "a bare name has no part to compare",
    '<service name="LOG" label_prefix="me"><child name="s1"/></service>',
    "LOG",
    "me",
    "no entry of its route matches",
  ],
  [
    "conditions on any-service",
    '<any-service label_last="b"><child name="s1"/></any-service><any-service><parent/></any-service>',
    "LOG",
    "me -> b",
    "child:s1 me -> b",
  ],
  ["the default route", "", "Y", "me", "child:s2 me"],
  [
    "session_requests is init's own",
    "<any-service><parent/></any-service>",
    "ROM",
    "me -> session_requests",
    "session-requests me -> session_requests",
  ],
  ["config without one goes on", "<any-service><parent/></any-service>", "ROM", "me -> config", "parent me -> config"],
];

for (const [name, route, service, label, expected] of CASES) {
  test(`S50: ${name}`, () => assert.equal(routed(route, service, label), expected));
}

test("S50: special ROM requests", () => {
  assert.equal(routed("", "ROM", "me -> config", "<config/>"), "config me -> config");
  assert.equal(routed("", "LOG", "me -> config", "<config/>"), "child:s1 me -> config");
  assert.equal(routed("", "ROM", "me -> config", '<configfile name="c2"/>'), "parent me -> c2");
  assert.equal(routed("", "ROM", "me -> config", '<config/><configfile name="c2"/>'), "config me -> config");
  assert.equal(routed("", "ROM", "me -> config", '<configfile name="config"/>'), "parent me -> config");
  assert.equal(routed("", "ROM", "me", '<binary name="prog"/>'), "parent me -> prog");
  assert.equal(routed("", "ROM", "me -> me", '<binary name="prog"/>'), "parent me -> prog");
  assert.equal(routed("", "ROM", "me -> ld.lib.so", 'ld="no"'), "parent me -> me");
  assert.equal(routed("", "ROM", "me -> ld.lib.so"), "parent me -> ld.lib.so");
});

test("S55: a request from above goes to the most special policy", () => {
  const { config } = checkConfig(`<config><service name="T"><default-policy><child name="d"/></default-policy>
    <policy label_prefix="a"><child name="p"/></policy><policy label_prefix="a -> b"><child name="pp"/></policy>
    <policy label="a -> b -> c"><child name="w" label="L"/></policy><policy label_suffix="z"><child name="s"/></policy>
    </service></config>`);
  const to = (label: string) => {
    const found = resolveUpward(config.services[0], label);
    return found.ok ? `${found.value.child} ${found.value.label}` : found.reason;
  };
  assert.equal(to("q"), "d q");
  assert.equal(to("a -> x"), "p a -> x");
  assert.equal(to("a -> b -> d"), "pp a -> b -> d");
  assert.equal(to("a -> b -> c"), "w L");
  assert.equal(to("k -> z"), "s k -> z");
  assert.equal(resolveUpward(undefined, "a").ok, false);
});
