/** What the short way through HTTP/1.1 takes; more goes the long way, which has limits of its own. */
export const LIMITS_OF_PLAIN = {
  /** Of a request's head. */
  headBytes: 16 << 10,
  /** Of a body that is waited for before anyone looks at its request. Longer ones are read when they are asked for. */
  awaitedBytes: 64 << 10,
  /** Of a body that nobody has asked for yet, and of requests that came before their turn. */
  unreadBytes: 256 << 10,
} as const
