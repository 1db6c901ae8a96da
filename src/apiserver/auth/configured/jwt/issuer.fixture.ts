import { type KeyObject, createSign, generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { type Scope, createAuthority, issueLeaf } from '#base'

const DAY_MS = 86_400_000

export interface TestIssuer {
  readonly url: string
  /** PEM. */
  readonly authority: string
  /** What was asked for, in order. */
  readonly asked: string[]
  /** Other answers, by their paths. */
  readonly answers: Map<string, { readonly status?: number; readonly location?: string; readonly body: string }>
  /** Signs with a new key from now on, and serves that one alone. */
  rotate(): void
  token(claims: Readonly<Record<string, unknown>>, header?: Readonly<Record<string, unknown>>): string
}

/** An OpenID Connect issuer over HTTPS on this machine: discovery, keys, tokens by RS256. */
export async function testIssuer(t: TestContext, scope: Scope): Promise<TestIssuer> {
  const authority = await createAuthority(scope, 'issuer', DAY_MS)
  const leaf = await issueLeaf(scope, authority, {
    subject: { commonName: 'localhost' },
    usages: ['serverAuth'],
    names: ['localhost', '127.0.0.1'],
    lifetimeMs: DAY_MS,
  })
  const asked: string[] = []
  const answers: TestIssuer['answers'] = new Map()
  let generation = 0
  let key: { readonly privateKey: KeyObject; readonly publicKey: KeyObject }
  const server = createServer({ cert: leaf.certificate, key: leaf.key }, (request, response) => {
    const path = request.url ?? ''
    asked.push(path)
    const { status = 404, location, body } = answers.get(path) ?? { body: '' }
    response.writeHead(answers.has(path) ? status : 404, location === undefined ? {} : { location })
    response.end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  const rotate = (): void => {
    generation++
    key = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const jwk = { ...key.publicKey.export({ format: 'jwk' }), kid: `k${generation}`, use: 'sig', alg: 'RS256' }
    answers.set('/keys', { status: 200, body: JSON.stringify({ keys: [jwk] }) })
  }
  rotate()
  answers.set('/.well-known/openid-configuration', { status: 200, body: JSON.stringify({ issuer: url, jwks_uri: `${url}/keys` }) })
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return {
    url,
    authority: authority.certificate,
    asked,
    answers,
    rotate,
    token(claims, header = {}) {
      const signed = `${encode({ alg: 'RS256', kid: `k${generation}`, ...header })}.${encode({ iss: url, ...claims })}`
      return `${signed}.${createSign('RSA-SHA256').update(signed).sign(key.privateKey).toString('base64url')}`
    },
  }
}
