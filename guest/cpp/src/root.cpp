#include "rtcr/root.h"
#include "state.h"

namespace Rtcr {

namespace {

/** Where the value of `key` begins in session arguments, empty if it is absent. */
Text value_of(Text args, Text key) {
  bool quoted = false;
  for (size_t at = 0; at + key.length < args.length; at++) {
    if (args.start[at] == '"' && (at == 0 || args.start[at - 1] != '\\')) quoted = !quoted;
    const bool begins = at == 0 || args.start[at - 1] == ',' || args.start[at - 1] == ' ';
    if (quoted || !begins || memcmp(args.start + at, key.start, key.length)) continue;
    size_t value = at + key.length;
    while (value < args.length && args.start[value] == ' ') value++;
    if (value >= args.length || args.start[value] != '=') continue;
    value++;
    while (value < args.length && args.start[value] == ' ') value++;
    return {args.start + value, args.length - value};
  }
  return {};
}

} // namespace

Text_buffer arg_string(Text args, Text key) {
  const Text value = value_of(args, key);
  Text_buffer text;
  if (!value.length) return text;
  const bool quoted = value.start[0] == '"';
  for (size_t at = quoted; at < value.length; at++) {
    char c = value.start[at];
    if (quoted ? c == '"' : c == ',') break;
    if (quoted && c == '\\' && at + 1 < value.length) c = value.start[++at];
    text.append(Text(&c, 1));
  }
  return text;
}

u64 arg_value(Text args, Text key, u64 otherwise) {
  String<300> tag("n v=\"");
  tag.append(arg_string(args, key).text()).append("\"");
  String<310> node("<");
  node.append(tag.text()).append("/>");
  return Xml_node(node.text()).attribute_value("v", otherwise);
}

Root_component::Root_component(Env &env, Allocator &alloc, Text service)
    : _env(env), _alloc(alloc), _service(service), _requests(env, "session_requests"),
      _handler(env.ep(), *this, &Root_component::_handle_requests) {
  _requests.sigh(_handler);
}

Root_component::~Root_component() {
  while (Entry *entry = _sessions.first()) {
    _sessions.remove(*entry);
    Rtcr::destroy(_alloc, entry);
  }
}

void Root_component::announce() {
  _env.parent().announce(_service.text());
  _handle_requests();
}

Root_component::Entry *Root_component::_find(u32 id) {
  for (Entry *entry = _sessions.first(); entry; entry = entry->next)
    if (entry->id == id) return entry;
  return nullptr;
}

void Root_component::_handle_requests() {
  _requests.update();
  _requests.xml().for_each_sub_node([&](const Xml_node &request) {
    const u32 id = u32(request.attribute_value("id", ~0u));
    if (request.has_type("create") && request.attribute("service", _service.text()) == _service.text()) _create(request, id);
    if (request.has_type("upgrade")) _upgrade(request, id);
    if (request.has_type("close")) _close(id);
  });
}

void Root_component::_create(const Xml_node &request, u32 id) {
  if (_find(id)) return;
  Entry *entry = new (_alloc) Entry;
  const Text_buffer args = request.sub_node("args").text();
  const Created created = entry ? create_session(request.attribute("label").text(), args.text())
                                : Created{Response::INSUFFICIENT_RAM_QUOTA};
  if (!created.session) {
    Rtcr::destroy(_alloc, entry);
    _env.parent().session_response(id, created.response == Response::SESSION_OK ? Response::SERVICE_DENIED : created.response);
    return;
  }
  entry->id = id;
  entry->session = created.session;
  _sessions.insert(*entry);
  if (!created.session->cap().valid()) _env.ep().manage(*created.session);
  _env.parent().deliver_session_cap(id, created.session->cap());
}

void Root_component::_upgrade(const Xml_node &request, u32 id) {
  Entry *entry = _find(id);
  if (!entry) return;
  upgrade_session(*entry->session,
                  {size_t(request.attribute_value("ram_quota", 0)), u32(request.attribute_value("cap_quota", 0))});
  _env.parent().session_response(id, Response::SESSION_OK);
}

void Root_component::_close(u32 id) {
  Entry *entry = _find(id);
  if (entry) {
    _sessions.remove(*entry);
    _env.ep().dissolve(*entry->session);
    destroy_session(*entry->session);
    Rtcr::destroy(_alloc, entry);
  }
  _env.parent().session_response(id, Response::SESSION_CLOSED);
}

} // namespace Rtcr
