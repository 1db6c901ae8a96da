import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Scope } from '../scope.ts'

/** Listens until the scope ends, which also ends the connections. Returns the port (0 takes a free one); rejects when it cannot listen. */
export async function listenWithin(scope: Scope, server: Server, { host, port }: ListenAddress): Promise<number> {
  scope.check()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const close = (): void => {
    server.close()
    server.closeAllConnections()
  }
  if (scope.signal.aborted) close()
  else scope.signal.addEventListener('abort', close, { once: true })
  return (server.address() as AddressInfo).port
}

export interface ListenAddress {
  readonly host: string
  readonly port: number
}
