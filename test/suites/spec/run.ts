// Runs one script all three ways.

import type { Check, FileReport } from "../report.ts";
import { GroupWorld } from "./group-world.ts";
import { Interpreter, type Messages } from "./interpreter.ts";
import { Modules } from "./modules.ts";
import { PlainWorld } from "./plain-world.ts";
import { readScript } from "./script.ts";

/** Whole captures for one script. */
const CAPTURES = 60;

export function runScript(file: string): FileReport {
  const script = readScript(file);
  const modules = new Modules(script);
  const messages: Messages = new Map();
  const tortured = new GroupWorld({ captures: CAPTURES });
  const checks: Check[] = [
    ...new Interpreter(script, new PlainWorld(), modules, messages).run(),
    ...new Interpreter(script, new GroupWorld(), modules, messages).run(),
    ...new Interpreter(script, tortured, modules, messages).run(),
  ];
  return { file, checks, points: tortured.points, captures: tortured.captures };
}
