// The kernel's imports without any SDK: one component that touches each of them once and says what it saw.
//
// Expected log, one line each (apps/components/expected/smoke.txt): the initial thread starts a second one on a stack of
// its own, they meet through a futex, the second becomes an entrypoint that serves an RPC and a wake-up, a third serves
// the signal source; then exit(0).
typedef unsigned int u32;
typedef unsigned char u8;

#define KERNEL(name) __attribute__((import_module("rtcr_kernel_v1"), import_name(#name)))
KERNEL(call) u32 kernel_call(u32 capability, u32 opcode, void *message);
KERNEL(serve) void kernel_serve(u32 dispatch, u32 argument, void *message);
KERNEL(serve_signals) void kernel_serve_signals(u32 source);
KERNEL(ep_wakeup) void kernel_ep_wakeup(u32 thread);
KERNEL(ep_wait_wakeup) void kernel_ep_wait_wakeup(void *message);
KERNEL(futex_wait) u32 kernel_futex_wait(volatile u32 *word, u32 expected, long long timeout_ns);
KERNEL(futex_wake) u32 kernel_futex_wake(volatile u32 *word, u32 most);
KERNEL(cap_badge) u32 kernel_cap_badge(u32 slot);
KERNEL(cap_retain) void kernel_cap_retain(u32 slot);
KERNEL(cap_release) void kernel_cap_release(u32 slot);
KERNEL(parent) u32 kernel_parent(void);
KERNEL(self) u32 kernel_self(void);
KERNEL(yield) void kernel_yield(void);
KERNEL(scope_begin) u32 kernel_scope_begin(const char *name, u32 bytes, u32 color);
KERNEL(scope_end) void kernel_scope_end(u32 scope);

struct message {
  u32 bytes, capabilities, slots[8];
  u8 data[1024];
};

// Opcodes are positions in src/abi/rpc.ts.
enum { PD_ALLOC_SOURCE = 3, PD_ALLOC_CONTEXT = 5, PD_SUBMIT = 7, PD_ALLOC_RPC_CAP = 8, PD_ADDRESS_SPACE = 10,
       PD_ALLOC = 20, PD_FREE = 21 };
enum { RM_ATTACH = 0, RM_DETACH = 1, CPU_CREATE_THREAD = 0, THREAD_START = 1, LOG_WRITE = 0, PARENT_EXIT = 0,
       PARENT_SESSION_CAP = 4 };
enum { DISPATCH_RPC = 0, DISPATCH_SIGNAL = 1, DISPATCH_WAKEUP = 2 };
enum { OK = 0, INVALID_OBJECT = 1, INVALID_OPCODE = 2 };

static u32 pd, cpu, log_session, source;
static volatile u32 ready, signalled, woken;
static struct message requests[2];

static u32 *words(struct message *m) { return (u32 *)m->data; }

static u32 call(u32 capability, u32 opcode, struct message *m, u32 words_in, u32 slots_in) {
  m->bytes = words_in * 4;
  m->capabilities = slots_in;
  const u32 status = kernel_call(capability, opcode, m);
  return status ? 0x100 + status : words(m)[0];
}

static void print(const char *text) {
  struct message m;
  u32 length = 0;
  for (; text[length]; length++) m.data[4 + length] = (u8)text[length];
  words(&m)[0] = length;
  m.bytes = 4 + length;
  m.capabilities = 0;
  kernel_call(log_session, LOG_WRITE, &m);
}

static void expect(int condition, const char *what) {
  char line[128];
  u32 at = 0;
  for (const char *from = condition ? "ok: " : "FAILED: "; *from; from++) line[at++] = *from;
  for (; *what; what++) line[at++] = *what;
  line[at] = 0;
  print(line);
}

static u32 session_cap(u32 id) {
  struct message m;
  words(&m)[0] = id;
  return call(kernel_parent(), PARENT_SESSION_CAP, &m, 1, 0) ? 0 : m.slots[0];
}

// Doubles the first word for opcode 7, and answers a wake-up by raising `woken`.
static u32 serve_one(u32 argument, u32 kind, u32 object, u32 value) {
  struct message *m = (struct message *)argument;
  if (kind == DISPATCH_WAKEUP) {
    woken++;
    kernel_futex_wake(&woken, 1);
    return OK;
  }
  if (kind != DISPATCH_RPC || object == 0 || value != 7) return INVALID_OPCODE;
  words(m)[1] = words(m)[0] * 2;
  words(m)[0] = 0;
  m->bytes = 8;
  m->capabilities = 0;
  return OK;
}

static u32 own_capability;

static void entrypoint(void) {
  own_capability = kernel_self();
  kernel_serve((u32)serve_one, (u32)&requests[0], &requests[0]);
  ready = 1;
  kernel_futex_wake(&ready, 1);
}

static int imprint_right;

static u32 signal_one(u32 argument, u32 kind, u32 object, u32 value) {
  (void)argument;
  imprint_right = kind == DISPATCH_SIGNAL && object == 0x1234;
  signalled = value;
  kernel_futex_wake(&signalled, 1);
  return OK;
}

static void signal_thread(void) {
  kernel_serve((u32)signal_one, 0, &requests[1]);
  kernel_serve_signals(source);
}

