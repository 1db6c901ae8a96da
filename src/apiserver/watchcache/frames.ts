import type { Scope } from '#base'
import type { Entry } from './entry.ts'
import type { CacheEvent } from './ring.ts'
import { replaceResourceVersion } from './stored/wire.ts'

export type EventType = 'ADDED' | 'MODIFIED' | 'DELETED'

/**
 * How one group of clients sees the objects of a cache: which kind and version, which form, which encoding. Clients with the same
 * `id` are sent the same buffers.
 */
export interface Shape {
  readonly id: string
  /** Bytes of one event. `bytes` is the object as it is stored, with the resourceVersion to be shown. */
  event(type: EventType, entry: Entry, bytes: Buffer): Buffer
  bookmark(revision: number, endOfInitialEvents: boolean): Buffer
  /** What must have happened before an event about the entry can be made. Undefined, and absent: nothing. */
  readonly prepare?: (scope: Scope, entry: Entry) => Promise<void> | undefined
  /** A refusal in the middle of a stream. */
  error(status: unknown): Buffer
  /** Takes this shape's place after its first event. */
  readonly next?: Shape
}

/** The frame of a change for one shape, encoded once for all who share it. */
export function frameOf(change: CacheEvent, type: EventType, shape: Shape): Buffer {
  return change.frame(shape.id + type, () => {
    if (type === 'DELETED') {
      const last = change.previous as Entry
      return shape.event(type, last, replaceResourceVersion(last.bytes, change.revision))
    }
    const entry = change.entry as Entry
    return shape.event(type, entry, entry.bytes)
  })
}

const HEADS = {
  ADDED: Buffer.from('{"type":"ADDED","object":'),
  MODIFIED: Buffer.from('{"type":"MODIFIED","object":'),
  DELETED: Buffer.from('{"type":"DELETED","object":'),
  BOOKMARK: Buffer.from('{"type":"BOOKMARK","object":'),
} as const
const TAIL = Buffer.from('}\n')

/** One line of a JSON watch around an object that is encoded already. */
export function jsonEvent(type: EventType | 'BOOKMARK', object: Buffer): Buffer {
  const head = HEADS[type]
  const out = Buffer.allocUnsafeSlow(head.length + object.length + TAIL.length)
  head.copy(out, 0)
  object.copy(out, head.length)
  TAIL.copy(out, head.length + object.length)
  return out
}

export function jsonLine(type: 'BOOKMARK' | 'ERROR', object: unknown): Buffer {
  return Buffer.from(`{"type":"${type}","object":${JSON.stringify(object)}}\n`)
}
