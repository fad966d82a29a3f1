// The CPU of a run in a browser: a dedicated module worker's file.
//
// It and everything it imports is loaded as it is built, without an import map: workers have none, so nothing here may
// reach a package (test/portable.test.ts).

import { serveWebCpu } from "./web-cpu.ts";

serveWebCpu();