static u32 start_thread(const char *name, void (*entry)(void), u8 *stack, u32 bytes) {
  struct message m;
  u32 length = 0;
  for (; name[length]; length++) m.data[4 + length] = (u8)name[length];
  words(&m)[0] = length;
  u32 *rest = (u32 *)(m.data + 4 + ((length + 3) & ~3u));
  for (int i = 0; i < 4; i++) rest[i] = 0; // affinity: none
  rest[4] = 10;                            // weight
  rest[5] = 0;                             // utcb
  m.slots[0] = pd;
  m.bytes = (u32)((u8 *)(rest + 6) - m.data);
  m.capabilities = 1;
  if (kernel_call(cpu, CPU_CREATE_THREAD, &m) || words(&m)[0]) return 0;
  const u32 thread = m.slots[0];
  words(&m)[0] = (u32)entry;
  words(&m)[1] = (u32)(stack + bytes);
  expect(call(thread, THREAD_START, &m, 2, 0) == 0, "a thread starts");
  return thread;
}

static void wait_for(volatile u32 *word) {
  while (*word == 0) kernel_futex_wait(word, 0, -1);
}

static void memory(void) {
  struct message m;
  call(pd, PD_ADDRESS_SPACE, &m, 0, 0);
  const u32 space = m.slots[0];
  words(&m)[0] = 5000; // two pages
  words(&m)[1] = 2;    // cached
  expect(call(pd, PD_ALLOC, &m, 2, 0) == 0 && m.slots[0] != 0, "a dataspace is allocated");
  const u32 dataspace = m.slots[0];
  const u32 attach[] = {0, 0, 0, 0, 0, 1};
  for (int i = 0; i < 6; i++) words(&m)[i] = attach[i];
  m.slots[0] = dataspace;
  expect(call(space, RM_ATTACH, &m, 6, 1) == 0 && words(&m)[1] % 4096 == 0, "and attached at whole pages");
  volatile u32 *at = (volatile u32 *)words(&m)[1];
  expect(at[0] == 0 && at[2047] == 0, "and empty");
  at[2047] = 0xcafe;
  expect(at[2047] == 0xcafe, "and writable");
  words(&m)[0] = (u32)at;
  expect(call(space, RM_DETACH, &m, 1, 0) == 0, "and detached");
  m.slots[0] = dataspace;
  expect(call(pd, PD_FREE, &m, 0, 1) == 0, "and freed");
  expect(kernel_cap_badge(dataspace) == 0, "its capability is dead then");
  kernel_cap_release(dataspace);
}

__attribute__((export_name("rtcr_component_start"))) void component_start(void) {
  static u8 stacks[2][8192] __attribute__((aligned(16)));
  struct message m;
  pd = session_cap(1), cpu = session_cap(2), log_session = session_cap(3);
  expect(pd && cpu && log_session, "environment sessions");
  expect(kernel_cap_badge(pd) != 0 && kernel_cap_badge(0) == 0, "badges");
  memory();
  expect(call(0, 0, &m, 0, 0) == 0x100 + INVALID_OBJECT, "the invalid capability is refused");
  expect(call(pd, 999, &m, 0, 0) == 0x100 + INVALID_OPCODE, "unknown opcodes are refused");

  const u32 ep = start_thread("ep", entrypoint, stacks[0], sizeof stacks[0]);
  wait_for(&ready);
  expect(own_capability != 0, "a thread knows its capability");
  m.slots[0] = ep;
  expect(call(pd, PD_ALLOC_RPC_CAP, &m, 0, 1) == 0, "an object of the entrypoint");
  const u32 object = m.slots[0];
  words(&m)[0] = 21;
  expect(call(object, 7, &m, 1, 0) == 0 && words(&m)[1] == 42, "an RPC within the component");
  expect(call(object, 8, &m, 0, 0) == 0x100 + INVALID_OPCODE, "a server refuses an opcode");
  kernel_ep_wakeup(ep);
  wait_for(&woken);
  expect(woken == 1, "a wake-up is dispatched");

  expect(call(pd, PD_ALLOC_SOURCE, &m, 0, 0) == 0, "the signal source");
  source = m.slots[0];
  start_thread("signals", signal_thread, stacks[1], sizeof stacks[1]);
  words(&m)[0] = 0x1234;
  m.slots[0] = source;
  expect(call(pd, PD_ALLOC_CONTEXT, &m, 1, 1) == 0, "a signal context");
  words(&m)[0] = 3;
  expect(call(pd, PD_SUBMIT, &m, 1, 1) == 0, "a submission");
  wait_for(&signalled);
  expect(imprint_right, "a signal arrives with its imprint");
  expect(signalled == 3, "with its count");
  expect(kernel_futex_wait(&ready, 0, -1) == 1, "futex: not equal");
  expect(kernel_futex_wait(&ready, 1, 1000000) == 2, "futex: timed out");
  kernel_yield();
  expect(kernel_scope_begin("smoke", 5, 0) == 0, "a scope that nobody records");
  kernel_scope_end(0);
  words(&m)[0] = 0;
  call(kernel_parent(), PARENT_EXIT, &m, 1, 0);
}
