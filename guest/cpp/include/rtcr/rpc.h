// RPC objects that a component serves, and clients of such objects. Replies follow the convention of the kernel's own
// interfaces: the first word is 0, or 1 + the index of a declared error.
#pragma once
#include "capability.h"
#include "message.h"

namespace Rtcr {

/** A function of an interface, with the errors it declares. */
struct Rpc_function {
  u32 opcode;
  const Error *errors = nullptr;
  u32 count = 0;

  constexpr Rpc_function(u32 number) : opcode(number) {}
  template <u32 N> constexpr Rpc_function(u32 number, const Error (&list)[N]) : opcode(number), errors(list), count(N) {}
};

inline Slot to_message(const Capability &value) { return value.slot(); }
template <typename T> T to_message(T value) { return value; }

template <typename T> void from_message(auto &reader, T &value) { reader.get(value); }
inline void from_message(auto &reader, Capability &value) {
  Slot slot;
  reader.get(slot);
  value = Capability::adopt(slot);
}

/** A request while it is served. Arguments must be read before `reply`, which begins to overwrite them. */
class Rpc_request : Noncopyable {
  Abi::Message &_message;
  Message_reader _reader;
  Slot _slots[Abi::MAX_CAPABILITIES];
  u32 _count, _taken = 0;

 public:
  explicit Rpc_request(Abi::Message &message);
  /** Gives back the capabilities that nobody took. */
  ~Rpc_request();

  template <typename T> T get() {
    T value{};
    get(value);
    return value;
  }
  template <typename T> void get(T &value) { _reader.get(value); }
  void get(Capability &value);
  /** An argument was missing: the request is not what its opcode says. */
  bool bad() const { return _reader.failed(); }

  /** Success, with these results. @returns what `dispatch` returns */
  template <typename... Args> u32 reply(const Args &...results) {
    Message_writer writer(_message);
    writer.put(u32(0));
    (writer.put(to_message(results)), ...);
    return writer.full() ? u32(Error::BAD_MESSAGE) : u32(Error::OK);
  }
  /** Success, with results that `write` puts into a Message_writer. */
  template <typename F> u32 reply_with(const F &write) {
    Message_writer writer(_message);
    writer.put(u32(0));
    write(writer);
    return writer.full() ? u32(Error::BAD_MESSAGE) : u32(Error::OK);
  }
  /** A declared error. */
  u32 fail(u32 index) {
    Message_writer writer(_message);
    writer.put(u32(1 + index));
    return u32(Error::OK);
  }
  static u32 invalid_opcode() { return u32(Error::INVALID_OPCODE); }
};

/** Something that other components call. `Entrypoint::manage` gives it a capability. */
class Rpc_object : public List_element<Rpc_object> {
  friend class Entrypoint;
  Capability _cap;

 public:
  virtual ~Rpc_object() = default;
  const Capability &cap() const { return _cap; }
  /** @returns what one of the request's `reply`, `fail`, `invalid_opcode` returned */
  virtual u32 dispatch(u32 opcode, Rpc_request &request) = 0;
};

/** The other side: base of typed clients. */
class Rpc_client {
 protected:
  Capability _cap;

 public:
  Rpc_client() = default;
  explicit Rpc_client(Capability cap) : _cap(cap) {}
  const Capability &cap() const { return _cap; }

  /** Calls a function with one result; blocks until the reply. */
  template <typename R, typename... Args> Result<R> call(Rpc_function function, const Args &...args) const {
    Call call;
    (call.put(to_message(args)), ...);
    Result<R> result;
    result.error = call.invoke(_cap.slot(), function.opcode, function.errors, function.count);
    if (result.ok()) from_message(call, result.value);
    return result;
  }
  /** Calls a function without result. */
  template <typename... Args> Error call_void(Rpc_function function, const Args &...args) const {
    Call call;
    (call.put(to_message(args)), ...);
    return call.invoke(_cap.slot(), function.opcode, function.errors, function.count);
  }
};

} // namespace Rtcr
