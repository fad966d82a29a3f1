// What an init puts off until its event loop's next turn, as plain data: it is part of the init's state.
export type Work =
  /** A child's environment may be complete. */
  | { readonly do: "advance"; readonly child: number }
  | { readonly do: "exited"; readonly child: number; readonly value: number }
  /** A child has answered a yield request. */
  | { readonly do: "yielded"; readonly child: number }
  /** The parent is told what has become of a session, by the parent's id. */
  | { readonly do: "answer"; readonly id: number }
  /** A session of init's own is there, or refused. */
  | { readonly do: "settle"; readonly id: number }
  | { readonly do: "report" }
  /** Children are started anew. */
  | { readonly do: "restart"; readonly names: readonly string[] };
