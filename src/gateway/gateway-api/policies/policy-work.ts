import { X509Certificate } from 'node:crypto'
import { type Scope, messageOf } from '#base'
import { type core, StatusError, isNotFound, refs } from '#api'
import type { Client } from '#client'
import { type Informer, inParallel } from '#reconcile'
import type { GatewayModel } from '../../model/model.ts'
import type { Verification } from '../../model/wish.ts'
import { NamedWatches } from '../../named-watches.ts'
import { type BackendTLSPolicy, gatewayRefs, keyOf } from '../kinds.ts'
import { type JudgedPolicies, type JudgedPolicy, type ReadAuthority, configMapsOf, judgePolicies } from './policies.ts'

export interface PolicySurroundings {
  readonly scope: Scope
  readonly client: Client
  readonly informers: { informer(ref: typeof gatewayRefs.backendTLSPolicies): Informer<BackendTLSPolicy> }
  readonly model: GatewayModel
  hasService(key: string): boolean
  /** A ConfigMap that a policy names may hold something else than what was read: an update is due. */
  readonly onAuthority: () => void
  /** Those who lead to these Services look at them again. */
  servicesChanged(keys: readonly string[]): void
}

const SIDE_BY_SIDE = 8
const LONGEST_BUNDLE = 64_000
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g
const NOTHING: JudgedPolicies = { policies: new Map(), verifications: new Map(), authorities: new Map() }

/** What BackendTLSPolicies say of the certificates of Services. */
export class PolicyWork {
  readonly #around: PolicySurroundings
  readonly #policies: Informer<BackendTLSPolicy>
  readonly #read = new Map<string, ReadAuthority>()
  /** Of what was read, by key. */
  readonly #versions = new Map<string, string>()
  readonly #watches: NamedWatches<core.ConfigMap>
  #judged = NOTHING
  #isDirty = true

  constructor(around: PolicySurroundings, onChange: (key: string, isSpec: boolean) => void) {
    this.#around = around
    this.#policies = around.informers.informer(gatewayRefs.backendTLSPolicies)
    this.#watches = new NamedWatches(around.scope, around.client.resource(refs.configmaps), (key, resourceVersion) => {
      if (this.#versions.get(key) === resourceVersion) return
      this.#isDirty = true
      around.onAuthority()
    })
    this.#policies.onChange(({ key, old, now }) => {
      const isSpec = old?.metadata?.uid !== now?.metadata?.uid || old?.metadata?.generation !== now?.metadata?.generation
      this.#isDirty ||= isSpec
      onChange(key, isSpec)
    })
  }

  /** ConfigMaps and Services are looked at anew in the next update; false when no policy needs that. */
  lookAgain(): boolean {
    this.#isDirty = this.#policies.list().length > 0
    return this.#isDirty
  }

  keys(): readonly string[] {
    return this.#policies.list().map(keyOf)
  }

  get(key: string): { readonly policy: BackendTLSPolicy; readonly judged: JudgedPolicy } | undefined {
    const [policy, judged] = [this.#policies.get(key), this.#judged.policies.get(key)]
    return policy === undefined || judged === undefined ? undefined : { policy, judged }
  }

  verification(service: string, portName: string): Verification | 'refused' | undefined {
    const of = this.#judged.verifications.get(service)
    return of?.get(portName) ?? of?.get('')
  }

  /** True when something has changed. */
  async update(scope: Scope): Promise<boolean> {
    if (!this.#isDirty) return false
    const policies = this.#policies.list().filter(({ metadata }) => metadata?.deletionTimestamp === undefined)
    const wanted = new Set(policies.flatMap(configMapsOf))
    for (const key of this.#read.keys()) {
      if (wanted.has(key)) continue
      this.#read.delete(key)
      this.#versions.delete(key)
      this.#watches.leave(key)
    }
    await inParallel([...wanted], SIDE_BY_SIDE, async (key) => {
      this.#read.set(key, await this.#readConfigMap(scope, key))
      this.#watches.follow(key)
    })
    this.#isDirty = false
    const before = this.#judged
    this.#judged = judgePolicies(policies, { hasService: (key) => this.#around.hasService(key), authority: (key) => this.#read.get(key) })
    this.#around.model.trust(this.#judged.authorities)
    const [was, is] = [before.verifications, this.#judged.verifications]
    const text = (of: ReadonlyMap<string, unknown> | undefined): string => JSON.stringify([...(of ?? [])])
    const changed = [...new Set([...was.keys(), ...is.keys()])].filter((service) => text(was.get(service)) !== text(is.get(service)))
    if (changed.length > 0) this.#around.servicesChanged(changed)
    return true
  }

  async #readConfigMap(scope: Scope, key: string): Promise<ReadAuthority> {
    const [namespace = '', name = ''] = key.split('/')
    try {
      const configMap = await this.#around.client.resource(refs.configmaps).get(scope, { namespace, name })
      this.#versions.set(key, configMap.metadata?.resourceVersion ?? '')
      return readAuthority(configMap)
    } catch (error) {
      scope.check()
      if (isNotFound(error)) return { problem: 'it does not exist' }
      if (error instanceof StatusError) return { problem: `it cannot be read: ${messageOf(error).slice(0, 120)}` }
      throw error
    }
  }
}

/** Nothing of its text goes on but what a library has made of it. */
export function readAuthority({ data }: core.ConfigMap): ReadAuthority {
  const text = data?.['ca.crt']
  if (text === undefined || text.length > LONGEST_BUNDLE) return { problem: 'it has no ca.crt of a sensible size' }
  try {
    const certificates = (text.match(CERTIFICATE) ?? []).map((block) => new X509Certificate(block).toString().trim())
    return certificates.length === 0 ? { problem: 'ca.crt holds no certificate' } : { pem: `${certificates.join('\n')}\n` }
  } catch (error) {
    return { problem: `ca.crt cannot be used: ${messageOf(error).slice(0, 120)}` }
  }
}
