import type { Readable, Writable } from 'node:stream'
import type { Scope } from '#base'
import type { CommandResult } from './command-result.ts'

/** Which streams a command is to have. A terminal has one stream for both outputs. */
export interface CommandStreams {
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  readonly tty: boolean
}

/** A process somewhere else with its streams; only those asked for are there. */
export interface RemoteProcess {
  /** `end()` closes it for the process, where the protocol can say so, and leaves the other directions open. */
  readonly stdin: Writable | undefined
  readonly stdout: Readable | undefined
  readonly stderr: Readable | undefined
  /** Does nothing without a terminal. */
  resize(columns: number, rows: number): void
  /** Never rejects: a connection that breaks is a result too. All output has arrived by then, and may still wait to be read. */
  readonly result: Promise<CommandResult>
  /** Lets go of the connection. */
  close(): void
}

const MOST_RESULT_BYTES = 64 * 1024

/** The whole text of an error stream. */
export async function readText(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of stream) {
      chunks.push(chunk)
      size += chunk.length
      if (size > MOST_RESULT_BYTES) break
    }
  } catch {
    // What came before the connection broke counts.
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Closes a process's connection when the scope is cancelled. */
export function closeWith(scope: Scope, close: () => void): void {
  if (scope.signal.aborted) close()
  else scope.signal.addEventListener('abort', close, { once: true })
}
