// Systems whose checkpoints are increments (S108), or come from redundant memory (S109), killed and continued from a store by fresh processes (killed.ts).
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
  "S109: redundant memory": {
    programs: ["rtcr_redmem", "sheep_counter_timer", "managed_dataspace"],
    children: [
      '<module name="red"/><redundant slots="4"/>',
      node("rtcr_redmem", BUSY),
      node("sheep_counter_timer", PACED),
      node("managed_dataspace", PACED, { windows: true }),
    ].join(""),
    speakers: ["rtcr_redmem", "sheep_counter_timer", "managed_dataspace"],
  },
  "S76, S109: redundant memory on two CPUs": {
    programs: ["rtcr_redmem", "sheep_counter_timer"],
    children: [
      '<module name="red"/><affinity-space width="2"/>',
      node("rtcr_redmem", `<affinity xpos="1"/>${BUSY}`),
      node("sheep_counter_timer", `<affinity xpos="0"/>${PACED}`),
    ].join(""),
    speakers: ["rtcr_redmem", "sheep_counter_timer"],
    cpus: 2,
  },
});
