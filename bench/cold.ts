// What starts as a process of its own: how long do `rtcr --version`, `rtcr run` and `rtcr restore` take, to their end, the
// restore to its first output?
//
//   npm run bench -- cold [--rounds N] [--trees DIR,DIR,...]
//
// Built trees of rtcr (default: this one, without and with Node's compile cache) take turns in one run. Wall and CPU
// milliseconds, medians and least; CPU of a restore in steps of 10. The program that is restored is that of bench/criu.ts
// with 1 MiB; the one that runs to its end is build/apps/exit-code.wasm.

import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { appNamed, buildApps } from "../scripts/build-apps.ts";
import { compilerOf } from "../scripts/guest-compilers.ts";
import { exitOf, grows, ROOT } from "./criu-tools.ts";
import { median, rounded } from "./measure.ts";

const SOURCE = "bench/guests/dirty.c";
/** Runs to its end. */
const SHORT = { name: "exit-code", exitCode: 7 };
const TICK_MS = 10;
const STEPS = ["version", "run", "restore"] as const;

type Step = (typeof STEPS)[number];
type Times = Record<Step, { readonly wall: number[]; readonly cpu: number[] }>;

interface Tree {
  readonly name: string;
  readonly cli: string;
  readonly env: NodeJS.ProcessEnv;
  /** What the restored program writes. */
  readonly lines: string;
  readonly times: Times;
}

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { rounds: { type: "string", default: "15" }, trees: { type: "string" } },
  });
  const folder = mkdtempSync(join(ROOT, ".bench-cold-"));
  try {
    const wasm = join(folder, "dirty.wasm");
    await compilerOf("c").compile(join(ROOT, SOURCE), wasm);
    const [short] = await buildApps([appNamed(SHORT.name)]);
    const given = values.trees?.split(",").map((path) => ({ name: path, path, env: {} }));
    const own = [{ NODE_DISABLE_COMPILE_CACHE: "1" }, {}].map((env) => ({
      name: "NODE_DISABLE_COMPILE_CACHE" in env ? "this, no compile cache" : "this",
      ...{ path: ROOT, env },
    }));
    const trees: Tree[] = [];
    for (const [index, { name, path, env }] of (given ?? own).entries()) {
      trees.push(await begin(join(folder, String(index)), name, path, env, wasm));
    }
    for (let round = -1; round < Number(values.rounds); round++) {
      for (const tree of trees) await measure(tree, short!.file, round >= 0); // the first one warms up
    }
    console.log(`load ${loadavg().map((load) => rounded(load, 1))}, Node ${process.version}`);
    console.table(trees.map(({ name, times }) => ({ name, ...row(times) })));
    return 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A state directory with a checkpoint to restore. */
async function begin(place: string, name: string, path: string, more: NodeJS.ProcessEnv, wasm: string): Promise<Tree> {
  mkdirSync(join(place, "out"), { recursive: true });
  const env = { ...process.env, ...more, RTCR_HOME: join(place, "home") };
  const [cli, lines] = [join(path, "bin/rtcr.js"), join(place, "out/lines")];
  const given = ["run", "--name", "dirty", "--dir", `${join(place, "out")}::/out`, wasm, "1", "/out/lines"];
  const child = spawn(process.execPath, [cli, ...given], { env, stdio: "ignore" });
  const ended = exitOf(child);
  try {
    await grows(lines, 0, ended);
    execFileSync(process.execPath, [cli, "checkpoint", "dirty", "--stop"], { env, stdio: "ignore" });
    await ended;
  } finally {
    child.kill("SIGKILL"); // nothing where it has ended
    await ended.catch(() => {}); // told above
  }
  const none = () => ({ wall: [], cpu: [] });
  return { name, cli, env, lines, times: { version: none(), run: none(), restore: none() } };
}

async function measure(tree: Tree, short: string, counts: boolean): Promise<void> {
  const note = (step: Step, [wall, cpu]: readonly [number, number]) => {
    if (!counts) return;
    tree.times[step].wall.push(wall);
    tree.times[step].cpu.push(cpu);
  };
  note("version", toEnd(tree, ["--version"], 0));
  note("run", toEnd(tree, ["run", short], SHORT.exitCode));
  note("restore", await toFirstLine(tree));
}

/** By the shell, which knows the time of its children. @throws Error when it ends with another exit code */
function toEnd({ cli, env }: Tree, args: readonly string[], exitCode: number): readonly [wall: number, cpu: number] {
  const command = `TIMEFORMAT="%R %U %S"; time "$0" "$@" >/dev/null 2>/dev/null </dev/null`;
  const given = ["-c", command, process.execPath, cli, ...args];
  const { status, stderr } = spawnSync("bash", given, { env, encoding: "utf8" });
  if (status !== exitCode) throw new Error(`${cli} ${args.join(" ")}: exit code ${status}, expected ${exitCode}`);
  const [wall, user, system] = stderr
    .trim()
    .split(" ")
    .map((seconds) => Number(seconds) * 1000);
  return [wall!, user! + system!];
}

async function toFirstLine({ cli, env, lines }: Tree): Promise<readonly [wall: number, cpu: number]> {
  const before = statSync(lines).size;
  const begin = performance.now();
  const child = spawn(process.execPath, [cli, "restore", "dirty"], { env, stdio: "ignore" });
  const ended = exitOf(child);
  try {
    await grows(lines, before, ended);
    const wall = performance.now() - begin;
    const [user, system] = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1]!.split(" ").slice(11, 13);
    return [wall, (Number(user) + Number(system)) * TICK_MS];
  } finally {
    child.kill("SIGKILL");
    await ended;
  }
}

function row(times: Times): Record<string, string> {
  const shown = (values: readonly number[]) => `${rounded(median(values), 0)} (${rounded(Math.min(...values), 0)})`;
  return Object.fromEntries(
    STEPS.flatMap((step) => [
      [`${step}: wall`, shown(times[step].wall)],
      [`${step}: CPU`, shown(times[step].cpu)],
    ]),
  );
}
