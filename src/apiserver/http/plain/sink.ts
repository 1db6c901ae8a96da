import type { TLSSocket } from 'node:tls'
import type { BodySink } from '#base'

/** The body of one answer on a connection that outlives it. */
export function connectionSink(socket: TLSSocket, out: { write(chunk: Uint8Array): boolean; end(): void }): BodySink {
  let drains: (() => void)[] = []
  let closers: (() => void)[] = []
  let closed = false
  const onDrain = (): void => {
    const runs = drains
    drains = []
    for (const run of runs) run()
  }
  const onClose = (): void => {
    if (closed) return
    closed = true
    socket.off('drain', onDrain)
    socket.off('close', onClose)
    drains = []
    const runs = closers
    closers = []
    for (const run of runs) run()
  }
  socket.on('drain', onDrain)
  socket.on('close', onClose)
  return {
    write: (chunk) => !closed && (chunk.length === 0 || out.write(chunk)),
    get bufferedBytes() {
      return socket.writableLength
    },
    onDrain: (run) => void (closed || drains.push(run)),
    onClose: (run) => (closed ? run() : void closers.push(run)),
    end() {
      if (closed) return
      onClose()
      out.end()
    },
    destroy(error) {
      if (closed) return
      socket.destroy(error)
      onClose()
    },
  }
}
