// Components in all languages, marked: whatever they, their services and the kernel write to their dataspaces is said.
import { watchEach } from "./marked.ts";
import { COUNTERS, FURTHER, OLDER, TALKING } from "./systems.ts";

watchEach({ ...COUNTERS, ...OLDER, ...FURTHER, ...TALKING }, 400);
