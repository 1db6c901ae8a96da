import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { createHash } from 'node:crypto'
import { type CertificateVerifier, type Scope, UntrustedCertificate } from '#base'
import { type authentication, type authorization, refs, statusError } from '#api'
import type { Client } from '#client'

export interface Caller {
  readonly name: string
  readonly uid: string
  readonly groups: readonly string[]
  readonly extra: Readonly<Record<string, string[]>>
}

const TOKEN_GOOD_MS = 120_000
const ALLOWED_MS = 300_000
const DENIED_MS = 30_000
const MOST_KEPT = 2048

/** Who calls, by client certificate or by asking the API about the token; and whether that is allowed, by asking the API. Answers are kept for a while. */
export class Access {
  readonly #client: Client
  readonly #verifier: CertificateVerifier
  readonly #nodeName: string
  readonly #tokens = new Map<string, { readonly caller: Caller; readonly untilMs: number }>()
  readonly #decisions = new Map<string, { readonly allowed: boolean; readonly untilMs: number }>()

  constructor(client: Client, verifier: CertificateVerifier, nodeName: string) {
    this.#client = client
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
    const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
    return token === undefined ? undefined : this.#review(scope, token)
  }

  async #review(scope: Scope, token: string): Promise<Caller | undefined> {
    const key = createHash('sha256').update(token).digest('base64')
    const kept = this.#tokens.get(key)
    if (kept !== undefined && kept.untilMs > scope.clock.monotonic()) return kept.caller
    const review: authentication.TokenReview = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } }
    const { status } = await this.#client.resource(refs.tokenreviews).create(scope, review)
    if (status?.authenticated !== true || status.user === undefined) return undefined
    const { username = '', uid = '', groups = [], extra = {} } = status.user
    const caller = { name: username, uid, groups, extra }
    keep(this.#tokens, key, { caller, untilMs: scope.clock.monotonic() + TOKEN_GOOD_MS })
    return caller
  }

  async #allowed(scope: Scope, caller: Caller, verb: string, subresource: string): Promise<boolean> {
    const key = JSON.stringify([caller.name, caller.uid, caller.groups, caller.extra, verb, subresource])
    const kept = this.#decisions.get(key)
    if (kept !== undefined && kept.untilMs > scope.clock.monotonic()) return kept.allowed
    const review: authorization.SubjectAccessReview = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: {
        user: caller.name,
        uid: caller.uid,
        groups: [...caller.groups],
        extra: { ...caller.extra },
        resourceAttributes: { verb, version: 'v1', resource: 'nodes', subresource, name: this.#nodeName },
      },
    }
    const answer = await this.#client.resource(refs.subjectaccessreviews).create(scope, review)
    const allowed = answer.status?.allowed === true
    keep(this.#decisions, key, { allowed, untilMs: scope.clock.monotonic() + (allowed ? ALLOWED_MS : DENIED_MS) })
    return allowed
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
      return ['pods', 'proxy']
    case 'healthz':
      return ['healthz', 'proxy']
    default:
      return ['proxy']
  }
}

function keep<V>(map: Map<string, V>, key: string, value: V): void {
  if (map.size >= MOST_KEPT) map.clear()
  map.set(key, value)
}
