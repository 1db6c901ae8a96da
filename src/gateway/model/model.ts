import type { networking } from '#api'
import type { ReadCertificate } from './certificate.ts'
import { OLD_CLASS, oursOf } from './classes.ts'
import { isHost, isPath, shown } from './grammar.ts'
import type { Servers } from './servers.ts'

/** Everything that the gateway has seen, at one time. */
export interface Snapshot {
  readonly ingresses: readonly networking.Ingress[]
  readonly classes: readonly networking.IngressClass[]
  /** Who answers for a port of the Service with this key. */
  servers(key: string, port: networking.ServiceBackendPort): Servers
  /** By `namespace/name` of the Secret; undefined when it was not read yet. */
  certificate(key: string): ReadCertificate | undefined
  readonly nowMs: number
}

/** What is to be served. Keys are checked by the grammar; values are keys of `backends`, or `NOBODY`. */
export interface GatewayModel {
  /** `host/path`; without a host: `/path`. A host may be `*.` and a name. */
  readonly exact: ReadonlyMap<string, string>
  /** As `exact`, and each ends with a slash: a request's path, with a slash after it, begins with it element by element. */
  readonly prefix: ReadonlyMap<string, string>
  /** By host, for requests that no rule takes; `*` is for all hosts. */
  readonly defaults: ReadonlyMap<string, string>
  /** `address:port` of the servers, by `namespace/service:port`. */
  readonly backends: ReadonlyMap<string, readonly string[]>
  /** By `namespace/name` of the Secret. */
  readonly certificates: ReadonlyMap<string, { readonly pem: string; readonly names: readonly string[] }>
  /** Services that the routes lead to, by `namespace/name`. */
  readonly services: ReadonlySet<string>
  readonly served: readonly networking.Ingress[]
  readonly findings: readonly Finding[]
}

/** Something about an Ingress that its owner has to know. */
export interface Finding {
  readonly ingress: networking.Ingress
  readonly reason: string
  readonly message: string
}

/** The backend of a route that leads to nothing that could answer: 503. */
export const NOBODY = ''

export const keyOfIngress = ({ metadata }: networking.Ingress): string => `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`

/** Secrets that Ingresses of ours name for their hosts, each with the Ingresses that do. */
export function secretsOf(ours: readonly networking.Ingress[]): ReadonlyMap<string, readonly networking.Ingress[]> {
  const users = new Map<string, networking.Ingress[]>()
  for (const ingress of ours)
    for (const { secretName = '' } of ingress.spec?.tls ?? []) {
      if (secretName === '') continue
      const key = `${ingress.metadata?.namespace ?? ''}/${secretName}`
      const known = users.get(key)
      if (known === undefined) users.set(key, [ingress])
      else if (!known.includes(ingress)) known.push(ingress)
    }
  return users
}

/** Pure: the same snapshot gives the same model. The older of two Ingresses that want the same has it. */
export function modelOf(snapshot: Snapshot): GatewayModel {
  const served = oursOf(snapshot.ingresses, snapshot.classes)
  const builder = new ModelBuilder(snapshot)
  for (const ingress of served) builder.add(ingress)
  return { ...builder.parts(), served }
}

