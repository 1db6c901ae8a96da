import type { networking } from '#api'
import { type Gate, type Mirror, type Observe, type Rule, answers, fitsProgram } from '#routing'
import { ACCESS_ANNOTATIONS, type Access, readAccess, usersSecretOf } from './annotations/access.ts'
import { CANARY_ANNOTATIONS, type Canary, readCanary } from './annotations/canary.ts'
import type { ReadCertificate } from './certificate.ts'
import { CHANGE_ANNOTATIONS, NO_CHANGES, type RequestChanges, readChanges, withChanges } from './annotations/changes.ts'
import { OBSERVE_ANNOTATIONS, observeOf } from './annotations/observe.ts'
import { EVERYBODY_PASSES, type PassView, type Passes, nobodyPasses, readPasses, withNeeds } from './annotations/passes.ts'
import { OLD_CLASS } from './classes.ts'
import { isHost, isPath, shown } from './grammar.ts'
import { MATCH_ANNOTATIONS, type ServiceRules, WEIGHT_ANNOTATIONS, readServiceRules, rulesOf } from './annotations/service-rules.ts'
import { type BackendPort, type Finding, type MapName, type WantedRoute, type Wish, forwardTo, keyOfBackend } from './wish.ts'
import type { ReadUsers, UsersForm } from './users.ts'
import { TOKEN_ANNOTATIONS } from '../tokens/token-rules.ts'
import { LOGIN_ANNOTATIONS } from '../login/login-rules.ts'

const OURS: ReadonlySet<string> = new Set([
  OLD_CLASS,
  ...MATCH_ANNOTATIONS,
  ...WEIGHT_ANNOTATIONS,
  ...CANARY_ANNOTATIONS,
  ...CHANGE_ANNOTATIONS,
  ...ACCESS_ANNOTATIONS,
  ...TOKEN_ANNOTATIONS,
  ...LOGIN_ANNOTATIONS,
  ...OBSERVE_ANNOTATIONS,
])

const EVERYBODY: Access = { guards: [] }
const CLOSED: readonly Rule[] = [{ action: { kind: 'forward', to: [{ backend: answers(503), weight: 1 }] } }]

interface Service {
  readonly name: string
  readonly backend: string | undefined
}

/** What else has to be known to read an Ingress. */
export interface Surroundings extends PassView {
  /** Why nobody can answer for this port; undefined when somebody could. */
  problem(port: BackendPort): string | undefined
  /** By `namespace/name` of the Secret; undefined when it was not read yet. */
  certificate(secret: string): ReadCertificate | undefined
  users(secret: string, form: UsersForm): ReadUsers | undefined
  /** The number by which requests of the object are known; undefined: there are as many as there may be. */
  observed(wish: string): number | undefined
  readonly nowMs: number
}

export const keyOfIngress = ({ metadata }: networking.Ingress): string => `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`

/** `namespace/name` of the Secrets that it names for its hosts, and for who may ask. */
export function secretsOf(ingress: networking.Ingress): readonly string[] {
  const names = (ingress.spec?.tls ?? []).map(({ secretName = '' }) => secretName).filter((name) => name !== '')
  const namespace = ingress.metadata?.namespace ?? ''
  const users = usersSecretOf(ingress.metadata?.annotations ?? {}, namespace)
  return [...new Set([...names.map((name) => `${namespace}/${name}`), ...(users === undefined ? [] : [users])])]
}

/** Pure: the same Ingress in the same surroundings wants the same. */
export function wishOfIngress(ingress: networking.Ingress, surroundings: Surroundings): Wish {
  return new Reader(ingress, surroundings).read()
}

class Reader {
  readonly #ingress: networking.Ingress
  readonly #around: Surroundings
  readonly #routes: WantedRoute[] = []
  readonly #backends = new Map<string, BackendPort>()
  readonly #services = new Set<string>()
  readonly #certificates: { host: string; secret: string }[] = []
  readonly #findings = new Map<string, Finding>()
  /** How a path is shared among several Services; undefined: the first one has it. */
  #shared: ServiceRules | undefined
  #canary: Canary | undefined
  #changes: RequestChanges | undefined
  #mirrors: readonly Mirror[] = []
  #access: Access | 'closed' | undefined
  #gate: Gate | undefined
  #passes: Passes = EVERYBODY_PASSES
  #observe: Observe | undefined
  /** A canary that cannot be understood is not to become a route of its own. */
  #isRefused = false
  /** By kind and key of the route. */
  readonly #groups = new Map<string, { readonly map: MapName; readonly key: string; readonly what: string; readonly services: Service[] }>()

  constructor(ingress: networking.Ingress, surroundings: Surroundings) {
    this.#ingress = ingress
    this.#around = surroundings
  }

