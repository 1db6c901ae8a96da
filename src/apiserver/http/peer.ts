import type { TLSSocket } from 'node:tls'
import type { Peer } from '#base'

const peers = new WeakMap<TLSSocket, Peer>()

/** Who is at the other end of a connection: read from the handshake once, whatever the number of requests. */
export function peerOf(socket: TLSSocket): Peer {
  const known = peers.get(socket)
  if (known !== undefined) return known
  const certificate = socket.getPeerX509Certificate?.()?.raw
  const peer: Peer = { address: socket.remoteAddress ?? '', inProcess: false, ...(certificate === undefined ? {} : { certificate }) }
  peers.set(socket, peer)
  return peer
}
