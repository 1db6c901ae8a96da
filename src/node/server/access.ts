import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { type CertificateVerifier, type Scope, UntrustedCertificate } from '#base'
import { statusError } from '#api'
import { AccessReviews, type Caller, type Client, bearerToken } from '#client'

/** As kubelets do by default. */
const HOLD = { tokenMs: 120_000, allowedMs: 300_000, deniedMs: 30_000 }

/** Who calls, by client certificate or by asking the API about the token; and whether that is allowed, by asking the API. Answers are kept for a while. */
export class Access {
  readonly #reviews: AccessReviews
  readonly #verifier: CertificateVerifier
  readonly #nodeName: string

  constructor(client: Client, verifier: CertificateVerifier, nodeName: string) {
    this.#reviews = new AccessReviews(client, HOLD)
    this.#verifier = verifier
    this.#nodeName = nodeName
  }

  /** Throws `StatusError` 401 or 403. */
  async check(scope: Scope, request: IncomingMessage, path: string): Promise<Caller> {
    const caller = await this.#authenticate(scope, request)
    if (caller === undefined) throw statusError.unauthorized()
    const verb = VERBS[request.method ?? ''] ?? ''
    for (const subresource of subresourcesOf(path)) if (await this.#allowed(scope, caller, verb, subresource)) return caller
    const [subresource = 'proxy'] = subresourcesOf(path).toReversed()
    throw statusError.forbidden(
      { group: '', plural: `nodes/${subresource}` },
      this.#nodeName,
      `user=${caller.name}, verb=${verb}, resource=nodes, subresource(s)=[${subresourcesOf(path).join(' ')}]`,
    )
  }

  async #authenticate(scope: Scope, request: IncomingMessage): Promise<Caller | undefined> {
    const certificate = (request.socket as TLSSocket).getPeerX509Certificate?.()
    if (certificate !== undefined) {
      try {
        const { subject } = this.#verifier.verify(certificate.raw, scope.clock.now())
        return { name: subject.commonName, uid: '', groups: [...(subject.organizations ?? []), 'system:authenticated'], extra: {} }
      } catch (error) {
        if (!(error instanceof UntrustedCertificate)) throw error
      }
    }
    const token = bearerToken(request.headers.authorization)
    return token === undefined ? undefined : this.#reviews.identify(scope, token)
  }

  #allowed(scope: Scope, caller: Caller, verb: string, subresource: string): Promise<boolean> {
    const resourceAttributes = { verb, version: 'v1', resource: 'nodes', subresource, name: this.#nodeName }
    return this.#reviews.allows(scope, caller, { resourceAttributes })
  }
}

const VERBS: Readonly<Record<string, string>> = { GET: 'get', HEAD: 'get', POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }

/** What access to a path is a matter of; any of them will do. */
export function subresourcesOf(path: string): readonly string[] {
  const [first = ''] = path.split('/').filter((part) => part !== '')
  switch (first) {
    case 'stats':
      return ['stats']
    case 'metrics':
      return ['metrics']
    case 'pods':
    case 'runningpods':
      return ['pods', 'proxy']
    case 'healthz':
      return ['healthz', 'proxy']
    default:
      return ['proxy']
  }
}