  read(): Wish {
    const { metadata, spec } = this.#ingress
    const { rules = [], defaultBackend, tls = [] } = spec ?? {}
    const hosts: string[] = []
    this.#readAnnotations()
    for (const { host = '', http } of rules) {
      const name = host.toLowerCase()
      if (name !== '' && !isHost(name)) {
        this.#find('HostRefused', `the host ${shown(host)} is not served: it is not a host name`)
        continue
      }
      hosts.push(name)
      for (const path of http?.paths ?? []) this.#readPath(name, path)
    }
    if (defaultBackend !== undefined) {
      const leads = forwardTo(this.#readBackend(defaultBackend))
      // With rules it is for what they leave over of their hosts; without, for everything.
      for (const host of rules.length === 0 ? ['*'] : new Set(hosts.map((name) => name || '*')))
        this.#want('defaults', host, leads, `requests to ${host === '*' ? 'any host' : host} that no rule takes`)
    }
    for (const host of new Set(rules.length === 0 ? [''] : hosts)) this.#wantLoginPaths(host)
    for (const one of tls) this.#readTls(one, hosts)
    const id = keyOfIngress(this.#ingress)
    for (const { map, key, what, services } of this.#groups.values()) this.#want(map, key, this.#share(services, id, what), what)
    return {
      id,
      rank: `${metadata?.creationTimestamp ?? ''} ${id}`,
      routes: this.#routes,
      backends: this.#backends,
      services: this.#services,
      certificates: this.#certificates,
      findings: [...this.#findings.values()],
    }
  }

  #readPath(host: string, { path, pathType, backend }: networking.HTTPIngressPath): void {
    const wanted = path === undefined || path === '' ? '/' : path
    if (!isPath(wanted)) {
      this.#find(
        'PathRefused',
        `the path ${shown(wanted)} is not served: a path has at most 1024 letters, digits and characters of -._~%:@!&+,=/ (it is no regular expression)`,
      )
      return
    }
    const leads = this.#readBackend(backend)
    const [map, key, kind]: [MapName, string, string] =
      pathType === 'Exact' ? ['exact', `${host}${wanted}`, 'Exact'] : ['prefix', `${host}${wanted.replace(/\/+$/, '')}/`, 'Prefix']
    const what = `${host}${wanted} (${kind})`
    if (this.#shared === undefined) return this.#want(map, key, forwardTo(leads), what)
    const id = `${map} ${key}`
    const group = this.#groups.get(id) ?? { map, key, what, services: [] }
    const name = backend.service?.name ?? ''
    if (!group.services.some((service) => service.name === name)) group.services.push({ name, backend: leads })
    this.#groups.set(id, group)
  }

  #share(services: readonly Service[], salt: string, what: string): readonly Rule[] {
    const rules = this.#shared === undefined ? [] : rulesOf(services, this.#shared, salt)
    if (fitsProgram(rules)) return rules
    this.#find(
      'AnnotationRefused',
      `requests to ${what} are not shared among Services, the first one has them: the conditions are too long`,
    )
    return forwardTo(services[0]?.backend)
  }

  #want(map: MapName, key: string, rules: readonly Rule[], what: string): void {
    const whole = this.#whole(rules, what)
    const observe = this.#observe
    const observed = observe === undefined ? whole : whole.map((rule) => ({ ...rule, observe }))
    const changed = fitsProgram(observed) ? observed : whole
    if (!this.#isRefused)
      this.#routes.push({ map, key, rules: changed, what, ...(this.#canary === undefined ? {} : { canary: this.#canary }) })
  }

  /** The rules with all that annotations say. */
  #whole(rules: readonly Rule[], what: string): readonly Rule[] {
    const access = this.#access
    if (access === 'closed') return CLOSED
    const { needs } = this.#passes
    const isOpen = access === undefined && Object.keys(needs).length === 0
    if (this.#changes === undefined && isOpen) return rules
    const whole = withChanges(withNeeds(rules, needs), this.#changes ?? NO_CHANGES, this.#mirrors, access ?? EVERYBODY, this.#gate)
    if (isOpen || fitsProgram(whole)) return whole
    this.#find('AccessRefused', `requests to ${what} are answered with 503: who may ask is too long`)
    return CLOSED
  }

  #readBackend({ service, resource }: networking.IngressBackend): string | undefined {
    if (service === undefined) {
      this.#find(
        'BackendRefused',
        `a backend of kind ${shown(resource?.kind ?? '')} is answered with 503: the gateway leads to Services only`,
      )
      return undefined
    }
    const { retry, affinity } = this.#changes ?? NO_CHANGES
    return this.#keyOf({
      service: `${this.#namespace}/${service.name}`,
      port: service.port ?? {},
      ...(retry === undefined ? {} : { retry }),
      ...(affinity === undefined ? {} : { affinity }),
    })
  }

  get #namespace(): string {
    return this.#ingress.metadata?.namespace ?? ''
  }

  #keyOf(port: BackendPort): string | undefined {
    this.#services.add(port.service)
    const problem = this.#around.problem(port)
    if (problem !== undefined) {
      this.#find('BackendUnusable', `${problem}; requests are answered with 503`)
      return undefined
    }
    const key = keyOfBackend(port)
    this.#backends.set(key, port)
    return key
  }

  #readTls({ hosts = [], secretName = '' }: networking.IngressTLS, ruleHosts: readonly string[]): void {
    // Without a Secret the connection is made with the gateway's own certificate, as for a host that nobody names.
    if (secretName === '') return
    const secret = `${this.#ingress.metadata?.namespace ?? ''}/${secretName}`
    const read = this.#around.certificate(secret)
    if (read === undefined) return
    if ('problem' in read) {
      this.#find('CertificateUnusable', `the Secret ${shown(secret)} is not used: ${read.problem}`)
      return
    }
    if (read.notAfterMs <= this.#around.nowMs)
      this.#find('CertificateExpired', `the certificate in the Secret ${shown(secret)} has expired`)
    for (const host of new Set((hosts.length > 0 ? hosts : ruleHosts).map((name) => name.toLowerCase()))) {
      if (host === '') continue
      if (!isHost(host)) this.#find('HostRefused', `the host ${shown(host)} has no certificate: it is not a host name`)
      else if (!read.isFor(host))
        this.#find('CertificateMismatch', `the certificate in the Secret ${shown(secret)} is not for ${host}, and not used for it`)
      else this.#certificates.push({ host, secret })
    }
  }

  /** Those of other gateways change what a route does there: here they are not silently passed over. */
  #readAnnotations(): void {
    const annotations = this.#ingress.metadata?.annotations ?? {}
    const rules = readServiceRules(annotations)
    if (rules !== undefined && 'problem' in rules)
      this.#find('AnnotationRefused', `requests are not shared among Services, the first one of each path has them: ${rules.problem}`)
    else this.#shared = rules
    const changes = readChanges(annotations, (this.#ingress.spec?.tls ?? []).length > 0, this.#namespace)
    if (changes !== undefined && 'problem' in changes) this.#find('AnnotationRefused', `requests are led as they come: ${changes.problem}`)
    else {
      this.#changes = changes
      for (const problem of changes?.problems ?? []) this.#find('AnnotationRefused', problem)
      const mirror = changes?.mirror
      const backend = mirror === undefined ? undefined : this.#keyOf(mirror.to)
      this.#mirrors = mirror === undefined || backend === undefined ? [] : [{ backend, share: 1, hasBody: mirror.hasBody }]
    }
    const access = readAccess(annotations, this.#namespace, (secret, form) => this.#around.users(secret, form))
    const gate = access !== undefined && 'gate' in access ? access.gate : undefined
    if (gate !== undefined) {
      const { to, ...rest } = gate
      const backend = this.#keyOf(to)
      this.#gate = backend === undefined ? undefined : { ...rest, backend }
    }
    if (gate !== undefined && this.#gate === undefined) this.#access = 'closed'
    else if (access !== undefined && 'problem' in access) {
      this.#access = 'closed'
      this.#note(nobodyPasses(access.problem))
    } else this.#access = access
    const hasPassword = this.#access !== undefined && this.#access !== 'closed' && this.#access.auth !== undefined
    this.#passes = readPasses(keyOfIngress(this.#ingress), this.#ingress, this.#around, hasPassword)
    if (this.#passes.isClosed) this.#access = 'closed'
    for (const finding of this.#passes.findings) this.#note(finding)
    const seen = observeOf(keyOfIngress(this.#ingress), annotations, (wish) => this.#around.observed(wish))
    if (seen !== undefined && 'problem' in seen) this.#find('AnnotationRefused', seen.problem)
    else this.#observe = seen
    const canary = readCanary(annotations)
    if (canary !== undefined && 'problem' in canary) {
      this.#isRefused = true
      this.#find('AnnotationRefused', `the canary gets no requests: ${canary.problem}`)
    } else this.#canary = canary
    const foreign = Object.keys(annotations).filter(
      (name) => /(^|\.)(ingress\.kubernetes\.io|haproxy\.org|konghq\.com|traefik\.io)\//.test(name) && !OURS.has(name),
    )
    if (foreign.length > 0)
      this.#find('AnnotationsIgnored', `these annotations have no effect here: ${foreign.sort().slice(0, 10).map(shown).join(', ')}`)
  }

  /** A canary has none of its own: its requests are those of its route. */
  #wantLoginPaths(host: string): void {
    if (this.#isRefused || this.#canary !== undefined) return
    for (const { path, when, precedence, action } of this.#passes.paths)
      this.#routes.push({ map: 'exact', key: `${host}${path}`, precedence, rules: [{ when, action }], what: '' })
  }

  #find(reason: string, message: string): void {
    this.#note({ reason, message })
  }

  #note(finding: Finding): void {
    this.#findings.set(finding.message, finding)
  }
}
