// The Report session under the common suite.
import { bytesDataspace } from "../../session/memory.test.ts";
import { reportSessionSuite } from "../../session/report-suite.test.ts";
import { CoreReport } from "./index.ts";

reportSessionSuite("core report", () => {
  const taken: Uint8Array[] = [];
  const session = new CoreReport(bytesDataspace(5000), (report) => taken.push(report));
  return { session, reports: () => taken.splice(0), close: () => session.dispose() };
});
