import type { Scope } from '#base'
import type {
  CommitResult,
  Engine,
  EngineStats,
  KeyValue,
  LeaseId,
  Operation,
  RangeQuery,
  RangeResult,
  StoreEvent,
  Transaction,
  WatchCallbacks,
  WatchQuery,
} from '../engine.ts'
import { CannotDecrypt, type Cipher } from './ciphers.ts'

/** Which values are kept how: the first cipher writes, all of them read. */
export interface EncryptionRule {
  /** Keys under one of these prefixes, each ending in a slash. */
  readonly prefixes: readonly string[]
  readonly ciphers: readonly [Cipher, ...Cipher[]]
}

const MARK = Buffer.from('k8s:enc:')

/** A store whose values lie encrypted in the one below. Keys, revisions and everything else are as they are there. */
export class EncryptedStore implements Engine {
  readonly #engine: Engine
  readonly #rules: readonly EncryptionRule[]

  constructor(engine: Engine, rules: readonly EncryptionRule[]) {
    this.#engine = engine
    this.#rules = rules
  }

  get shared(): boolean {
    return this.#engine.shared
  }
  get revision(): number {
    return this.#engine.revision
  }
  get compactedRevision(): number {
    return this.#engine.compactedRevision
  }

  async commit(transaction: Transaction): Promise<CommitResult> {
    const result = await this.#engine.commit({ ...transaction, operations: transaction.operations.map((one) => this.#sealed(one)) })
    if (result.succeeded) return result
    return { ...result, otherwise: result.otherwise.map((one) => one && this.#opened(one)) }
  }

  get(key: string, atRevision?: number): KeyValue | undefined | Promise<KeyValue | undefined> {
    const found = this.#engine.get(key, atRevision)
    if (found instanceof Promise) return found.then((one) => one && this.#opened(one))
    return found && this.#opened(found)
  }

  range(query: RangeQuery): RangeResult | Promise<RangeResult> {
    const found = this.#engine.range(query)
    if (query.keysOnly) return found
    const open = (result: RangeResult): RangeResult => ({ ...result, items: result.items.map((one) => this.#opened(one)) })
    return found instanceof Promise ? found.then(open) : open(found)
  }

  watch(scope: Scope, query: WatchQuery, callbacks: WatchCallbacks): void {
    this.#engine.watch(scope, query, {
      ...callbacks,
      onEvents: (events, revision) =>
        callbacks.onEvents(
          events.map((event) => this.#openedEvent(event)),
          revision,
        ),
    })
  }

  compact(revision: number): Promise<void> {
    return this.#engine.compact(revision)
  }
  grantLease(ttlSeconds: number): Promise<LeaseId> {
    return this.#engine.grantLease(ttlSeconds)
  }
  renewLease(lease: LeaseId): Promise<void> {
    return this.#engine.renewLease(lease)
  }
  revokeLease(lease: LeaseId): Promise<void> {
    return this.#engine.revokeLease(lease)
  }
  stats(): EngineStats | Promise<EngineStats> {
    return this.#engine.stats()
  }
  close(): Promise<void> {
    return this.#engine.close()
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#engine[Symbol.asyncDispose]()
  }

  /**
   * Writes anew what is not kept as it would be written today: after a new key has come first, or encryption has been switched on or off.
   * What somebody else writes meanwhile is newer and stays. Resolves with the number of values.
   */
  async renew(scope: Scope): Promise<number> {
    let count = 0
    for (const { prefixes, ciphers } of this.#rules)
      for (const prefix of prefixes) {
        const { items } = await this.#engine.range({ prefix })
        for (const { key, value, modRevision, lease } of items) {
          scope.check()
          if (cipherOf(ciphers, value) === ciphers[0]) continue
          const plain = this.#open(ciphers, key, value)
          const put = { kind: 'put', key, value: plain, ...(lease === undefined ? {} : { lease }) } as const
          const { succeeded } = await this.commit({ compare: [{ key, modRevision }], operations: [put] })
          if (succeeded) count++
        }
      }
    return count
  }

  #ciphersOf(key: string): readonly [Cipher, ...Cipher[]] | undefined {
    for (const { prefixes, ciphers } of this.#rules) for (const prefix of prefixes) if (key.startsWith(prefix)) return ciphers
    return undefined
  }

  #sealed(operation: Operation): Operation {
    if (operation.kind !== 'put') return operation
    const writer = this.#ciphersOf(operation.key)?.[0]
    if (writer === undefined || writer.prefix === '') return operation
    const sealed = writer.seal(operation.value, operation.key)
    return { ...operation, value: Buffer.concat([Buffer.from(writer.prefix), sealed]) }
  }

  #opened(found: KeyValue): KeyValue {
    const ciphers = this.#ciphersOf(found.key)
    return ciphers === undefined || found.value.length === 0 ? found : { ...found, value: this.#open(ciphers, found.key, found.value) }
  }

  #openedEvent(event: StoreEvent): StoreEvent {
    if (this.#ciphersOf(event.key) === undefined) return event
    return {
      ...event,
      current: this.#opened(event.current),
      ...(event.previous === undefined ? {} : { previous: this.#opened(event.previous) }),
    }
  }

  #open(ciphers: readonly Cipher[], key: string, value: Uint8Array): Uint8Array {
    const cipher = cipherOf(ciphers, value)
    if (cipher === undefined) throw new CannotDecrypt(`no key is configured for the value of ${key}`)
    return cipher.open(cipher.prefix === '' ? value : value.subarray(cipher.prefix.length), key)
  }
}

/** The cipher that a value was written with; undefined for one that is not configured. */
function cipherOf(ciphers: readonly Cipher[], value: Uint8Array): Cipher | undefined {
  if (!startsWith(value, MARK)) return ciphers.find(({ prefix }) => prefix === '')
  return ciphers.find(({ prefix }) => prefix !== '' && startsWith(value, Buffer.from(prefix)))
}

const startsWith = (bytes: Uint8Array, start: Uint8Array): boolean =>
  bytes.length >= start.length && Buffer.compare(bytes.subarray(0, start.length), start) === 0
