// A server that hands on what it has of its parent: for each session of a client it opens one of its own, and the capability
// that the client gets is that one's.
//
//   <config service="RM"/>   <config service="RM" shared="yes"/>   the first one is that of all clients, and stays
#include <rtcr/component.h>

using namespace Rtcr;

namespace {

class Passed_on : public List_element<Passed_on>, public Connection {
 public:
  const u32 client;
  Passed_on(Env &env, u32 client, Text service, Text args, Quota donation)
      : Connection(env, service, args, donation), client(client) {}
};

class Server {
  using Response = Parent_client::Response;
  Env &_env;
  Heap _heap{_env};
  const Attached_rom_dataspace _config{_env, "config"};
  const Text_buffer _service{_config.xml().attribute("service", "RM")};
  const bool _shared = _config.xml().attribute("shared", "no") == "yes";
  Attached_rom_dataspace _requests{_env, "session_requests"};
  Signal_handler<Server> _handler{_env.ep(), *this, &Server::_handle};
  List<Passed_on> _sessions;

  /** The session that a client has. */
  Passed_on *_session_of(u32 client) const {
    if (_shared) return _sessions.first();
    for (Passed_on *each = _sessions.first(); each; each = each->next)
      if (each->client == client) return each;
    return nullptr;
  }

  Passed_on *_open(u32 client, Text label, Text args) {
    String<200> own("label=\"");
    own.append(label).append("\"");
    const Quota donation{size_t(arg_value(args, "ram_quota", 0)), u32(arg_value(args, "cap_quota", 0))};
    Passed_on *made = new (_heap) Passed_on(_env, client, _service.text(), own.text(), donation);
    if (made) _sessions.insert(*made);
    return made;
  }

  void _create(const Xml_node &request, u32 client) {
    const Text_buffer label = request.attribute("label"), args = request.sub_node("args").text();
    Passed_on *session = _session_of(client);
    if (session && !_shared) return; // it is delivered already
    if (!session) session = _open(client, label.text(), args.text());
    if (!session || !session->ok()) return _env.parent().session_response(client, Response::SERVICE_DENIED);
    log("session of ", label.text());
    _env.parent().deliver_session_cap(client, session->cap());
  }

  void _upgrade(const Xml_node &request, u32 client) {
    Passed_on *session = _session_of(client);
    if (!session) return;
    session->upgrade({size_t(request.attribute_value("ram_quota", 0)), u32(request.attribute_value("cap_quota", 0))});
    _env.parent().session_response(client, Response::SESSION_OK);
  }

  void _close(u32 client) {
    Passed_on *session = _session_of(client);
    if (session && !_shared) {
      _sessions.remove(*session);
      destroy(_heap, session);
    }
    log("session closed");
    _env.parent().session_response(client, Response::SESSION_CLOSED);
  }

  void _handle() {
    _requests.update();
    _requests.xml().for_each_sub_node([&](const Xml_node &request) {
      const u32 client = u32(request.attribute_value("id", ~0u));
      if (request.has_type("create")) _create(request, client);
      if (request.has_type("upgrade")) _upgrade(request, client);
      if (request.has_type("close")) _close(client);
    });
  }

 public:
  explicit Server(Env &env) : _env(env) {
    _requests.sigh(_handler.cap());
    env.parent().announce(_service.text());
    _handle();
  }
};

} // namespace

void Component::construct(Env &env) { static Server server(env); }
