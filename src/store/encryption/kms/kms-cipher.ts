import { createCipheriv, createDecipheriv, createHash, createHmac } from 'node:crypto'
import { type Scope, SampanError, type Timer, messageOf, rfc3339 } from '#base'
import { CannotDecrypt, type Cipher, aesGcm } from '../ciphers.ts'
import { decodeEnvelope, encodeEnvelope, keyIdProblem, SECRET_USE, type SecretUse, wrappedProblem } from './envelope.ts'
import { type KmsEndpoint, KmsPlugin, type WrappedSecret } from './plugin.ts'

/** The key service has not been well for so long that nothing more is written under its last key. */
export class KeyServiceGone extends SampanError {
  readonly code = 'KEY_SERVICE_GONE'
}

export interface KmsProvider extends KmsEndpoint {
  readonly name: string
}

const ASK_EVERY_MS = 60_000
const ASK_AGAIN_AFTER_MS = 10_000
/** A key is good for writing for this long after the service has last named it: whoever changes keys knows when the old one is out of use. */
const WRITE_WITHIN_MS = 180_000
const HEALTH_GOOD_FOR_MS = 20_000
const HEALTH_BAD_FOR_MS = 3_000
const SEED_BYTES = 32
const INFO_BYTES = 32
/** Of several servers and of all their starts since values were last written anew. */
const MOST_SECRETS = 10_000

interface Writer {
  readonly seed: Uint8Array
  readonly secret: WrappedSecret
  readonly goodUntilMs: number
}

type Opener = (sealed: Uint8Array, place: string) => Uint8Array

/**
 * Values sealed by secrets of this server, which only the key service can unwrap: its key never leaves it. One secret serves all values that
 * are written until the service names another key; each value has a key of its own, derived from the secret.
 */
export class KmsCipher implements Cipher {
  readonly prefix: string
  readonly name: string
  readonly #scope: Scope
  readonly #plugin: KmsPlugin
  readonly #openers = new Map<string, Opener | Promise<Opener>>()
  #writer: Writer | undefined
  #version: string | undefined
  #health: { readonly problem: string | undefined; readonly atMs: number } | undefined
  #asking: Promise<string | undefined> | undefined
  #timer: Timer | undefined

  private constructor(scope: Scope, provider: KmsProvider) {
    this.#scope = scope
    this.name = provider.name
    this.prefix = `k8s:enc:kms:v2:${provider.name}:`
    this.#plugin = new KmsPlugin(scope, provider)
  }

