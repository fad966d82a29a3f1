// Report sessions.
export { CoreReport } from "./session.ts";
