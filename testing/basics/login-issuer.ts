import { type KeyObject, createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'

export interface LoginIssuerOptions {
  /** Its address, as it calls itself. */
  readonly issuer: string
  readonly client: string
  readonly clientSecret: string
  /** Where it sends people back to, and nowhere else. */
  readonly redirectUris: readonly string[]
  readonly now?: () => number
}

export interface IssuerReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

interface Code {
  readonly parameters: URLSearchParams
  readonly claims: Readonly<Record<string, unknown>>
}

interface SigningKey {
  readonly alg: 'RS256' | 'ES256'
  readonly kid: string
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

/** An issuer of OpenID Connect as the specification has it: codes are good once and with their verifier, refresh tokens once, tokens are signed with real keys. */
export class LoginIssuer {
  readonly #options: LoginIssuerOptions
  readonly #codes = new Map<string, Code>()
  /** By refresh token. */
  readonly #sessions = new Map<string, Readonly<Record<string, unknown>>>()
  readonly #accessTokens = new Map<string, Readonly<Record<string, unknown>>>()
  #keys: readonly SigningKey[] = [newKey('ES256', 'first')]
  /** Who sits before it, and is let in without a question. */
  user: Readonly<Record<string, unknown>> = { sub: 'ann' }
  /** Of what it asserts, for what an issuer should not. */
  more: Readonly<Record<string, unknown>> = {}
  metadata: Readonly<Record<string, unknown>> = {}
  /** Of what it answers to who asks for more. */
  info: Readonly<Record<string, unknown>> = {}
  /** Its tokens say nothing of people but who they are: who wants more has to ask. */
  isTerse = false
  /** It answers nothing but 500. */
  isDown = false
  /** What clients asked of it, by path. */
  readonly asked: string[] = []

  constructor(options: LoginIssuerOptions) {
    this.#options = options
  }

  /** The newest one signs. */
  rotate(alg: SigningKey['alg'], kid: string): void {
    this.#keys = [newKey(alg, kid)]
  }

  /** Nobody is known any more. */
  forgetAll(): void {
    this.#sessions.clear()
  }

  answer(method: string, url: string, headers: Readonly<Record<string, string | undefined>> = {}, body = ''): IssuerReply {
    const { pathname, searchParams } = new URL(url, this.#options.issuer)
    this.asked.push(pathname)
    if (this.isDown) return reply(500, { error: 'server_error' })
    switch (`${method} ${pathname}`) {
      case 'GET /.well-known/openid-configuration':
        return reply(200, this.#document())
      case 'GET /keys':
        return reply(200, {
          keys: this.#keys.map(({ kid, alg, publicKey }) => ({ ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' })),
        })
      case 'GET /authorize':
        return this.#authorize(searchParams)
      case 'GET /userinfo': {
        const claims = this.#accessTokens.get(headers['authorization'] ?? '')
        return claims === undefined ? reply(401, {}) : reply(200, { ...claims, ...this.info })
      }
      case 'POST /token':
        return this.#token(headers['authorization'], new URLSearchParams(body))
      default:
        return reply(404, {})
    }
  }

  #document(): object {
    const { issuer } = this.#options
    const at = (path: string): string => new URL(path, issuer).href
    return {
      issuer,
      authorization_endpoint: at('/authorize'),
      token_endpoint: at('/token'),
      jwks_uri: at('/keys'),
      end_session_endpoint: at('/end'),
      userinfo_endpoint: at('/userinfo'),
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      ...this.metadata,
    }
  }

  #authorize(parameters: URLSearchParams): IssuerReply {
    const of = (name: string): string => parameters.get(name) ?? ''
    const { client, redirectUris, issuer } = this.#options
    if (of('client_id') !== client || !redirectUris.includes(of('redirect_uri'))) return reply(400, { error: 'invalid_request' })
    const back = new URL(of('redirect_uri'))
    back.searchParams.set('state', of('state'))
    back.searchParams.set('iss', issuer)
    const isAsked =
      of('response_type') === 'code' &&
      of('code_challenge_method') === 'S256' &&
      /^[\w-]{43}$/.test(of('code_challenge')) &&
      of('nonce') !== ''
    if (!isAsked || !of('scope').split(' ').includes('openid')) back.searchParams.set('error', 'invalid_request')
    else {
      const code = randomBytes(16).toString('hex')
      this.#codes.set(code, { parameters, claims: this.user })
      back.searchParams.set('code', code)
    }
    return { status: 302, headers: { location: back.href }, body: '' }
  }

  #token(authorization: string | undefined, form: URLSearchParams): IssuerReply {
    const { client, clientSecret } = this.#options
    const of = (name: string): string => form.get(name) ?? ''
    const encoded = [client, clientSecret].map((one) => new URLSearchParams({ x: one }).toString().slice(2)).join(':')
    if (authorization !== `Basic ${Buffer.from(encoded).toString('base64')}`) return reply(401, { error: 'invalid_client' })
    if (of('grant_type') === 'refresh_token') {
      const claims = this.#sessions.get(of('refresh_token'))
      this.#sessions.delete(of('refresh_token'))
      return claims === undefined ? reply(400, { error: 'invalid_grant' }) : this.#grant({ ...claims, ...this.user }, undefined)
    }
    const code = this.#codes.get(of('code'))
    this.#codes.delete(of('code'))
    const challenge = createHash('sha256').update(of('code_verifier')).digest('base64url')
    const isGood =
      code !== undefined &&
      code.parameters.get('code_challenge') === challenge &&
      code.parameters.get('redirect_uri') === of('redirect_uri') &&
      of('grant_type') === 'authorization_code'
    return isGood ? this.#grant(code.claims, code.parameters.get('nonce') ?? undefined) : reply(400, { error: 'invalid_grant' })
  }

  #grant(claims: Readonly<Record<string, unknown>>, nonce: string | undefined): IssuerReply {
    const [refreshToken, accessToken] = [randomBytes(16).toString('hex'), randomBytes(16).toString('hex')]
    this.#sessions.set(refreshToken, claims)
    this.#accessTokens.set(`Bearer ${accessToken}`, claims)
    const said = this.isTerse ? { sub: claims['sub'] } : claims
    return reply(200, {
      access_token: accessToken,
      token_type: 'Bearer',
      id_token: this.idToken({ ...said, ...(nonce === undefined ? {} : { nonce }) }),
      refresh_token: refreshToken,
    })
  }

  idToken(claims: Readonly<Record<string, unknown>>): string {
    const [key] = this.#keys
    if (key === undefined) throw new Error('it has no key')
    const seconds = Math.floor((this.#options.now?.() ?? Date.now()) / 1000)
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const said = { iss: this.#options.issuer, aud: this.#options.client, iat: seconds, exp: seconds + 300, ...claims, ...this.more }
    const text = `${part({ alg: key.alg, kid: key.kid })}.${part(said)}`
    return `${text}.${sign('sha256', Buffer.from(text), { key: key.privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
  }
}

const reply = (status: number, body: object): IssuerReply => ({
  status,
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  body: JSON.stringify(body),
})

function newKey(alg: SigningKey['alg'], kid: string): SigningKey {
  return {
    alg,
    kid,
    ...(alg === 'RS256' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ec', { namedCurve: 'P-256' })),
  }
}
