// `npm run suite:spec -- DIR [--json FILE]`: the specification's test suite on the plain engine, rewritten, and
// rewritten with a freeze, save and thaw at every safe point.
import { main } from "../test/suites/command-line.ts";
import { runSpecSuite } from "../test/suites/spec/suite.ts";
import { WAYS } from "../test/suites/spec/world.ts";

process.exitCode = await main(
  {
    name: "spec",
    ways: WAYS,
    folder: "DIR: JSON scripts and modules as wabt's wast2json or wasm-tools json-from-wast write them",
    run: runSpecSuite,
  },
  process.argv.slice(2),
);
