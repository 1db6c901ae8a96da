import { type Scope, messageOf } from '#base'
import { ServerCaller } from '../../../remote/server-caller.ts'
import { InvalidToken } from '../../authenticate/bearer.ts'
import type { IssuerRules } from './issuer-rules.ts'
import type { SigningKeys } from './jose.ts'

export type Verdict = 'good' | 'wrong' | 'unknown-key'

const MOST_BYTES = 1_000_000
const TIMEOUT_MS = 10_000
/** A server that does not answer, and keys that nobody knows, are not asked for more often. */
const LEAST_BETWEEN_MS = 10_000
/** Keys that their issuer has taken back are not believed for longer. */
const LIFE_MS = 600_000

/**
 * The signing keys of one issuer: found by its discovery document with the first token, read again when a token names a key that is not
 * among them, and from time to time. What is under way is waited for, not asked again.
 */
export class IssuerKeys {
  readonly #scope: Scope
  readonly #rules: IssuerRules
  readonly #caller: ServerCaller
  #keys: SigningKeys | undefined
  #reading: Promise<void> | undefined
  #askedAt = -Infinity
  #readAt = -Infinity
  #trouble = ''

  constructor(scope: Scope, rules: IssuerRules) {
    this.#scope = scope
    this.#rules = rules
    const ca = rules.certificateAuthority
    this.#caller = new ServerCaller(scope, ca === undefined ? {} : { ca })
  }

  /** Throws `InvalidToken` when no keys are to be had. */
  async check(token: string): Promise<Verdict> {
    const now = this.#scope.clock.monotonic()
    const reading = this.#keys === undefined || now - this.#readAt > LIFE_MS ? this.#read() : undefined
    if (this.#keys === undefined) await reading
    const { checkSignedBy } = await import('./jose.ts')
    const verdict = await checkSignedBy(token, this.#known(), this.#rules.algorithms)
    if (verdict !== 'unknown-key') return verdict
    const again = this.#read()
    if (again === undefined) return verdict
    await again
    return checkSignedBy(token, this.#known(), this.#rules.algorithms)
  }

  #known(): SigningKeys {
    if (this.#keys === undefined) throw new InvalidToken(`oidc: authenticator not initialized: ${this.#trouble}`)
    return this.#keys
  }

  /** Never rejects. Undefined: it is not time yet. */
  #read(): Promise<void> | undefined {
    const now = this.#scope.clock.monotonic()
    if (this.#reading !== undefined) return this.#reading
    if (now - this.#askedAt < LEAST_BETWEEN_MS) return undefined
    this.#askedAt = now
    const read = this.#discover()
      .then(
        (keys) => {
          this.#keys = keys
          this.#readAt = this.#scope.clock.monotonic()
        },
        (error: unknown) => {
          this.#trouble = messageOf(error)
          this.#scope.log.warn('the keys of an issuer of tokens could not be read', { issuer: this.#rules.url, reason: this.#trouble })
        },
      )
      .finally(() => {
        this.#reading = undefined
      })
    this.#reading = read
    return read
  }

  async #discover(): Promise<SigningKeys> {
    const { url, discoveryUrl } = this.#rules
    const document = await this.#get(discoveryUrl)
    const { issuer, jwks_uri: place } = fieldsOf(document)
    if (issuer !== url) {
      const got = typeof issuer === 'string' ? issuer : ''
      throw new Error(`issuer did not match the issuer returned by provider, expected ${JSON.stringify(url)} got ${JSON.stringify(got)}`)
    }
    if (typeof place !== 'string' || !URL.canParse(place) || new URL(place).protocol !== 'https:')
      throw new Error('the discovery document has no jwks_uri with https')
    const { signingKeys } = await import('./jose.ts')
    const keys = signingKeys(await this.#get(place))
    if (keys === undefined) throw new Error(`${place} is no set of keys`)
    return keys
  }

  #get(url: string): Promise<unknown> {
    return this.#caller.call(this.#scope, { method: 'GET', url, timeoutMs: TIMEOUT_MS, mostBytes: MOST_BYTES })
  }
}

function fieldsOf(document: unknown): Readonly<Record<string, unknown>> {
  return typeof document === 'object' && document !== null ? (document as Record<string, unknown>) : {}
}
