import type { Writable } from 'node:stream'
import type { BodySink } from '#base'

/** An answer's body over a Node stream. */
export function streamSink(target: Writable, breakOff: (error?: Error) => void): BodySink {
  let drains: (() => void)[] = []
  let closers: (() => void)[] = []
  let closed = false
  const onDrain = (): void => {
    const runs = drains
    drains = []
    for (const run of runs) run()
  }
  target.on('drain', onDrain)
  target.on('error', () => undefined)
  const onClose = (): void => {
    if (closed) return
    closed = true
    drains = []
    const runs = closers
    closers = []
    for (const run of runs) run()
  }
  target.on('close', onClose)
  return {
    write: (chunk) => !closed && target.write(chunk),
    get bufferedBytes() {
      return target.writableLength
    },
    onDrain: (run) => void (closed || drains.push(run)),
    onClose: (run) => (closed ? run() : void closers.push(run)),
    end() {
      if (closed) return
      target.end()
      onClose()
    },
    destroy(error) {
      if (closed) return
      breakOff(error)
      onClose()
    },
  }
}
