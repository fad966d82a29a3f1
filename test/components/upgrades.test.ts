// Upgrades of sessions at siblings (S40): a client's upgrade returns when that server has answered, whatever other sessions
// of the client do meanwhile.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { NativeProgram } from "../../src/core/index.ts";
import { type SavedAs, type SavedServing, serving } from "../../src/native/serving.ts";
import { type CpuSession, objectOf, type Quota, withoutQuotaAndLabel } from "../../src/session/index.ts";
import { refusal, required, success } from "../../src/util/index.ts";
import { child, runComponents } from "./rig.ts";

const SERVICE = '<provides><service name="Slow"/></provides>';
const server = (name: string, ms: number) =>
  child(name, `${SERVICE}<config role="server" ms="${ms}"/>`, { app: "upgrades" });
const SERVERS = server("near", 10) + server("far", 50);
const to = (name: string) => `<service name="Slow" label_last="${name}"><child name="${name}"/></service>`;
const route = (more = "") => `<route>${to("near")}${to("far")}${more}<any-service><parent/></any-service></route>`;

const gave = (name: string, bytes: number) => [
  `[init -> ${name}] has ${bytes} more`,
  `[init -> c] ${name} gave ${bytes}: ok`,
];
const THREADS = [
  ...gave("near", 1000),
  ...gave("far", 2000),
  ...gave("far", 3000),
  "[init -> c] closed",
  ...gave("far", 4000),
];
const ONE_THREAD = [...gave("near", 1000), "[init -> c] closed", ...gave("far", 4000)];

for (const [app, lines] of [
  ["upgrades", THREADS],
  ["as-upgrades", THREADS],
  ["rs-upgrades", ONE_THREAD],
] as const) {
  for (const every of [0, 97]) {
    test(`S40: ${app}: upgrades return when their own servers have answered${every ? ", under torture" : ""}`, async () => {
      const start = child("c", route(), { app }) + SERVERS;
      const run = await runComponents({ apps: [...new Set(["upgrades", app])], start, every });
      assert.deepEqual(
        run.lines.filter((line) => / gave | more$| closed$/.test(line)),
        lines,
        run.lines.join("\n"),
      );
      assert.ok(!every || run.recreations > 10, `${run.recreations} of ${run.points}`);
    });
  }
}

/** Passes CPU sessions on. For the thread of this number, from 1, one has no room before it has been given more. */
const tight =
  (number: number): NativeProgram =>
  (env, saved) =>
    serving(env, saved as SavedAs<SavedServing> | undefined, {
      configured: () => ["CPU"],
      capture: () => ({}),
      service: (_, connections) => ({
        serve: ({ label, args, donation, affinity }, answer) => {
          let [threads, given] = [0, false];
          const ready = (cpu: CpuSession) => {
            const createThread: CpuSession["createThread"] = (...thread) => {
              if (threads + 1 === number && !given) return refusal("out-of-caps");
              threads++;
              return cpu.createThread(...thread);
            };
            const functions = new Proxy(cpu, {
              get: (_, name) => {
                if (name === "createThread") return createThread;
                const value: unknown = Reflect.get(cpu, name, cpu);
                return typeof value === "function" ? value.bind(cpu) : value;
              },
            });
            const upgrade = (quota: Quota) => {
              connections.upgrade(id, quota);
              if (!given) env.log.write(`room for thread ${number}\n`);
              given = true;
            };
            answer(success({ object: functions, upgrade, close: () => connections.close(id) }));
          };
          const request = { service: "CPU", label, args: withoutQuotaAndLabel(args), donation, affinity };
          const id = connections.open(request, {
            ready: (session) => ready(required(objectOf<CpuSession>(session, "cpu"), "a CPU session")),
            refused: (why) => env.log.write(`no CPU session: ${why}\n`),
          });
          return () => null;
        },
      }),
    });

const CPU = '<service name="CPU"><child name="tight"/></service>';
const TIGHT = child("tight", '<provides><service name="CPU"/></provides>');

// The first thread is its creator's to make; `ep` and "signal handler" come before the component can be told of anything.
for (const [app, numbers, lines] of [
  ["upgrades", [2, 3, 4, 5], THREADS],
  ["as-upgrades", [2, 3, 4, 5], THREADS],
  ["rs-upgrades", [2, 3], ONE_THREAD],
] as const) {
  for (const number of numbers) {
    test(`S40, S116: ${app}: thread ${number} is made when the CPU session's server has been given more`, async () => {
      const start = child("c", route(CPU), { app }) + SERVERS + TIGHT;
      const apps = [...new Set(["upgrades", app])];
      const run = await runComponents({ apps, start, natives: { tight: tight(number) } });
      assert.deepEqual(
        run.lines.filter((line) => / gave | more$| closed$/.test(line)),
        lines,
        run.lines.join("\n"),
      );
      assert.deepEqual(run.of("tight"), [`room for thread ${number}`]);
    });
  }
}
