// arbitrary_child of RTCR v1: a component that starts a child by itself, through its own sessions, and is its parent.
//
//   <config child="stack_counter" .../>   the child sees the same configuration
#include <rtcr/component.h>

using namespace Rtcr;

/** The parent's interface as far as a child of ours needs it. */
class Child : public Rpc_object {
  Env &_env;
  const Attached_rom_dataspace _config{_env, "config"};
  const Text_buffer _name{_config.xml().attribute("child", "stack_counter")};
  Rom_connection _binary{_env, _name.text()};
  Rom_connection _child_config{_env, "config"};
  Pd_connection _pd{_env, _name.text()};
  Cpu_connection _cpu{_env, _name.text()};
  Log_connection _log{_env, _name.text()};

  Capability _session(u32 id) const {
    return id == Parent_client::PD    ? _pd.cap()
           : id == Parent_client::CPU ? _cpu.cap()
           : id == Parent_client::LOG ? _log.cap()
                                      : Capability();
  }
  u32 _open(Rpc_request &request) {
    request.get<u32>();
    const String<64> service(request.get<Text>());
    const Text_buffer label = arg_string(request.get<Text>(), "label");
    if (service == "ROM" && label == "config") return request.reply(_child_config.cap());
    log("refused: ", service, " \"", label, "\"");
    return request.fail(0); // service-denied
  }

 public:
  explicit Child(Env &env) : _env(env) {}

  /** Each step's error, the first one that fails. */
  Error start() {
    _env.ep().manage(*this);
    Error error = _pd.ref_account(_env.pd_session_cap());
    if (error == Error::OK) error = _env.pd().transfer_ram_quota(_pd.cap(), 2 * 1024 * 1024);
    if (error == Error::OK) error = _env.pd().transfer_cap_quota(_pd.cap(), 100);
    if (error != Error::OK) return error;
    _pd.assign_parent(cap());
    error = Abi::Native_pd::load(_pd.native_pd().slot(), _binary.dataspace().slot(), false);
    if (error != Error::OK) return error;
    const auto thread = _cpu.create_thread(_pd.cap(), _name.text());
    return thread.ok() ? Cpu_thread_client(thread.value).start(0, 0) : thread.error;
  }

  u32 dispatch(u32 opcode, Rpc_request &request) override {
    switch (opcode) {
      case Abi::Parent::SESSION_CAP: return request.reply(_session(request.get<u32>()));
      case Abi::Parent::SESSION: return _open(request);
      case Abi::Parent::UPGRADE:
      case Abi::Parent::CLOSE: return request.reply(Text("done"));
      case Abi::Parent::EXIT:
        log("child exited with ", request.get<i32>());
        _env.parent().exit(0);
        return request.reply();
      default: return request.reply();
    }
  }
};

void Component::construct(Env &env) {
  static Child child(env);
  const Error error = child.start();
  log(error == Error::OK ? "child started" : "child did not start: ", error == Error::OK ? "" : name_of(error));
}
