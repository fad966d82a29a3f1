// Programs of WASI in all languages, marked, and supervisors among the children.
import { watchEach } from "./marked.ts";
import { PROGRAMS, PYTHON, SUPERVISORS } from "./systems.ts";

watchEach({ ...SUPERVISORS, ...PROGRAMS }, 250);
watchEach({ PYTHON }, 60);
