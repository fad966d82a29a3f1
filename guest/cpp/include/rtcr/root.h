// Servers (spec 2.12): the parent tells of requests in the ROM module "session_requests"; a Root_component answers them
// with sessions of its service.
#pragma once
#include "connection.h"

namespace Rtcr {

class Root_component : Noncopyable {
  struct Entry : List_element<Entry> {
    u32 id;
    Rpc_object *session;
  };

  Env &_env;
  Allocator &_alloc;
  String<64> _service;
  List<Entry> _sessions;
  Attached_rom_dataspace _requests;
  Signal_handler<Root_component> _handler;

  void _handle_requests();
  void _create(const Xml_node &request, u32 id);
  void _upgrade(const Xml_node &request, u32 id);
  void _close(u32 id);
  Entry *_find(u32 id);

 protected:
  /** Refused requests name one of these. */
  using Response = Parent_client::Response;
  struct Created {
    Response response;
    Rpc_object *session = nullptr;
  };
  /** @param label as routed @param args as the client gave them, with `ram_quota` and `cap_quota` as donated */
  virtual Created create_session(Text label, Text args) = 0;
  virtual void upgrade_session(Rpc_object &, Quota) {}
  /** The session was dissolved from the entrypoint already. */
  virtual void destroy_session(Rpc_object &session) = 0;

 public:
  Root_component(Env &env, Allocator &alloc, Text service);
  virtual ~Root_component();
  /** Answers what is waiting already, and tells the parent that the service exists. */
  void announce();
};

/** The number behind `key=` in session arguments. */
u64 arg_value(Text args, Text key, u64 otherwise);
/** The text behind `key=`, without quotes. */
Text_buffer arg_string(Text args, Text key);

} // namespace Rtcr
