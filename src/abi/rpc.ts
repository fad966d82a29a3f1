// The interfaces of all kinds of objects as guests call them: opcodes, arguments, results, declared errors. Opcodes are
// positions in the lists below. The methods behind them are the contracts of session/, by the same names.
//
// Data of a request: the arguments one after another, each aligned to 4. Of a reply: a u32, 0 for success or 1 + the
// index in `errors`; after success the results. Text and bytes are a u32 length and the bytes. Capabilities travel in
// the message's slots, in the order of their arguments or results.

export type RpcType = "u32" | "i32" | "u64" | "bool" | "text" | "bytes" | "cap" | "location";

export interface RpcFunction {
  /** Name on the guest's side; the method of the contract is the same in camel case. */
  readonly name: string;
  readonly in: readonly (readonly [name: string, type: RpcType])[];
  readonly out: readonly (readonly [name: string, type: RpcType])[];
  readonly errors: readonly string[];
}

const OUT_OF = ["out-of-ram", "out-of-caps"] as const;
const SESSION = ["service-denied", "insufficient-ram-quota", "insufficient-cap-quota"] as const;

type Fields = RpcFunction["in"];

function fn(name: string, args: Fields = [], out: Fields = [], errors: readonly string[] = []): RpcFunction {
  return { name, in: args, out, errors };
}

