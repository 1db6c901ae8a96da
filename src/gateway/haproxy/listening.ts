import type { ListenPort } from '../model/wish.ts'

export interface Listening {
  /** An IPv4 address; checked by the caller. */
  readonly address: string
  /** Gateways' own: whoever listens at all addresses does not serve these. */
  readonly ownAddresses: readonly string[]
  readonly httpPort: number
  readonly httpsPort: number
  /** Other ports, and what else is served at those two. */
  readonly more: readonly ListenPort[]
  readonly threads: number
  /** Started by root: ports below 1024 are bound first, then all rights are given up. */
  readonly dropRights: boolean
  /** Hexadecimal digits: what the names of endpoints in cookies are made with. The same for as long as clients are to stay where they are. */
  readonly affinityKey: string
}
