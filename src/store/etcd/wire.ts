import { ProtobufReader, ProtobufWriter } from '#base'
import type { Compare, KeyValue, Operation } from '../engine.ts'

/**
 * The messages of etcd's API v3 that this engine speaks, by their field numbers: https://etcd.io/docs/latest/learning/api/.
 * Requests are written from their end to their beginning, as the writer wants it.
 */
export interface Header {
  readonly revision: number
}

export interface RangeAsk {
  readonly key: Uint8Array
  /** Absent: this one key. */
  readonly end?: Uint8Array | undefined
  readonly limit?: number
  readonly revision?: number
  readonly keysOnly?: boolean
  readonly countOnly?: boolean
}

export interface RangeAnswer extends Header {
  readonly items: readonly KeyValue[]
  readonly more: boolean
  readonly count: number
}

export interface WatchAsk {
  readonly id: number
  readonly key: Uint8Array
  readonly end: Uint8Array
  readonly startRevision: number
  readonly withPrevious: boolean
}

export interface WatchEvent {
  readonly kind: 'put' | 'delete'
  readonly current: KeyValue
  readonly previous: KeyValue | undefined
}

export interface WatchAnswer extends Header {
  /** -1 when it is of all watches of the stream. */
  readonly id: number
  readonly created: boolean
  readonly canceled: boolean
  readonly compactRevision: number
  readonly cancelReason: string
  /** More parts of the same answer follow. */
  readonly fragment: boolean
  readonly events: readonly WatchEvent[]
}

const VARINT = 0
const BYTES = 2
const EMPTY = new Uint8Array(0)

function number(to: ProtobufWriter, field: number, value: number | undefined): void {
  if (value === undefined || value === 0) return
  to.int(value)
  to.tag(field, VARINT)
}
function flag(to: ProtobufWriter, field: number, value: boolean | undefined): void {
  if (value === true) number(to, field, 1)
}
function bytes(to: ProtobufWriter, field: number, value: Uint8Array | undefined): void {
  if (value === undefined || value.length === 0) return
  to.bytes(value)
  to.tag(field, BYTES)
}
function message(to: ProtobufWriter, field: number, write: () => void): void {
  to.message(write)
  to.tag(field, BYTES)
}
function whole(write: (to: ProtobufWriter) => void): Uint8Array {
  const to = new ProtobufWriter()
  write(to)
  return to.finish()
}

function writeRange(to: ProtobufWriter, ask: RangeAsk): void {
  flag(to, 9, ask.countOnly)
  flag(to, 8, ask.keysOnly)
  number(to, 4, ask.revision)
  number(to, 3, ask.limit)
  bytes(to, 2, ask.end)
  bytes(to, 1, ask.key)
}

export const rangeRequest = (ask: RangeAsk): Uint8Array => whole((to) => writeRange(to, ask))

const keyBytes = (key: string): Uint8Array => Buffer.from(key, 'utf8')

/** All compares hold: the operations; else the reads. */
export function transactionRequest(compare: readonly Compare[], operations: readonly Operation[], reads: readonly string[]): Uint8Array {
  return whole((to) => {
    for (const key of reads.toReversed())
      message(to, 3, () => {
        message(to, 1, () => writeRange(to, { key: keyBytes(key) }))
      })
    for (const operation of operations.toReversed()) {
      message(to, 2, () => {
        if (operation.kind === 'put') {
          message(to, 2, () => {
            number(to, 3, operation.lease)
            bytes(to, 2, operation.value)
            bytes(to, 1, keyBytes(operation.key))
          })
        } else message(to, 3, () => bytes(to, 1, keyBytes(operation.key)))
      })
    }
    for (const { key, modRevision } of compare.toReversed()) {
      message(to, 1, () => {
        // Equal, which is 0, to the mod revision, which may be 0 and is written all the same: it is one of several.
        to.int(modRevision)
        to.tag(6, VARINT)
        bytes(to, 3, keyBytes(key))
        number(to, 2, 2)
      })
    }
  })
}

export const compactionRequest = (revision: number): Uint8Array => whole((to) => number(to, 1, revision))
export const leaseRequest = (lease: number): Uint8Array => whole((to) => number(to, 1, lease))
export const leaseGrantRequest = (ttlSeconds: number, lease: number): Uint8Array =>
  whole((to) => {
    number(to, 2, lease)
    number(to, 1, ttlSeconds)
  })

export function watchCreateRequest(ask: WatchAsk): Uint8Array {
  return whole((to) =>
    message(to, 1, () => {
      flag(to, 8, true)
      number(to, 7, ask.id)
      flag(to, 6, ask.withPrevious)
      number(to, 3, ask.startRevision)
      bytes(to, 2, ask.end)
      bytes(to, 1, ask.key)
    }),
  )
}
export const watchCancelRequest = (id: number): Uint8Array => whole((to) => message(to, 2, () => number(to, 1, id)))
export const watchProgressRequest = (): Uint8Array => whole((to) => message(to, 3, () => undefined))

