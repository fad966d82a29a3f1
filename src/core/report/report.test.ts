// The Report session under the common suite.
import { bytesDataspace } from "../../../test/contracts/bytes-dataspace.ts";
import { reportSessionSuite } from "../../../test/contracts/report-session.ts";
import { CoreReport } from "./index.ts";

reportSessionSuite("core report", () => {
  const taken: Uint8Array[] = [];
  const session = new CoreReport(bytesDataspace(5000), (report) => taken.push(report));
  return { session, reports: () => taken.splice(0), close: () => session.dispose() };
});
