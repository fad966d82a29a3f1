// Every program, in all languages, marked: whatever it, its services and the kernel write to its dataspaces is said.

import { watchEach } from "./marked.ts";
import { COUNTERS, FURTHER, OLDER, PROGRAMS, PYTHON, SUPERVISORS, TALKING } from "./systems.ts";

watchEach({ ...COUNTERS, ...OLDER, ...FURTHER, ...TALKING, ...SUPERVISORS, ...PROGRAMS, PYTHON }, 400);