/** Calls `take` for each field; what it does not read itself, and says so by `false`, is passed over. */
function fields(from: ProtobufReader, take: (number: number, from: ProtobufReader) => boolean): void {
  while (!from.done) {
    const { number: field, wire } = from.tag()
    if (!take(field, from)) from.skip(wire)
  }
}

function readHeader(from: ProtobufReader): number {
  let revision = 0
  fields(from, (field) => {
    if (field !== 3) return false
    revision = from.int()
    return true
  })
  return revision
}

function readKeyValue(from: ProtobufReader): KeyValue {
  let key = ''
  let value: Uint8Array = EMPTY
  let [createRevision, modRevision, version, lease] = [0, 0, 0, 0]
  fields(from, (field) => {
    if (field === 1) key = from.string()
    else if (field === 2) createRevision = from.int()
    else if (field === 3) modRevision = from.int()
    else if (field === 4) version = from.int()
    else if (field === 5) value = from.bytes()
    else if (field === 6) lease = from.int()
    else return false
    return true
  })
  const own = { key, value, createRevision, modRevision, version }
  // Leases that others have granted may have ids which a number cannot hold: not shown rather than shown wrongly.
  return lease > 0 && Number.isSafeInteger(lease) ? { ...own, lease } : own
}

function readRange(from: ProtobufReader): RangeAnswer {
  const items: KeyValue[] = []
  let [revision, count, more] = [0, 0, false]
  fields(from, (field) => {
    if (field === 1) revision = readHeader(from.message())
    else if (field === 2) items.push(readKeyValue(from.message()))
    else if (field === 3) more = from.bool()
    else if (field === 4) count = from.int()
    else return false
    return true
  })
  return { revision, items, more, count }
}

export const rangeAnswer = (from: Uint8Array): RangeAnswer => readRange(new ProtobufReader(from))

export interface TransactionAnswer extends Header {
  readonly succeeded: boolean
  /** What the reads have found, in their order. */
  readonly found: readonly (KeyValue | undefined)[]
}

export function transactionAnswer(answer: Uint8Array): TransactionAnswer {
  const from = new ProtobufReader(answer)
  const found: (KeyValue | undefined)[] = []
  let [revision, succeeded] = [0, false]
  fields(from, (field) => {
    if (field === 1) revision = readHeader(from.message())
    else if (field === 2) succeeded = from.bool()
    else if (field === 3) {
      const operation = from.message()
      fields(operation, (kind) => {
        if (kind !== 1) return false
        found.push(readRange(operation.message()).items[0])
        return true
      })
    } else return false
    return true
  })
  return { revision, succeeded, found }
}

/** Revision, and the time to live in seconds: 0 for a lease that is not there. */
export function leaseAnswer(answer: Uint8Array): Header & { readonly ttlSeconds: number } {
  const from = new ProtobufReader(answer)
  let [revision, ttlSeconds] = [0, 0]
  fields(from, (field) => {
    if (field === 1) revision = readHeader(from.message())
    else if (field === 3) ttlSeconds = from.int()
    else return false
    return true
  })
  return { revision, ttlSeconds }
}

export function statusAnswer(answer: Uint8Array): { readonly version: string; readonly sizeBytes: number } {
  const from = new ProtobufReader(answer)
  let [version, sizeBytes] = ['', 0]
  fields(from, (field) => {
    if (field === 2) version = from.string()
    else if (field === 3) sizeBytes = from.int()
    else return false
    return true
  })
  return { version, sizeBytes }
}

function readEvent(from: ProtobufReader): WatchEvent {
  let deleted = false
  let current: KeyValue = { key: '', value: EMPTY, createRevision: 0, modRevision: 0, version: 0 }
  let previous: KeyValue | undefined
  fields(from, (field) => {
    if (field === 1) deleted = from.uint() === 1
    else if (field === 2) current = readKeyValue(from.message())
    else if (field === 3) previous = readKeyValue(from.message())
    else return false
    return true
  })
  return { kind: deleted ? 'delete' : 'put', current, previous }
}

export function watchAnswer(answer: Uint8Array): WatchAnswer {
  const from = new ProtobufReader(answer)
  const events: WatchEvent[] = []
  let [revision, id, created, canceled, compactRevision, cancelReason, fragment] = [0, 0, false, false, 0, '', false]
  fields(from, (field) => {
    if (field === 1) revision = readHeader(from.message())
    else if (field === 2) id = from.int()
    else if (field === 3) created = from.bool()
    else if (field === 4) canceled = from.bool()
    else if (field === 5) compactRevision = from.int()
    else if (field === 6) cancelReason = from.string()
    else if (field === 7) fragment = from.bool()
    else if (field === 11) events.push(readEvent(from.message()))
    else return false
    return true
  })
  return { revision, id, created, canceled, compactRevision, cancelReason, fragment, events }
}
