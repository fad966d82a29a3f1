// Terminals that components serve, for WASI programs and components (docs/GUEST-ABI.md, streams). A server derives from
// Session and says what the functions do; Connection is a client in C++.
#pragma once
#include "connection.h"
#include "rpc.h"
#include "signal.h"
#include <rtcr/streams.h>

namespace Rtcr::Terminal {

enum class Kind : u32 { TERMINAL, PIPE, FILE };

struct Size {
  u32 columns = 0, rows = 0;
};

struct Readiness {
  bool readable = false, writable = false, hangup = false;
  /** How many can be read. */
  u32 bytes = 0;
};

/** Bytes of a request lie in its message; those of a reply must stay until the function has returned. */
class Session : public Rpc_object {
 public:
  u32 dispatch(u32 opcode, Rpc_request &request) final;

 protected:
  virtual Kind kind() { return Kind::TERMINAL; }
  /** Takes bytes, `most` of them at most. @returns AGAIN while there are none; SUCCESS with none at the end */
  virtual Errno read(u32 most, Text &bytes) = 0;
  /** @returns AGAIN while there is no room; else `written` is 1 at least */
  virtual Errno write(Text bytes, u32 &written) = 0;
  virtual Readiness readiness() = 0;
  virtual Errno size(Size &) { return Errno::NOTTY; }
  /** Told whenever there is something to read, or the end; invalid: nobody is. */
  virtual void read_avail_sigh(const Signal_context_capability &) {}

 private:
  static u32 _fail(Rpc_request &request, Errno errno) { return request.fail(u32(errno) - 1); }
  u32 _read(Rpc_request &);
  u32 _write(Rpc_request &);
  u32 _readiness(Rpc_request &);
  u32 _size(Rpc_request &);
};

inline u32 Session::dispatch(u32 opcode, Rpc_request &request) {
  switch (opcode) {
  case Abi::TERMINAL_KIND: return request.reply(u32(kind()));
  case Abi::TERMINAL_READ: return _read(request);
  case Abi::TERMINAL_WRITE: return _write(request);
  case Abi::TERMINAL_READINESS: return _readiness(request);
  case Abi::TERMINAL_SIZE: return _size(request);
  case Abi::TERMINAL_READ_AVAIL_SIGH:
    read_avail_sigh(request.get<Capability>());
    return request.reply();
  default: return Rpc_request::invalid_opcode();
  }
}

inline u32 Session::_read(Rpc_request &request) {
  Text bytes;
  const Errno errno = read(request.get<u32>(), bytes);
  return errno == Errno::SUCCESS ? request.reply(bytes) : _fail(request, errno);
}

inline u32 Session::_write(Rpc_request &request) {
  u32 written = 0;
  const Errno errno = write(request.get<Text>(), written);
  return errno == Errno::SUCCESS ? request.reply(written) : _fail(request, errno);
}

inline u32 Session::_readiness(Rpc_request &request) {
  const Readiness ready = readiness();
  return request.reply(u32(ready.readable) | u32(ready.writable) << 1 | u32(ready.hangup) << 2, ready.bytes);
}

inline u32 Session::_size(Rpc_request &request) {
  Size found;
  const Errno errno = size(found);
  return errno == Errno::SUCCESS ? request.reply(found.columns, found.rows) : _fail(request, errno);
}

class Connection : public Rtcr::Connection {
  Errno _invoke(Call &call, u32 opcode) const {
    const Error error = call.invoke(slot(), opcode, nullptr, 0);
    if (error == Error::FAILED) return Errno(call.outcome());
    return error == Error::OK ? Errno::SUCCESS : Errno::IO;
  }

 public:
  explicit Connection(Env &env, Text label = "")
      : Rtcr::Connection(env, "Terminal", label_args(label).text(), {10 * 1024, 3}) {}

  /** @param read how many bytes there were; 0 with SUCCESS: there are no more */
  Errno read(char *to, u32 most, u32 &read) const {
    Call call;
    call.put(min<u32>(most, 1000));
    const Errno errno = _invoke(call, Abi::TERMINAL_READ);
    Text bytes;
    if (errno == Errno::SUCCESS) call.get(bytes);
    read = min<u32>(most, u32(bytes.length));
    if (read) memcpy(to, bytes.start, read);
    return errno;
  }
  Errno write(Text bytes, u32 &written) const {
    Call call;
    call.put(Text(bytes.start, min<size_t>(bytes.length, 1000)));
    const Errno errno = _invoke(call, Abi::TERMINAL_WRITE);
    if (errno == Errno::SUCCESS) call.get(written);
    return errno;
  }
  Errno size(Size &size) const {
    Call call;
    const Errno errno = _invoke(call, Abi::TERMINAL_SIZE);
    if (errno == Errno::SUCCESS) call.get(size.columns), call.get(size.rows);
    return errno;
  }
  void read_avail_sigh(const Signal_context_capability &handler) const {
    Call call;
    call.put(handler.slot());
    _invoke(call, Abi::TERMINAL_READ_AVAIL_SIGH);
  }
};

} // namespace Rtcr::Terminal
