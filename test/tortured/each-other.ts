// Systems of programs in TypeScript that serve each other: whichever is restored first has sessions at others that are not
// there yet.
import { supervisor } from "../rtcr/nested.ts";
import { config, start } from "../support/core-system.ts";
import { command, type Node, node, PROPAGATE, type TorturedSystem } from "./systems.ts";

const ROOM = 'caps="500" ram="8M"';
const provides = (...services: readonly string[]) =>
  `<provides>${services.map((name) => `<service name="${name}"/>`).join("")}</provides>`;
const to = (child: string, service: string, label = "") =>
  `<service name="${service}"${label === "" ? "" : ` label="${label}"`}><child name="${child}"/></service>`;
const route = (...entries: readonly string[]) =>
  `<route>${entries.join("")}<any-service><parent/></any-service></route>`;
const native = (name: string, binary: string, inside: string) =>
  start(name, `<binary name="${binary}"/>${inside}`, ROOM);
const passing = (name: string, services: readonly string[], routes: string) =>
  native(
    name,
    "interposer",
    `${provides(...services) + routes}<config>${services.map((each) => `<service name="${each}"/>`).join("")}</config>`,
  );
const sheep = (name: string, from: NonNullable<Node["from"]>, inside = "") =>
  node(name, `<config turns="6" sleep_ms="3"/>${inside}`, { binary: "sheep_counter_timer", from, quota: ROOM });
/** It lives longest: what servers say of their clients' ends is said. */
const LAST = sheep("last", {}, PROPAGATE).replace('turns="6"', 'turns="20"');

/** Time by way of both, and what the one nearer to core says by way of the other. */
const INTERPOSERS =
  passing("far", ["Timer", "LOG"], route(to("near", "Timer"))) +
  passing("near", ["Timer"], route(to("far", "LOG"))) +
  sheep("sheep", { Timer: "far", LOG: "far" });

/** Reports that are modules of whom they are from, and whose server says what it hears by way of its client. */
const REPORTS =
  native("reports", "report_rom", `${provides("Report", "ROM") + route(to("lines", "LOG"))}<config verbose="yes"/>`) +
  native(
    "lines",
    "init",
    provides("LOG") +
      route(to("reports", "Report"), to("time", "Timer")) +
      config(
        `<report delay_ms="2" child_ram="yes"/><service name="LOG"><default-policy><child name="inner"/></default-policy></service>${
          start(
            "inner",
            `<binary name="log_server"/>${provides("LOG")}<config forward="yes"/>`,
            'caps="150" ram="1M"',
          ) +
          start("deep", '<binary name="sheep_counter_timer"/><config turns="6" sleep_ms="3"/>', 'caps="120" ram="1M"')
        }`,
      ),
  ).replace(ROOM, 'caps="1000" ram="12M"') +
  passing("time", ["Timer"], route(to("lines", "LOG")));

/** A WASI program in a supervisor, whose files come by way of one that says what it does by way of the supervisor. */
const FILES =
  passing("files", ["File_system"], route(to("keeper", "LOG"))) +
  native(
    "keeper",
    "rtcr",
    provides("LOG") +
      route(to("files", "File_system")) +
      config(
        `<service name="LOG"><default-policy><child name="inner"/></default-policy></service>${
          start(
            "inner",
            `<binary name="log_server"/>${provides("LOG")}<config forward="yes"/>`,
            'caps="150" ram="1M"',
          ) + command({ name: "files", args: ["40"] }, "wasi")
        }`,
      ),
  ).replace(ROOM, 'caps="1500" ram="40M"');

const system = (children: string): TorturedSystem => ({
  programs: ["sheep_counter_timer"],
  children: children + LAST,
  rules: ["--ignore", " after \\d+ calls .*"], // RTCR reads the clocks of Timer sessions, too
});

export const EACH_OTHER = {
  "interposers that serve each other": system(INTERPOSERS),
  "a report_rom, an interposer and an init that serve each other": system(REPORTS),
  "a supervisor and an interposer that serve each other": {
    ...system(FILES),
    programs: ["sheep_counter_timer", "files"],
    memoryFiles: true,
  },
} as const satisfies Readonly<Record<string, TorturedSystem>>;

const nested = ({ name, binary, inside }: ReturnType<typeof supervisor>) =>
  start(name, `<binary name="${binary}"/>${inside}`, 'caps="4000" ram="80M"');

export const EACH_OTHER_WITHIN: Readonly<Record<string, TorturedSystem>> = {
  "programs in TypeScript that serve each other within a supervisor": system(
    nested(supervisor("inner", INTERPOSERS + REPORTS)),
  ),
};
export const ALL: TorturedSystem = system(INTERPOSERS + REPORTS);