// biome-ignore format: tables, a function a line
/** By kind of object. Kinds without a list have no functions for guests. */
export const RPC: Readonly<Record<string, readonly RpcFunction[]>> = {
  pd: [
    fn("assign_parent", [["parent", "cap"]]),
    fn("assign_pci", [["address", "u32"], ["bdf", "u32"]], [["assigned", "bool"]]),
    fn("map", [["address", "u32"], ["size", "u32"]], [], OUT_OF),
    fn("alloc_signal_source", [], [["source", "cap"]], OUT_OF),
    fn("free_signal_source", [["source", "cap"]]),
    fn("alloc_context", [["source", "cap"], ["imprint", "u32"]], [["context", "cap"]], [...OUT_OF, "invalid-signal-source"]),
    fn("free_context", [["context", "cap"]]),
    fn("submit", [["context", "cap"], ["count", "u32"]]),
    fn("alloc_rpc_cap", [["entrypoint", "cap"]], [["object", "cap"]], OUT_OF),
    fn("free_rpc_cap", [["object", "cap"]]),
    fn("address_space", [], [["map", "cap"]]),
    fn("stack_area", [], [["map", "cap"]]),
    fn("linker_area", [], [["map", "cap"]]),
    fn("ref_account", [["pd", "cap"]], [], ["invalid-session"]),
    fn("transfer_cap_quota", [["to", "cap"], ["caps", "u64"]], [], ["out-of-caps", "invalid-session", "undefined-ref-account"]),
    fn("transfer_ram_quota", [["to", "cap"], ["bytes", "u64"]], [], ["out-of-ram", "invalid-session", "undefined-ref-account"]),
    fn("cap_quota", [], [["caps", "u64"]]),
    fn("used_caps", [], [["caps", "u64"]]),
    fn("ram_quota", [], [["bytes", "u64"]]),
    fn("used_ram", [], [["bytes", "u64"]]),
    fn("alloc", [["size", "u32"], ["cached", "u32"]], [["dataspace", "cap"]], [...OUT_OF, "undefined-ref-account"]),
    fn("free", [["dataspace", "cap"]]),
    fn("dataspace_size", [["dataspace", "cap"]], [["size", "u32"]]),
    fn("native_pd", [], [["native", "cap"]]),
  ],
  "native-pd": [
    fn("load", [["binary", "cap"], ["windows", "bool"]], [], ["invalid-program", "already-loaded", "out-of-ram"]),
    fn("problem", [], [["problem", "text"]]),
  ],
  "region-map": [
    fn(
      "attach",
      [["dataspace", "cap"], ["size", "u32"], ["offset", "u32"], ["use_address", "bool"], ["address", "u32"], ["executable", "bool"], ["writeable", "bool"]],
      [["address", "u32"]],
      ["invalid-dataspace", "region-conflict", ...OUT_OF],
    ),
    fn("detach", [["address", "u32"]]),
    fn("fault_handler", [["context", "cap"]]),
    fn("state", [], [["type", "u32"], ["address", "u32"]]),
    fn("dataspace", [], [["dataspace", "cap"]]),
    fn("size", [], [["size", "u32"]]),
  ],
  rm: [
    fn("create", [["size", "u32"]], [["map", "cap"]], OUT_OF),
    fn("destroy", [["map", "cap"]]),
  ],
  dataspace: [
    fn("size", [], [["size", "u32"]]),
    fn("phys_addr", [], [["address", "u64"]]),
    fn("writable", [], [["writable", "bool"]]),
  ],
  cpu: [
    fn(
      "create_thread",
      [["pd", "cap"], ["name", "text"], ["affinity", "location"], ["weight", "u32"], ["utcb", "u32"]],
      [["thread", "cap"]],
      ["thread-creation-failed", ...OUT_OF],
    ),
    fn("kill_thread", [["thread", "cap"]]),
    fn("exception_sigh", [["context", "cap"]]),
    fn("affinity_space", [], [["width", "u32"], ["height", "u32"]]),
    fn("trace_control", [], [["dataspace", "cap"]]),
    fn("ref_account", [["cpu", "cap"]], [["result", "i32"]]),
    fn("transfer_quota", [["cpu", "cap"], ["amount", "u32"]], [["result", "i32"]]),
    fn("quota", [], [["superPeriodUs", "u32"], ["us", "u32"]]),
    fn("native_cpu", [], [["native", "cap"]]),
  ],
  "cpu-thread": [
    fn("utcb", [], [["dataspace", "cap"]]),
    fn("start", [["ip", "u32"], ["sp", "u32"]]),
    fn("pause"),
    fn("resume"),
    fn("cancel_blocking"),
    fn(
      "state",
      [],
      [["function", "u32"], ["position", "u32"], ["stackPointer", "u32"], ["frames", "u32"], ["paused", "bool"], ["unresolvedPageFault", "bool"], ["exception", "bool"]],
      ["state-access-failed"],
    ),
    fn("save_state", [["into", "cap"]], [["bytes", "u32"]], ["state-access-failed"]),
    fn("set_state", [["source", "cap"], ["bytes", "u32"]], [], ["state-access-failed"]),
    fn("exception_sigh", [["context", "cap"]]),
    fn("single_step", [["enabled", "bool"]]),
    fn("affinity", [["location", "location"]]),
    fn("trace_control_index", [], [["index", "u32"]]),
    fn("trace_buffer", [], [["dataspace", "cap"]]),
    fn("trace_policy", [], [["dataspace", "cap"]]),
  ],
  "native-cpu": [
    fn("native_cap", [["thread", "cap"]], [["native", "cap"]]),
    fn("thread_state", [["thread", "cap"]], [["activity", "text"], ["waitsFor", "text"], ["exceptions", "u32"]], ["state-access-failed"]),
  ],
  "signal-source": [fn("wait_for_signal", [], [["imprint", "u32"], ["count", "u32"]])],
  parent: [
    fn("exit", [["value", "i32"]]),
    fn("announce", [["service", "text"]]),
    fn("session_sigh", [["context", "cap"]]),
    fn(
      "session",
      [["id", "u32"], ["service", "text"], ["args", "text"], ["affinity", "location"]],
      [["session", "cap"]],
      [...SESSION, ...OUT_OF],
    ),
    fn("session_cap", [["id", "u32"]], [["session", "cap"]], SESSION),
    fn("upgrade", [["id", "u32"], ["args", "text"]], [["outcome", "text"]], OUT_OF),
    fn("close", [["id", "u32"]], [["outcome", "text"]]),
    fn("session_response", [["id", "u32"], ["response", "u32"]]),
    fn("deliver_session_cap", [["id", "u32"], ["session", "cap"]]),
    fn("main_thread_cap", [], [["thread", "cap"]]),
    fn("resource_avail_sigh", [["context", "cap"]]),
    fn("resource_request", [["args", "text"]]),
    fn("yield_sigh", [["context", "cap"]]),
    fn("yield_request", [], [["args", "text"]]),
    fn("yield_response"),
    fn("heartbeat_sigh", [["context", "cap"]]),
    fn("heartbeat_response"),
  ],
  root: [
    fn("session", [["args", "text"], ["affinity", "location"]], [["session", "cap"]], SESSION),
    fn("upgrade", [["session", "cap"], ["args", "text"]]),
    fn("close", [["session", "cap"]]),
  ],
  rom: [
    fn("dataspace", [], [["dataspace", "cap"]]),
    fn("update", [], [["refreshed", "bool"]]),
    fn("sigh", [["context", "cap"]]),
  ],
  log: [fn("write", [["text", "text"]], [["written", "u32"]])],
  timer: [
    fn("trigger_once", [["us", "u64"]]),
    fn("trigger_periodic", [["us", "u64"]]),
    fn("sigh", [["context", "cap"]]),
    fn("elapsed_ms", [], [["ms", "u64"]]),
    fn("elapsed_us", [], [["us", "u64"]]),
  ],
  trace: [
    fn("dataspace", [], [["dataspace", "cap"]]),
    fn("subjects", [], [["count", "u32"]]),
    fn(
      "subject_info",
      [["id", "u32"]],
      [["label", "text"], ["thread", "text"], ["state", "text"], ["policy", "u32"], ["executionUs", "u64"], ["affinity", "location"]],
      ["nonexistent-subject"],
    ),
    fn("alloc_policy", [["size", "u32"]], [["id", "u32"]], OUT_OF),
    fn("policy", [["id", "u32"]], [["dataspace", "cap"]], ["nonexistent-policy"]),
    fn("unload_policy", [["id", "u32"]], [], ["nonexistent-policy"]),
    fn(
      "trace",
      [["subject", "u32"], ["policy", "u32"], ["buffer_size", "u32"]],
      [],
      [...OUT_OF, "already-traced", "source-is-dead", "nonexistent-subject", "nonexistent-policy", "traced-by-other-session"],
    ),
    fn("pause", [["subject", "u32"]], [], ["nonexistent-subject"]),
    fn("resume", [["subject", "u32"]], [], ["nonexistent-subject"]),
    fn("buffer", [["subject", "u32"]], [["dataspace", "cap"]], ["nonexistent-subject", "subject-not-traced"]),
    fn("free", [["subject", "u32"]], [], ["nonexistent-subject"]),
  ],
  report: [
    fn("dataspace", [], [["dataspace", "cap"]]),
    fn("submit", [["length", "u32"]]),
    fn("response_sigh", [["context", "cap"]]),
    fn("obtain_response", [], [["length", "u32"]]),
  ],
  "io-mem": [fn("dataspace", [], [["dataspace", "cap"]])],
  "io-port": [
    fn("inb", [["port", "u32"]], [["value", "u32"]]),
    fn("inw", [["port", "u32"]], [["value", "u32"]]),
    fn("inl", [["port", "u32"]], [["value", "u32"]]),
    fn("outb", [["port", "u32"], ["value", "u32"]]),
    fn("outw", [["port", "u32"], ["value", "u32"]]),
    fn("outl", [["port", "u32"], ["value", "u32"]]),
  ],
  irq: [
    fn("ack_irq"),
    fn("sigh", [["context", "cap"]]),
    fn("info", [], [["type", "text"], ["address", "u64"], ["value", "u32"]]),
  ],
  rtcr: [
    fn("checkpoint", [["name", "text"]], [], ["no-such-child", "failed", ...OUT_OF]),
    fn("restore", [["name", "text"]], [], ["rom-module-does-not-exist", "failed"]),
    fn("checkpoint_as", [["name", "text"], ["label", "text"]], [], ["no-such-child", "failed", ...OUT_OF]),
    fn("forget", [["name", "text"]], [], ["rom-module-does-not-exist"]),
    fn("kept", [["index", "u32"]], [["name", "text"], ["own", "bool"], ["bytes", "u64"]], ["rom-module-does-not-exist"]),
  ],
};