class ModelBuilder {
  readonly #snapshot: Snapshot
  readonly #exact = new Map<string, string>()
  readonly #prefix = new Map<string, string>()
  readonly #defaults = new Map<string, string>()
  readonly #backends = new Map<string, readonly string[]>()
  readonly #problems = new Map<string, string>()
  readonly #services = new Set<string>()
  readonly #names = new Map<string, string[]>()
  /** Who has a route, or a host's certificate. */
  readonly #owners = new Map<string, networking.Ingress>()
  readonly #secretOf = new Map<string, string>()
  readonly #findings: Finding[] = []
  readonly #said = new Set<string>()

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot
  }

  add(ingress: networking.Ingress): void {
    const { rules = [], defaultBackend, tls = [] } = ingress.spec ?? {}
    const hosts: string[] = []
    for (const { host = '', http } of rules) {
      const name = host.toLowerCase()
      if (name !== '' && !isHost(name)) {
        this.#find(ingress, 'HostRefused', `the host ${shown(host)} is not served: it is not a host name`)
        continue
      }
      hosts.push(name)
      for (const path of http?.paths ?? []) this.#addPath(ingress, name, path)
    }
    if (defaultBackend !== undefined) {
      const backend = this.#backend(ingress, defaultBackend)
      // With rules it is for what they leave over of their hosts; without, for everything.
      for (const host of rules.length === 0 ? ['*'] : new Set(hosts.map((name) => name || '*')))
        this.#claim(ingress, this.#defaults, host, backend, `requests to ${host === '*' ? 'any host' : host} that no rule takes`)
    }
    for (const one of tls) this.#addTls(ingress, one, hosts)
    this.#checkAnnotations(ingress)
  }

  parts(): Omit<GatewayModel, 'served'> {
    const certificates = new Map<string, { pem: string; names: readonly string[] }>()
    for (const [secret, names] of this.#names) {
      const read = this.#snapshot.certificate(secret)
      if (read !== undefined && 'pem' in read) certificates.set(secret, { pem: read.pem, names: names.sort() })
    }
    return {
      exact: this.#exact,
      prefix: this.#prefix,
      defaults: this.#defaults,
      backends: this.#backends,
      certificates,
      services: this.#services,
      findings: this.#findings,
    }
  }

  #addPath(ingress: networking.Ingress, host: string, { path, pathType, backend }: networking.HTTPIngressPath): void {
    const wanted = path === undefined || path === '' ? '/' : path
    if (!isPath(wanted)) {
      this.#find(
        ingress,
        'PathRefused',
        `the path ${shown(wanted)} is not served: a path has at most 1024 letters, digits and characters of -._~%:@!&+,=/ (it is no regular expression)`,
      )
      return
    }
    const leads = this.#backend(ingress, backend)
    if (pathType === 'Exact') this.#claim(ingress, this.#exact, `${host}${wanted}`, leads, `${host}${wanted} (Exact)`)
    else this.#claim(ingress, this.#prefix, `${host}${wanted.replace(/\/+$/, '')}/`, leads, `${host}${wanted} (Prefix)`)
  }

  #claim(ingress: networking.Ingress, map: Map<string, string>, key: string, backend: string, what: string): void {
    const id = `${map === this.#exact ? 'exact' : map === this.#prefix ? 'prefix' : 'default'} ${key}`
    const owner = this.#owners.get(id)
    if (owner !== undefined) {
      // Said twice by one Ingress with the same meaning, nothing is lost.
      if (owner === ingress && map.get(key) === backend) return
      this.#find(
        ingress,
        'RouteConflict',
        `${what} belongs to the Ingress ${keyOfIngress(owner)}${owner === ingress ? ' already' : ', which is older'}`,
      )
      return
    }
    this.#owners.set(id, ingress)
    map.set(key, backend)
  }

  #backend(ingress: networking.Ingress, { service, resource }: networking.IngressBackend): string {
    if (service === undefined) {
      this.#find(
        ingress,
        'BackendRefused',
        `a backend of kind ${shown(resource?.kind ?? '')} is answered with 503: the gateway leads to Services only`,
      )
      return NOBODY
    }
    const name = `${ingress.metadata?.namespace ?? ''}/${service.name}`
    const key = `${name}:${service.port?.name || String(service.port?.number ?? 0)}`
    if (!this.#backends.has(key) && !this.#problems.has(key)) {
      this.#services.add(name)
      const { addresses, problem } = this.#snapshot.servers(name, service.port ?? {})
      if (problem === undefined) this.#backends.set(key, addresses)
      else this.#problems.set(key, problem)
    }
    const problem = this.#problems.get(key)
    if (problem === undefined) return key
    this.#find(ingress, 'BackendUnusable', `${problem}; requests are answered with 503`)
    return NOBODY
  }

  #addTls(ingress: networking.Ingress, { hosts = [], secretName = '' }: networking.IngressTLS, ruleHosts: readonly string[]): void {
    // Without a Secret the connection is made with the gateway's own certificate, as for a host that nobody names.
    if (secretName === '') return
    const secret = `${ingress.metadata?.namespace ?? ''}/${secretName}`
    const read = this.#snapshot.certificate(secret)
    if (read === undefined) return
    if ('problem' in read) {
      this.#find(ingress, 'CertificateUnusable', `the Secret ${shown(secret)} is not used: ${read.problem}`)
      return
    }
    if (read.notAfterMs <= this.#snapshot.nowMs)
      this.#find(ingress, 'CertificateExpired', `the certificate in the Secret ${shown(secret)} has expired`)
    for (const host of new Set((hosts.length > 0 ? hosts : ruleHosts).map((name) => name.toLowerCase()))) {
      if (host === '') continue
      if (!isHost(host)) this.#find(ingress, 'HostRefused', `the host ${shown(host)} has no certificate: it is not a host name`)
      else if (!read.isFor(host))
        this.#find(ingress, 'CertificateMismatch', `the certificate in the Secret ${shown(secret)} is not for ${host}, and not used for it`)
      else this.#certify(ingress, host, secret)
    }
  }

  #certify(ingress: networking.Ingress, host: string, secret: string): void {
    const known = this.#secretOf.get(host)
    if (known === secret) return
    const owner = this.#owners.get(`tls ${host}`)
    if (owner !== undefined) {
      this.#find(
        ingress,
        'CertificateConflict',
        `the certificate for ${host} is that of the Ingress ${keyOfIngress(owner)}, which is older`,
      )
      return
    }
    this.#owners.set(`tls ${host}`, ingress)
    this.#secretOf.set(host, secret)
    this.#names.set(secret, [...(this.#names.get(secret) ?? []), host])
  }

  /** Those of other gateways change what a route does there: here they are not silently passed over. */
  #checkAnnotations(ingress: networking.Ingress): void {
    const foreign = Object.keys(ingress.metadata?.annotations ?? {}).filter(
      (name) => /(^|\.)(ingress\.kubernetes\.io|haproxy\.org|konghq\.com|traefik\.io)\//.test(name) && name !== OLD_CLASS,
    )
    if (foreign.length > 0)
      this.#find(
        ingress,
        'AnnotationsIgnored',
        `these annotations have no effect here: ${foreign.sort().slice(0, 10).map(shown).join(', ')}`,
      )
  }

  #find(ingress: networking.Ingress, reason: string, message: string): void {
    const id = `${keyOfIngress(ingress)} ${message}`
    if (this.#said.has(id)) return
    this.#said.add(id)
    this.#findings.push({ ingress, reason, message })
  }
}
