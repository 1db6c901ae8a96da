import type { Readable, Writable } from 'node:stream'
import type { CommandResult } from '#client'

/** The caller's end of a remote command, whatever protocol it speaks. */
export interface CallerStreams {
  readonly stdin: Readable | undefined
  readonly stdout: Writable | undefined
  readonly stderr: Writable | undefined
  /** Called with each size of the caller's terminal, the first included. */
  onResize(listen: (columns: number, rows: number) => void): void
  /** After the outputs have been ended: says how it went, and ends the connection. */
  finish(result: CommandResult): Promise<void>
  /** Resolves when the connection has ended. */
  readonly closed: Promise<void>
}

/** `{"Width":80,"Height":24}` of a resize message; undefined when it is something else. */
export function sizeOf(text: string): { readonly columns: number; readonly rows: number } | undefined {
  try {
    const { Width: columns, Height: rows } = JSON.parse(text) as { readonly Width?: unknown; readonly Height?: unknown }
    return typeof columns === 'number' && typeof rows === 'number' ? { columns, rows } : undefined
  } catch {
    return undefined
  }
}
