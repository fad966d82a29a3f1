// `npm run suite:wasi -- DIR [--json FILE]`: programs in the format of WebAssembly/wasi-testsuite through rtcr, without
// a stop and with everything captured, discarded and restored again and again.
import { main } from "../test/suites/command-line.ts";
import { WASI_WAYS } from "../test/suites/wasi/run.ts";
import { runWasiSuite } from "../test/suites/wasi/suite.ts";

process.exitCode = await main(
  {
    name: "wasi",
    ways: WASI_WAYS,
    folder: "DIR: .wasm files of preview1 with .json files beside them, as WebAssembly/wasi-testsuite has them",
    run: runWasiSuite,
  },
  process.argv.slice(2),
);
