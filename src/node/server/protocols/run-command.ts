import type { Readable, Writable } from 'node:stream'
import type { RemoteProcess } from '#client'
import type { CallerStreams } from './caller-streams.ts'

/** Joins a caller with a process until the process has ended or the caller has gone. Data flows at the speed of the slower end. */
export async function runCommand(caller: CallerStreams, process: RemoteProcess): Promise<void> {
  try {
    if (caller.stdin !== undefined && process.stdin !== undefined) passOn(caller.stdin, process.stdin)
    else caller.stdin?.resume()
    caller.onResize((columns, rows) => process.resize(columns, rows))
    const outputs = Promise.all([copied(process.stdout, caller.stdout), copied(process.stderr, caller.stderr)])
    const ended = process.result.then(async (result) => {
      await outputs
      await caller.finish(result)
    })
    await Promise.race([ended, caller.closed])
  } finally {
    process.close()
  }
}

/** The end of the input is passed on; a caller that vanishes ends it too. What a process does not take any more is dropped. */
function passOn(from: Readable, to: Writable): void {
  to.on('error', () => from.resume()).on('close', () => from.resume())
  from.on('error', () => to.end())
  from.pipe(to)
}

/** Resolves when all has been written and the other end has been told so, or one of the two is gone. */
function copied(from: Readable | undefined, to: Writable | undefined): Promise<void> {
  if (from === undefined || to === undefined) {
    from?.resume()
    to?.end()
    return Promise.resolve()
  }
  return new Promise((resolve) => {
    to.on('finish', resolve).on('close', resolve).on('error', resolve)
    // The output of a process that broke off ends where it broke; one that is over before anybody listened tells it no more.
    from.on('error', () => to.end())
    if (from.destroyed) to.end()
    else from.pipe(to)
  })
}
