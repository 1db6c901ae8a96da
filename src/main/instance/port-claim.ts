import { type Server, createServer } from 'node:net'
import { UserError } from '#base'

/** A port that is to be listened at. Until the claim is disposed of, or its process ends in whatever way, nobody else gets it from `claimPort`. */
export interface PortClaim extends Disposable {
  readonly port: number
}

/** How often the kernel is asked for any port: each answer that is no use is one that somebody else is about to use. */
const TRIES = 100

/**
 * Claims `wanted`, or any port when somebody listens at it or has claimed it. Without `orAny` it has to be that one: throws `UserError`.
 * From the choice of a port until its server listens there are seconds, and a port that is only looked at is free for everybody meanwhile.
 */
export async function claimPort(wanted: number, { orAny }: { readonly orAny: boolean }): Promise<PortClaim> {
  const claim = wanted === 0 ? undefined : await tryPort(wanted)
  if (claim !== undefined) return claim
  if (!orAny)
    throw new UserError(
      `port ${wanted} of this machine is taken, or another cluster that is just starting wants it`,
      'give another --secure-port',
    )
  for (let tries = 0; tries < TRIES; tries++) {
    const port = await portAt(0)
    const found = port === undefined ? undefined : await tryPort(port)
    if (found !== undefined) return found
  }
  throw new UserError('this machine has no free port', 'stop what listens at them')
}

/** For a port that is this cluster's already, whoever listens at it. Undefined when somebody else has claimed it. */
export async function holdPort(port: number): Promise<PortClaim | undefined> {
  // A name that only the kernel knows: it goes with the process, and like a port it is of one network namespace.
  const held = await listening({ path: `\0sampan/port/${port}` })
  return held && { port, [Symbol.dispose]: () => void held.close() }
}

async function tryPort(port: number): Promise<PortClaim | undefined> {
  const claim = await holdPort(port)
  if (claim !== undefined && (await portAt(port)) !== undefined) return claim
  claim?.[Symbol.dispose]()
  return undefined
}

/** The port, where nobody listens at it now; for 0 any such. */
async function portAt(port: number): Promise<number | undefined> {
  const server = await listening({ port, host: '0.0.0.0' })
  const address = server?.address()
  await new Promise<void>((closed) => (server === undefined ? closed() : server.close(() => closed())))
  return typeof address === 'object' ? address?.port : undefined
}

function listening(at: { readonly path: string } | { readonly port: number; readonly host: string }): Promise<Server | undefined> {
  return new Promise((found) => {
    const server = createServer((socket) => socket.destroy())
    server.unref()
    server.once('error', () => found(undefined))
    server.listen(at, () => found(server))
  })
}