  /** Resolves when the service has given a first key, however long that takes: without it nothing can be read or written. Lives as long as the scope. */
  static async start(scope: Scope, provider: KmsProvider): Promise<KmsCipher> {
    const cipher = new KmsCipher(scope, provider)
    for (;;) {
      const problem = await cipher.#ask()
      if (problem === undefined || cipher.#writer !== undefined) break
      scope.log.warn('waiting for the key service', { name: provider.name, problem })
      await scope.sleep(HEALTH_BAD_FOR_MS)
    }
    cipher.#askAgainAfter(ASK_EVERY_MS)
    scope.signal.addEventListener('abort', () => cipher.#timer?.cancel(), { once: true })
    return cipher
  }

  seal(value: Uint8Array, place: string): Uint8Array {
    const writer = this.#writer
    const nowMs = this.#scope.clock.now()
    if (writer === undefined) throw new KeyServiceGone(`the key service ${this.name} has never answered`)
    if (nowMs > writer.goodUntilMs) {
      const [expired, now] = [rfc3339(writer.goodUntilMs), rfc3339(nowMs)]
      throw new KeyServiceGone(
        `encryptedDEKSource with keyID hash ${hashOf(writer.secret.keyId)} expired at ${expired} (current time is ${now})`,
      )
    }
    const info = this.#scope.random.bytes(INFO_BYTES)
    const nonce = this.#scope.random.bytes(12)
    const sealer = createCipheriv('aes-256-gcm', derivedKey(writer.seed, info), nonce).setAAD(Buffer.from(place))
    const sealed = Buffer.concat([info, nonce, sealer.update(value), sealer.final(), sealer.getAuthTag()])
    return encodeEnvelope({ sealed, secret: writer.secret, use: SECRET_USE.seed })
  }

  /** At once for what was sealed with a secret that is known. */
  open(stored: Uint8Array, place: string): Uint8Array | Promise<Uint8Array> {
    const { sealed, secret, use } = this.#envelope(stored, place)
    const id = idOf(secret, use)
    let opener = this.#openers.get(id)
    if (opener === undefined) {
      opener = this.#unwrap(id, secret, use)
      this.#openers.set(id, opener)
    }
    return opener instanceof Promise ? opener.then((open) => open(sealed, place)) : opener(sealed, place)
  }

  isCurrent(stored: Uint8Array): boolean {
    const { secret, use } = this.#envelope(stored, '')
    return use === SECRET_USE.seed && secret.keyId === this.#writer?.secret.keyId
  }

  /** Throws what is wrong with the service. Asks it, unless that has just been done. */
  async check(): Promise<void> {
    const health = this.#health
    const nowMs = this.#scope.clock.monotonic()
    const isNew = health !== undefined && nowMs - health.atMs < (health.problem === undefined ? HEALTH_GOOD_FOR_MS : HEALTH_BAD_FOR_MS)
    const problem = isNew ? health.problem : await this.#ask()
    if (problem !== undefined) throw new Error(problem)
  }

  #envelope(stored: Uint8Array, place: string): ReturnType<typeof decodeEnvelope> {
    try {
      return decodeEnvelope(stored)
    } catch (cause) {
      throw new CannotDecrypt(`the value of ${place} is no envelope of a key service: ${messageOf(cause)}`, { cause })
    }
  }

  async #unwrap(id: string, secret: WrappedSecret, use: SecretUse): Promise<Opener> {
    try {
      const opener = openerOf(this.#scope, await this.#plugin.decrypt(secret), use)
      this.#keep(id, opener)
      return opener
    } catch (cause) {
      this.#openers.delete(id)
      throw new CannotDecrypt(`failed to decrypt DEK, error: ${messageOf(cause)}`, { cause })
    }
  }

  #keep(id: string, opener: Opener): void {
    this.#openers.delete(id)
    this.#openers.set(id, opener)
    const [oldest] = this.#openers.keys()
    if (this.#openers.size > MOST_SECRETS && oldest !== undefined) this.#openers.delete(oldest)
  }

  #askAgainAfter(delayMs: number): void {
    const ask = (): void =>
      void this.#ask().then((problem) => {
        if (problem !== undefined) this.#scope.log.warn('the key service is not well', { name: this.name, problem })
        if (!this.#scope.signal.aborted) this.#askAgainAfter(problem === undefined ? ASK_EVERY_MS : ASK_AGAIN_AFTER_MS)
      })
    this.#timer = this.#scope.clock.after(delayMs, ask, { background: true })
  }

  /** How the service is, and takes over the key that it names. One question at a time. Never rejects: the answer is what is wrong. */
  #ask(): Promise<string | undefined> {
    this.#asking ??= this.#askOnce().then((problem) => {
      this.#health = { problem, atMs: this.#scope.clock.monotonic() }
      this.#asking = undefined
      return problem
    })
    return this.#asking
  }

  async #askOnce(): Promise<string | undefined> {
    const askedAtMs = this.#scope.clock.now()
    let status: Awaited<ReturnType<KmsPlugin['status']>>
    try {
      status = await this.#plugin.status()
    } catch (error) {
      return `failed to perform status section of the healthz check for KMS Provider ${this.name}, error: ${messageOf(error)}`
    }
    const problems: string[] = []
    if (status.healthz !== 'ok') problems.push(`got unexpected healthz status: ${status.healthz}`)
    if (status.version !== 'v2' && status.version !== 'v2beta1') problems.push(`expected KMSv2 API version v2, got ${status.version}`)
    else if ((this.#version ??= status.version) !== status.version)
      problems.push(`KMSv2 API version should not change after the initial status response version ${this.#version}, got ${status.version}`)
    const ofKey = keyIdProblem(status.keyId)
    if (ofKey === undefined) {
      const ofChange = await this.#use(status.keyId, askedAtMs)
      if (ofChange !== undefined) problems.push(ofChange)
    } else problems.push(`got invalid KMSv2 KeyID hash ${hashOf(status.keyId)}: ${ofKey}`)
    if (problems.length === 0) return undefined
    const all = problems.length === 1 ? problems[0] : `[${problems.join(', ')}]`
    return `kmsv2 Provider ${this.name} is not healthy, error: ${all}`
  }

  /** Writes under this key from now on. While that cannot be had, the one before goes on being used. */
  async #use(keyId: string, askedAtMs: number): Promise<string | undefined> {
    const goodUntilMs = askedAtMs + WRITE_WITHIN_MS
    const before = this.#writer
    if (before !== undefined && before.secret.keyId === keyId) {
      this.#writer = { ...before, goodUntilMs }
      return undefined
    }
    let problem: string | undefined
    try {
      const seed = this.#scope.random.bytes(SEED_BYTES)
      const secret = await this.#plugin.encrypt(seed)
      problem = wrappedProblem(secret) ?? (secret.keyId === keyId ? undefined : `it was wrapped by the key ${hashOf(secret.keyId)}`)
      if (problem === undefined) {
        this.#writer = { seed, secret, goodUntilMs }
        this.#keep(idOf(secret, SECRET_USE.seed), openerOf(this.#scope, seed, SECRET_USE.seed))
        this.#scope.log.info('values are kept under a new key of the key service', { name: this.name, keyIdHash: hashOf(keyId) })
        return undefined
      }
    } catch (error) {
      problem = `failed to encrypt DEK, error: ${messageOf(error)}`
    }
    return `failed to rotate DEK: ${problem}, statusKeyIDHash=${hashOf(keyId)}, stateKeyIDHash=${hashOf(before?.secret.keyId ?? '')}`
  }
}

