// The process that runs scripts.

import { answerJobs } from "../isolate.ts";
import { runScript } from "./run.ts";

answerJobs(({ script }: { script: string }) => runScript(script));
