// What the thread that owns the sockets and the thread that runs the program say to each other. Connections are named
// by ids of the socket host; each direction has a window, so that neither side collects more than that.

/** Bytes under way in one direction of a connection. */
export const WINDOW_BYTES = 1 << 18;

/** Connections that wait to be accepted, for each listening socket; further ones wait in the system. */
export const BACKLOG = 64;

/** From the socket host to the program. */
export type HostMessage =
  | { readonly type: "connection"; readonly listener: number; readonly id: number }
  | { readonly type: "data"; readonly id: number; readonly bytes: Uint8Array }
  /** The peer will send no more. */
  | { readonly type: "end"; readonly id: number }
  /** The connection is broken. */
  | { readonly type: "broken"; readonly id: number }
  /** So many sent bytes have left: the window is wider again. */
  | { readonly type: "drained"; readonly id: number; readonly bytes: number };

/** From the program to the socket host. */
export type ProgramMessage =
  | { readonly type: "send"; readonly id: number; readonly bytes: Uint8Array }
  /** So many received bytes were read: the window is wider again. */
  | { readonly type: "consumed"; readonly id: number; readonly bytes: number }
  | { readonly type: "shutdown"; readonly id: number }
  | { readonly type: "close"; readonly id: number }
  | { readonly type: "close-listener"; readonly listener: number };
