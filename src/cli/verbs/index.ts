// All verbs, in the order in which the help lists them.

import type { Command } from "../command.ts";
import { check } from "./check.ts";
import { checkpoint } from "./checkpoint.ts";
import { diff } from "./diff.ts";
import { gc } from "./gc.ts";
import { inspect } from "./inspect.ts";
import { kill } from "./kill.ts";
import { list } from "./list.ts";
import { profile } from "./profile.ts";
import { ps } from "./ps.ts";
import { restore } from "./restore.ts";
import { rewrite } from "./rewrite.ts";
import { rm } from "./rm.ts";
import { run } from "./run.ts";
import { torture } from "./torture.ts";
import { verify } from "./verify.ts";

export const COMMANDS: readonly Command[] = [
  ...[run, ps, checkpoint, restore, kill],
  ...[list, inspect, diff, verify, rm, gc],
  ...[check, rewrite, torture, profile],
];
