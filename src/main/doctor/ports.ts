/** A socket that waits for others, in the machine's own network. */
export interface Listener {
  readonly protocol: 'tcp' | 'udp'
  /** `*` for all addresses. */
  readonly address: string
  readonly port: number
}

/** Where a part of the cluster, that does not run yet, will listen. */
export interface WantedPort {
  readonly protocol: 'tcp' | 'udp'
  readonly address: string
  readonly port: number
  readonly what: string
  /** Another free port is taken instead. */
  readonly isFlexible: boolean
}

const LISTENING = '0A'
const UNCONNECTED = '07'

/** Pure. Of the kernel's table of sockets (`/proc/net/tcp` and the like): IPv4 as it is written, and whoever listens on all addresses of a family. */
export function listenersOf(table: string, protocol: Listener['protocol']): readonly Listener[] {
  return table
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local = '', , state] = line.trim().split(/\s+/)
      const [hex = '', port = ''] = local.split(':')
      if (state !== (protocol === 'tcp' ? LISTENING : UNCONNECTED)) return []
      const address = addressOf(hex)
      return address === undefined ? [] : [{ protocol, address, port: Number.parseInt(port, 16) }]
    })
}

/** The kernel writes the four bytes as a number of this machine, which has the lowest first. */
function addressOf(hex: string): string | undefined {
  if (/^0+$/.test(hex)) return '*'
  const mapped = /^0{16}F{4}0{4}|^0{16}0000FFFF/.test(hex) ? hex.slice(24) : hex
  if (mapped.length !== 8) return undefined
  return (mapped.match(/../g) ?? [])
    .reverse()
    .map((byte) => Number.parseInt(byte, 16))
    .join('.')
}

/** Pure. The wanted ports that somebody has. */
export const takenPorts = (listeners: readonly Listener[], wanted: readonly WantedPort[]): readonly WantedPort[] =>
  wanted.filter(({ protocol, address, port }) =>
    listeners.some(
      (one) => one.protocol === protocol && one.port === port && (one.address === '*' || address === '*' || one.address === address),
    ),
  )
