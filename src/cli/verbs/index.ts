// All verbs, in the order in which the help lists them.

import type { Command } from "../command.ts";
import { checkpoint } from "./checkpoint.ts";
import { kill } from "./kill.ts";
import { list } from "./list.ts";
import { ps } from "./ps.ts";
import { restore } from "./restore.ts";
import { run } from "./run.ts";
import { torture } from "./torture.ts";

export const COMMANDS: readonly Command[] = [run, ps, checkpoint, restore, kill, list, torture];
