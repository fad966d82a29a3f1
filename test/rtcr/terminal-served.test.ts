// A terminal that a guest serves, checkpointed with its clients: what was said and not answered yet, and who waits for it,
// is there again (S64, S80, S88).
import assert from "node:assert/strict";
import { test } from "node:test";
import { STRATEGIES } from "../../src/rtcr/index.ts";
import { start } from "../support/core-system.ts";
import { init, supervisor } from "./nested.ts";
import { type ChildSpec, continued, type RigOptions, undisturbed } from "./rig.ts";
import { CLIENT_LINES, DIALOG_LINES, INSIDES, PROGRAMS } from "./terminals.ts";

const QUOTA = 'caps="300" ram="8M"';
const BINARIES = { dialog: "dialog", client: "terminal_client", server: "echo_terminal" } as const;
const ALL: readonly ChildSpec[] = (["dialog", "client", "server"] as const).map((name) => ({
  ...{ name, binary: BINARIES[name], inside: INSIDES[name], attributes: QUOTA },
}));
const nodes = ALL.map(({ name, binary, inside }) => start(name, `<binary name="${binary}"/>${inside}`, QUOTA)).join("");
const PLACES: Readonly<Record<string, readonly ChildSpec[]>> = {
  "beside them": ALL,
  "in an init": [init("inner", nodes)],
  "of an inner supervisor": [supervisor("inner", nodes)],
};

const of = (name: string, lines: readonly string[]) =>
  lines.flatMap((line) => new RegExp(`\\b${name}\\] (.*)$`).exec(line)?.slice(1) ?? []);

for (const [where, children] of Object.entries(PLACES)) {
  for (const strategy of STRATEGIES) {
    test(`S64, S80, S88: a terminal of a guest and its clients go on, ${where} (${strategy})`, async () => {
      const options: RigOptions = { children, strategy, exits: 2, programs: PROGRAMS, quota: 'caps="3000" ram="64M"' };
      const { lines, points } = await undisturbed(options);
      const check = (found: readonly string[], what: string) => {
        assert.deepEqual(of("dialog", found), DIALOG_LINES, what);
        assert.deepEqual(of("client", found), CLIENT_LINES, what);
      };
      check(lines, "undisturbed");
      for (let part = 1; part < 8; part++) {
        const point = Math.floor((points * part) / 8);
        check(await continued(options, point), `stopped at point ${point} of ${points}`);
      }
    });
  }
}
