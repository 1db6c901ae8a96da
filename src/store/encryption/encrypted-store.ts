import type { Scope } from '#base'
import type { Engine, KeyValue, Operation, RangeResult } from '../engine.ts'
import { MappedStore } from '../mapped-store.ts'
import { CannotDecrypt, type Cipher } from './ciphers.ts'
import { type TransformationMeter, metered } from './transformations.ts'

/** Which values are kept how: the first cipher writes, all of them read. */
export interface EncryptionRule {
  /** Keys under one of these prefixes, each ending in a slash. */
  readonly prefixes: readonly string[]
  readonly ciphers: readonly [Cipher, ...Cipher[]]
}

const MARK = Buffer.from('k8s:enc:')
const PAGE = 500

/** A store whose values lie encrypted in the one below. Keys, revisions and everything else are as they are there. */
export class EncryptedStore extends MappedStore {
  #rules: readonly EncryptionRule[]
  /** Rules of before, which open what is left of their time. */
  #former: readonly EncryptionRule[] = []
  readonly #meter: TransformationMeter | undefined

  constructor(engine: Engine, rules: readonly EncryptionRule[], meter?: TransformationMeter) {
    super(engine)
    this.#rules = rules
    this.#meter = meter
  }

  /**
   * Goes over to other rules while it is in use. Rejects, and changes nothing, when there is a value that they cannot open. The rules of before
   * open what is older than that, in the history, until `forget`.
   */
  async replace(scope: Scope, rules: readonly EncryptionRule[]): Promise<void> {
    await new EncryptedStore(this.engine, rules).#checkAll(
      scope,
      [...this.#rules, ...rules].flatMap(({ prefixes }) => prefixes),
    )
    this.#former = this.#rules
    this.#rules = rules
  }

  forget(): void {
    this.#former = []
  }

  /** Opens every value under the prefixes. Rejects with `CannotDecrypt` that names the first one that no key opens. */
  async #checkAll(scope: Scope, prefixes: readonly string[]): Promise<void> {
    for (const prefix of new Set(prefixes))
      for (let after: string | undefined = undefined; ; ) {
        const page: RangeResult = await this.engine.range({ prefix, limit: PAGE, ...(after === undefined ? {} : { after }) })
        for (const { key, value } of page.items) {
          scope.check()
          const ciphers = ciphersOf(this.#rules, key)
          if (ciphers !== undefined) await this.#open(ciphers, key, value)
          else if (startsWith(value, MARK)) throw new CannotDecrypt(`no key is configured for the value of ${key}`)
        }
        after = page.items.at(-1)?.key
        if (!page.more || after === undefined) break
      }
  }

  /**
   * Writes anew what is not kept as it would be written today: after a new key has come first, or encryption has been switched on or off.
   * What somebody else writes meanwhile is newer and stays. Resolves with the number of values.
   */
  async renew(scope: Scope): Promise<number> {
    let count = 0
    for (const { prefixes, ciphers } of this.#rules)
      for (const prefix of prefixes) {
        const { items } = await this.engine.range({ prefix })
        for (const { key, value, modRevision, lease } of items) {
          scope.check()
          if (isCurrent(ciphers, value)) continue
          const plain = await this.#open(ciphers, key, value)
          const put = { kind: 'put', key, value: plain, ...(lease === undefined ? {} : { lease }) } as const
          const { succeeded } = await this.commit({ compare: [{ key, modRevision }], operations: [put] })
          if (succeeded) count++
        }
      }
    return count
  }

  protected override written(operation: Operation): Operation {
    if (operation.kind !== 'put') return operation
    const writer = ciphersOf(this.#rules, operation.key)?.[0]
    if (writer === undefined || writer.prefix === '') return operation
    const sealed = metered(this.#meter, 'to_storage', operation.key, writer, () => writer.seal(operation.value, operation.key))
    return { ...operation, value: Buffer.concat([Buffer.from(writer.prefix), sealed]) }
  }

  protected override shown(found: KeyValue): KeyValue | Promise<KeyValue> {
    const ciphers = ciphersOf(this.#rules, found.key) ?? ciphersOf(this.#former, found.key)
    if (ciphers === undefined || found.value.length === 0) return found
    const opened = this.#open(ciphers, found.key, found.value)
    return opened instanceof Promise ? opened.then((value) => ({ ...found, value })) : { ...found, value: opened }
  }

  #open(ciphers: readonly Cipher[], key: string, value: Uint8Array): Uint8Array | Promise<Uint8Array> {
    const cipher = cipherOf(ciphers, value) ?? cipherOf(ciphersOf(this.#former, key) ?? [], value)
    if (cipher === undefined) throw new CannotDecrypt(`no key is configured for the value of ${key}`)
    if (cipher.prefix === '') return cipher.open(value, key)
    return metered(this.#meter, 'from_storage', key, cipher, () => cipher.open(value.subarray(cipher.prefix.length), key))
  }
}

function ciphersOf(rules: readonly EncryptionRule[], key: string): EncryptionRule['ciphers'] | undefined {
  for (const { prefixes, ciphers } of rules) for (const prefix of prefixes) if (key.startsWith(prefix)) return ciphers
  return undefined
}

function isCurrent(ciphers: readonly [Cipher, ...Cipher[]], value: Uint8Array): boolean {
  const [writer] = ciphers
  return cipherOf(ciphers, value) === writer && (writer.isCurrent?.(value.subarray(writer.prefix.length)) ?? true)
}

/** The cipher that a value was written with; undefined for one that is not configured. */
function cipherOf(ciphers: readonly Cipher[], value: Uint8Array): Cipher | undefined {
  if (!startsWith(value, MARK)) return ciphers.find(({ prefix }) => prefix === '')
  return ciphers.find(({ prefix }) => prefix !== '' && startsWith(value, Buffer.from(prefix)))
}

const startsWith = (bytes: Uint8Array, start: Uint8Array): boolean =>
  bytes.length >= start.length && Buffer.compare(bytes.subarray(0, start.length), start) === 0
