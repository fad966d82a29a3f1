// Timer sessions, and the time lines that they run on.
export { type Alarm, Alarms } from "./alarms.ts";
export { type AlarmClock, createRealClock, VirtualClock } from "./clocks.ts";
export { CoreTimer, MAX_TIMEOUT_US } from "./session.ts";
