import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { type CertificateVerifier, type Scope, UntrustedCertificate, certificateVerifier } from '#base'
import { refs, statusError } from '#api'
import { AccessReviews, type Caller, type Client, bearerToken } from '#client'

export type Access =
  | { readonly path: string }
  | {
      readonly group: string
      readonly version: string
      readonly resource: string
      readonly subresource?: string
      readonly namespace: string
      readonly name: string
    }

/** What is allowed holds for a few seconds; everything else is asked again. */
const HOLD = { tokenMs: 0, allowedMs: 10_000, deniedMs: 0 }
const FRONT_PROXY = { namespace: 'kube-system', name: 'extension-apiserver-authentication' }

interface FrontProxy {
  readonly verifier: CertificateVerifier
  readonly names: readonly string[]
}

/**
 * Who calls, and what he may. Requests come through an API server's aggregation layer, which proves with its certificate that it may say who the user is; or from
 * somebody with a token, about whom the API is asked. So is what anybody may do.
 */
export class Callers {
  readonly #client: Client
  readonly #reviews: AccessReviews
  #frontProxy: FrontProxy | undefined

  constructor(client: Client) {
    this.#client = client
    this.#reviews = new AccessReviews(client, HOLD)
  }

  /** Throws `StatusError` 401. */
  async authenticate(scope: Scope, request: IncomingMessage): Promise<Caller> {
    const caller = (await this.#byFrontProxy(scope, request)) ?? (await this.#byToken(scope, request))
    if (caller === undefined) throw statusError.unauthorized()
    return caller
  }

  /** Throws `StatusError` 403. */
  async authorize(scope: Scope, caller: Caller, access: Access): Promise<void> {
    const attributes =
      'path' in access ? { nonResourceAttributes: { path: access.path, verb: 'get' } } : { resourceAttributes: { ...access, verb: 'get' } }
    if (await this.#reviews.allows(scope, caller, attributes)) return
    const [group, plural, name] = 'path' in access ? ['', access.path, ''] : [access.group, access.resource, access.name]
    throw statusError.forbidden({ group, plural }, name, `User "${caller.name}" cannot get it`)
  }

  async #byFrontProxy(scope: Scope, request: IncomingMessage): Promise<Caller | undefined> {
    const certificate = (request.socket as TLSSocket).getPeerX509Certificate?.()
    if (certificate === undefined) return undefined
    const check = async (isFresh: boolean): Promise<boolean> => {
      if (isFresh || this.#frontProxy === undefined) this.#frontProxy = await this.#readFrontProxy(scope)
      const { verifier, names } = this.#frontProxy
      try {
        const { subject } = verifier.verify(certificate.raw, scope.clock.now())
        return names.length === 0 || names.includes(subject.commonName)
      } catch (error) {
        if (error instanceof UntrustedCertificate) return false
        throw error
      }
    }
    // Its authority may have changed since it was read.
    const isNew = this.#frontProxy === undefined
    if (!(await check(false)) && (isNew || !(await check(true)))) return undefined
    const name = textOf(request.headers['x-remote-user'])
    if (name === undefined || name === '') return undefined
    const extra: Record<string, string[]> = {}
    for (const [header, values] of Object.entries(request.headersDistinct))
      if (header.startsWith('x-remote-extra-') && values !== undefined) extra[decoded(header.slice('x-remote-extra-'.length))] = values
    return {
      name,
      uid: textOf(request.headers['x-remote-uid']) ?? '',
      groups: request.headersDistinct['x-remote-group'] ?? [],
      extra,
    }
  }

  async #readFrontProxy(scope: Scope): Promise<FrontProxy> {
    const { data = {} } = await this.#client.resource(refs.configmaps).get(scope, FRONT_PROXY)
    const names: unknown = JSON.parse(data['requestheader-allowed-names'] ?? '[]')
    return {
      verifier: certificateVerifier(data['requestheader-client-ca-file'] ?? '', 'clientAuth'),
      names: Array.isArray(names) ? names.filter((one) => typeof one === 'string') : [],
    }
  }

  async #byToken(scope: Scope, request: IncomingMessage): Promise<Caller | undefined> {
    const token = bearerToken(request.headers.authorization)
    return token === undefined ? undefined : this.#reviews.identify(scope, token)
  }
}

const textOf = (value: string | readonly string[] | undefined): string | undefined => (typeof value === 'string' ? value : value?.[0])

/** Bytes that a header's name cannot hold come as `%XX`. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
