// Systems whose checkpoints are increments (S108), killed and continued from a store by fresh processes (killed.ts).
import { node } from "../tortured/systems.ts";
import { killEach } from "./killed.ts";

const PACED = '<config iterations="5000000" period_ms="20" sleep_ms="20" rounds="0"/>';
const BUSY = '<config iterations="5000000"/>';

killEach({
  "S108: increments of four pages": {
    programs: ["large_dataspaces", "sheep_counter_timer", "managed_dataspace"],
    children: [
      '<module name="inc"/><granularity>4</granularity>',
      node("large_dataspaces", BUSY),
      node("sheep_counter_timer", PACED),
      node("managed_dataspace", PACED, { windows: true }),
    ].join(""),
    speakers: ["large_dataspaces", "sheep_counter_timer", "managed_dataspace"],
  },
});