function openerOf({ random }: Scope, secret: Uint8Array, use: SecretUse): Opener {
  if (use === SECRET_USE.key) {
    return aesGcm({ name: '', secret }, (count) => random.bytes(count)).open
  }
  if (secret.length < SEED_BYTES) throw new Error(`invalid seed length ${secret.length} used for key generation`)
  return (sealed, place) => openDerived(secret, sealed, place)
}

function openDerived(seed: Uint8Array, sealed: Uint8Array, place: string): Uint8Array {
  const end = sealed.length - 16
  const start = INFO_BYTES + 12
  if (end < start) throw new CannotDecrypt(`the value of ${place} is too short`)
  const key = derivedKey(seed, sealed.subarray(0, INFO_BYTES))
  const opener = createDecipheriv('aes-256-gcm', key, sealed.subarray(INFO_BYTES, start)).setAAD(Buffer.from(place))
  opener.setAuthTag(sealed.subarray(end))
  try {
    return Buffer.concat([opener.update(sealed.subarray(start, end)), opener.final()])
  } catch (cause) {
    throw new CannotDecrypt(`the value of ${place} cannot be opened with the key that it names`, { cause })
  }
}

/** The expanding half of HKDF with SHA-256, one block of it: the seed is as good as random. */
const derivedKey = (seed: Uint8Array, info: Uint8Array): Uint8Array => createHmac('sha256', seed).update(info).update(Buffer.of(1)).digest()

/** The names of keys are not for logs. */
const hashOf = (keyId: string): string => (keyId === '' ? '""' : `"sha256:${createHash('sha256').update(keyId).digest('hex')}"`)

function idOf({ ciphertext, keyId, annotations }: WrappedSecret, use: SecretUse): string {
  const hash = createHash('sha256')
  const add = (part: Uint8Array): void => void hash.update(Uint32Array.of(part.length)).update(part)
  add(Uint8Array.of(use))
  add(ciphertext)
  add(Buffer.from(keyId))
  for (const name of Object.keys(annotations).sort()) {
    add(Buffer.from(name))
    add(annotations[name] as Uint8Array)
  }
  return hash.digest('base64')
}
