import { watch } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Scope } from '#base'

export interface LogOptions {
  readonly tailLines: number | undefined
  /** Lines before it are left out. */
  readonly sinceMs: number | undefined
  readonly timestamps: boolean
  readonly limitBytes: number | undefined
  readonly follow: boolean
  readonly stream: 'All' | 'Stdout' | 'Stderr'
}

const CHUNK_BYTES = 64 * 1024
const LOOK_AGAIN_MS = 1000

/**
 * The lines of a container's log file (`TIME STREAM F|P TEXT`), as a client is to see them. Follows the file over rotations until `ended`
 * says that nothing more will come. Ends with the scope.
 */
export async function* readLog(scope: Scope, path: string, options: LogOptions, ended: () => boolean): AsyncIterable<Uint8Array> {
  let left = options.limitBytes ?? Number.POSITIVE_INFINITY
  let file = await open(path, 'r')
  try {
    let offset = options.tailLines === undefined ? 0 : await tailOffset(file, options.tailLines)
    let rest = Buffer.alloc(0)
    for (;;) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, offset)
      offset += bytesRead
      if (bytesRead > 0) {
        const data = Buffer.concat([rest, buffer.subarray(0, bytesRead)])
        const end = data.lastIndexOf(0x0a) + 1
        rest = data.subarray(end)
        const shown = linesOf(data.subarray(0, end), options)
        if (shown.length > 0) yield shown.subarray(0, left)
        left -= shown.length
        if (left <= 0) return
        continue
      }
      if (!options.follow || scope.signal.aborted) return
      const before = await file.stat()
      const now = await stat(path).catch(() => undefined)
      if (now !== undefined && now.ino !== before.ino) {
        // Rotated: what was written before the file was put aside has been read.
        await file.close()
        file = await open(path, 'r')
        offset = 0
        continue
      }
      if (ended() && before.size <= offset) return
      await changed(scope, path)
    }
  } finally {
    await file.close()
  }
}

function linesOf(data: Buffer, options: LogOptions): Buffer {
  const out: Buffer[] = []
  for (let start = 0; start < data.length; ) {
    const newline = data.indexOf(0x0a, start)
    const line = data.subarray(start, newline)
    start = newline + 1
    const timeEnd = line.indexOf(0x20)
    const streamEnd = line.indexOf(0x20, timeEnd + 1)
    const tagEnd = line.indexOf(0x20, streamEnd + 1)
    if (timeEnd < 0 || streamEnd < 0 || tagEnd < 0) continue
    const stream = line.toString('latin1', timeEnd + 1, streamEnd)
    if (options.stream !== 'All' && stream !== options.stream.toLowerCase()) continue
    if (options.sinceMs !== undefined && Date.parse(line.toString('latin1', 0, timeEnd)) < options.sinceMs) continue
    if (options.timestamps) out.push(line.subarray(0, timeEnd + 1))
    // A part of a long line is joined with what follows.
    out.push(line.subarray(tagEnd + 1))
    if (line[streamEnd + 1] !== 0x50) out.push(Buffer.from('\n'))
  }
  return Buffer.concat(out)
}

/** Where the last `lines` lines begin, found from the end. */
export async function tailOffset(file: FileHandle, lines: number): Promise<number> {
  const { size } = await file.stat()
  if (lines <= 0) return size
  let found = 0
  for (let end = size; end > 0; ) {
    const begin = Math.max(end - CHUNK_BYTES, 0)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(end - begin), 0, end - begin, begin)
    for (let at = bytesRead - 1; at >= 0; at--) {
      // The newline that ends the file does not begin a line.
      if (buffer[at] !== 0x0a || begin + at === size - 1) continue
      if (++found === lines) return begin + at + 1
    }
    end = begin
  }
  return 0
}

/** Resolves when something in the log's folder changes, or after a while: an exit makes no change there. */
function changed(scope: Scope, path: string): Promise<void> {
  return new Promise((resolve) => {
    const watcher = watch(dirname(path), { persistent: false })
    const timer = scope.clock.after(LOOK_AGAIN_MS, () => end(), { background: true })
    const end = (): void => {
      timer.cancel()
      watcher.close()
      scope.signal.removeEventListener('abort', end)
      resolve()
    }
    watcher.on('change', end).on('error', end)
    scope.signal.addEventListener('abort', end, { once: true })
  })
}
