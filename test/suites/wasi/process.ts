// The process that runs cases.

import { answerJobs } from "../isolate.ts";
import { runCase } from "./run.ts";

answerJobs(({ file }: { file: string }) => runCase(file));
