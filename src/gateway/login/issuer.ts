import type { Scope } from '#base'
import type { Ask, AskOptions, IssuerAnswer } from '../tokens/ask-issuer.ts'
import { type ReadToken, type Said, readToken, saidOf } from '../tokens/check-token.ts'
import { ALGORITHMS, type KeySet, fieldsOf, readKeySet } from '../tokens/key-set.ts'
import { type Door, addressProblem } from './login-rules.ts'

/** By how much clocks may differ. */
const LEEWAY_SECONDS = 60
const FRESH_MS = 60_000
const KEYS_BETWEEN_MS = 10_000
/** An issuer that does not answer is not asked again for each of those who want to log in. */
const FAILED_MS = 2000

/** What the gateway shows the issuer. */
export interface Credentials {
  readonly clientSecret: string
  /** Instead of the authorities of the machine. */
  readonly ca: string | undefined
}

/** The issuer does not answer, or not as an issuer does. `message` may be shown to who runs the gateway. */
export class IssuerDown extends Error {}
/** The issuer does not take what was shown to it. */
export class NotTaken extends Error {}

export interface Metadata {
  readonly authorization: string
  readonly token: string
  readonly keys: string
  readonly endSession: string | undefined
  /** Where it says more of people than in their tokens. */
  readonly userinfo: string | undefined
  readonly isSecretInForm: boolean
  /** Whether it says who it is when it sends people back. */
  readonly saysIssuer: boolean
}

export interface Granted {
  readonly said: Said | undefined
  readonly refreshToken: string | undefined
}

/** One issuer, as one client of its sees it. Everything is asked for when somebody wants to log in, and kept for a while. */
export class Issuer {
  readonly #door: Door
  readonly #credentials: Credentials
  readonly #ask: Ask
  readonly #metadata: Kept<Metadata>
  readonly #keys: Kept<KeySet>

  constructor(door: Door, credentials: Credentials, ask: Ask) {
    this.#door = door
    this.#credentials = credentials
    this.#ask = ask
    this.#metadata = new Kept(async (scope) =>
      readMetadata(await this.#text(scope, `${door.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`), door.issuer),
    )
    this.#keys = new Kept(async (scope) => {
      const read = readKeySet(await this.#text(scope, (await this.metadata(scope)).keys))
      if ('problem' in read) throw new IssuerDown(`its keys cannot be used: ${read.problem}`)
      return read
    })
  }

  /** Rejects with `IssuerDown`. */
  metadata(scope: Scope): Promise<Metadata> {
    return this.#metadata.get(scope, FRESH_MS)
  }

  /**
   * What the issuer says of who has brought this code, or shown what he got before: all of these claims that it knows. Rejects with `IssuerDown` or
   * `NotTaken`.
   */
  async grant(scope: Scope, form: Readonly<Record<string, string>>, claims: ReadonlySet<string>): Promise<Granted> {
    const { client } = this.#door
    const { token, isSecretInForm, userinfo } = await this.metadata(scope)
    const { clientSecret, ca } = this.#credentials
    const { status, text } = await this.#asked(scope, token, {
      ca,
      form: new URLSearchParams({ ...form, ...(isSecretInForm ? { client_id: client, client_secret: clientSecret } : {}) }),
      ...(isSecretInForm
        ? {}
        : { authorization: `Basic ${Buffer.from(`${encoded(client)}:${encoded(clientSecret)}`).toString('base64')}` }),
    })
    const answer = jsonOf(text)
    if (status !== 200) {
      const { error } = answer
      if (error === 'invalid_grant') throw new NotTaken('invalid_grant')
      throw new IssuerDown(`it answers ${status}${typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? ` ${error}` : ''}`)
    }
    const { id_token: idToken, refresh_token: refreshToken, access_token: accessToken } = answer
    const said = typeof idToken === 'string' ? await this.#read(scope, idToken) : undefined
    const isWhole = said === undefined || [...claims].every((claim) => saidOf(said, claim) !== undefined)
    return {
      said: isWhole || userinfo === undefined ? said : { ...(await this.#moreOf(scope, said, userinfo, accessToken)), ...said },
      refreshToken: typeof refreshToken === 'string' && refreshToken !== '' ? refreshToken : undefined,
    }
  }

  async #read(scope: Scope, idToken: string): Promise<Said> {
    const { issuer, client } = this.#door
    const rules = { issuer, audiences: [client], algorithms: ALGORITHMS, leewaySeconds: LEEWAY_SECONDS }
    const read = (keys: KeySet): ReadToken => readToken(idToken, rules, keys, scope.clock.now())
    let token = read(await this.#keys.get(scope, FRESH_MS * 5))
    if (token.kind === 'unknown-key') token = read(await this.#keys.get(scope, KEYS_BETWEEN_MS))
    if (token.kind !== 'read')
      throw new IssuerDown(`its token is not good: ${token.kind === 'refused' ? token.why : 'nobody knows its key'}`)
    const [audience, authorized] = [saidOf(token.said, 'aud'), saidOf(token.said, 'azp')]
    const isForOthers = Array.isArray(audience) && audience.length > 1 && authorized === undefined
    if (isForOthers || (authorized !== undefined && authorized !== client))
      throw new IssuerDown('its token is not good: it is for somebody else')
    return token.said
  }

  /** What it says besides of the same person. */
  async #moreOf(scope: Scope, said: Said, userinfo: string, accessToken: unknown): Promise<Said> {
    if (typeof accessToken !== 'string' || !/^[\x21-\x7e]{1,8192}$/.test(accessToken)) return {}
    const { status, text } = await this.#asked(scope, userinfo, { ca: this.#credentials.ca, authorization: `Bearer ${accessToken}` })
    const more = status === 200 ? jsonOf(text) : {}
    const subject = saidOf(said, 'sub')
    return subject !== undefined && saidOf(more, 'sub') === subject ? more : {}
  }

  async #text(scope: Scope, uri: string): Promise<string> {
    const { status, text } = await this.#asked(scope, uri, { ca: this.#credentials.ca })
    if (status !== 200) throw new IssuerDown(`${uri} answers ${status}`)
    return text
  }

  async #asked(scope: Scope, uri: string, options: AskOptions): Promise<IssuerAnswer> {
    try {
      return await this.#ask(scope, uri, options)
    } catch (error) {
      throw new IssuerDown(error instanceof Error ? error.message : 'it cannot be reached')
    }
  }
}

/** One value that is asked for again when it is old, by one at a time. */
class Kept<T> {
  readonly #read: (scope: Scope) => Promise<T>
  #value: { readonly value: T; readonly atMs: number } | undefined
  #failed: { readonly error: unknown; readonly atMs: number } | undefined
  #reading: Promise<T> | undefined

  constructor(read: (scope: Scope) => Promise<T>) {
    this.#read = read
  }

  async get(scope: Scope, freshMs: number): Promise<T> {
    const nowMs = scope.clock.monotonic()
    if (this.#value !== undefined && nowMs - this.#value.atMs < freshMs) return this.#value.value
    if (this.#reading === undefined && this.#failed !== undefined && nowMs - this.#failed.atMs < FAILED_MS) throw this.#failed.error
    this.#reading ??= this.#read(scope)
      .then(
        (value) => {
          this.#value = { value, atMs: nowMs }
          this.#failed = undefined
          return value
        },
        (error: unknown) => {
          this.#failed = { error, atMs: nowMs }
          throw error
        },
      )
      .finally(() => (this.#reading = undefined))
    return this.#reading
  }
}

/** Throws `IssuerDown` for what is no document of this issuer. */
export function readMetadata(text: string, issuer: string): Metadata {
  const document = jsonOf(text)
  if (document['issuer'] !== issuer) throw new IssuerDown('its document is of another issuer')
  const addressOf = (name: string): string => {
    const value = document[name]
    if (typeof value !== 'string' || addressProblem(value) !== undefined) throw new IssuerDown(`its ${name} is no address of https`)
    return value
  }
  const listOf = (name: string, usual: readonly string[]): readonly unknown[] => {
    const value = document[name]
    return Array.isArray(value) ? value : usual
  }
  const addressIfSaid = (name: string): string | undefined => (document[name] === undefined ? undefined : addressOf(name))
  const authorization = addressOf('authorization_endpoint')
  if (!listOf('response_types_supported', ['code']).includes('code')) throw new IssuerDown('it gives no codes')
  if (!listOf('code_challenge_methods_supported', ['S256']).includes('S256')) throw new IssuerDown('it knows no PKCE with S256')
  const methods = listOf('token_endpoint_auth_methods_supported', ['client_secret_basic'])
  const isSecretInForm = !methods.includes('client_secret_basic')
  if (isSecretInForm && !methods.includes('client_secret_post')) throw new IssuerDown('it takes no secret of a client')
  return {
    authorization,
    token: addressOf('token_endpoint'),
    keys: addressOf('jwks_uri'),
    endSession: addressIfSaid('end_session_endpoint'),
    userinfo: addressIfSaid('userinfo_endpoint'),
    isSecretInForm,
    saysIssuer: document['authorization_response_iss_parameter_supported'] === true,
  }
}

/** As forms have it. */
const encoded = (text: string): string => new URLSearchParams({ x: text }).toString().slice(2)

function jsonOf(text: string): Readonly<Record<string, unknown>> {
  try {
    return fieldsOf(JSON.parse(text))
  } catch {
    return {}
  }
}
