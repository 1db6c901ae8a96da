import { isHost, shown } from '../../model/grammar.ts'
import { SYSTEM_AUTHORITIES, type Verification } from '../../model/wish.ts'
import { type Verdict, isFalse, isTrue } from '../status/conditions.ts'
import { type BackendTLSPolicy, keyOf } from '../kinds.ts'

/** What a ConfigMap holds under `ca.crt`, read and written anew. */
export type ReadAuthority = { readonly pem: string } | { readonly problem: string }

export interface PolicyView {
  hasService(key: string): boolean
  /** By `namespace/name` of the ConfigMap; undefined when it was not read yet. */
  authority(configMap: string): ReadAuthority | undefined
}

export interface JudgedPolicy {
  /** `namespace/name` of the Services that it is for. */
  readonly services: readonly string[]
  readonly verdicts: readonly Verdict[]
}

export interface JudgedPolicies {
  readonly policies: ReadonlyMap<string, JudgedPolicy>
  /** By Service, then by the name of a port; the empty one is for all ports that have none of their own. */
  readonly verifications: ReadonlyMap<string, ReadonlyMap<string, Verification | 'refused'>>
  /** As PEM, by the key that verifications name. */
  readonly authorities: ReadonlyMap<string, string>
}

/** `namespace/name` of the ConfigMaps that a policy names. */
export const configMapsOf = (policy: BackendTLSPolicy): readonly string[] =>
  (policy.spec.validation.caCertificateRefs ?? [])
    .filter(({ group, kind }) => group === '' && kind === 'ConfigMap')
    .map(({ name }) => `${policy.metadata?.namespace ?? ''}/${name}`)

/** Of two policies for the same the older one counts. One that cannot be carried out keeps connections from being made: they would be less safe than was asked for. */
export function judgePolicies(policies: readonly BackendTLSPolicy[], view: PolicyView): JudgedPolicies {
  const judged = new Map<string, JudgedPolicy>()
  const verifications = new Map<string, Map<string, Verification | 'refused'>>()
  const owners = new Map<string, string>()
  const authorities = new Map<string, string>()
  const byAge = policies.toSorted((a, b) => compare(rankOf(a), rankOf(b)))
  for (const policy of byAge) {
    const { metadata, spec } = policy
    const targets = spec.targetRefs
      .filter(({ group, kind }) => group === '' && kind === 'Service')
      .map(({ name, sectionName = '' }) => ({ service: `${metadata?.namespace ?? ''}/${name}`, sectionName }))
    const services = targets.map(({ service }) => service)
    const taken = targets.map(({ service, sectionName }) => owners.get(`${service} ${sectionName}`)).find((owner) => owner !== undefined)
    if (taken !== undefined) {
      judged.set(keyOf(policy), {
        services,
        verdicts: [
          isFalse('Accepted', 'Conflicted', `the BackendTLSPolicy ${taken}, which is older, is for the same`),
          isTrue('ResolvedRefs', 'ResolvedRefs'),
        ],
      })
      continue
    }
    const found = verificationOf(policy, view)
    const missing = services.find((service) => !view.hasService(service))
    const refusal =
      found.refusal ??
      (targets.length < spec.targetRefs.length
        ? isFalse('Accepted', 'Invalid', 'it is for something else than a Service')
        : missing === undefined
          ? undefined
          : isFalse('Accepted', 'TargetNotFound', `there is no Service ${shown(missing)}`))
    const verification = found.verification
    if (verification !== undefined) authorities.set(verification.authority, found.pem)
    for (const { service, sectionName } of targets) {
      owners.set(`${service} ${sectionName}`, keyOf(policy))
      const of = verifications.get(service) ?? new Map<string, Verification | 'refused'>()
      verifications.set(service, of.set(sectionName, verification ?? 'refused'))
    }
    judged.set(keyOf(policy), { services, verdicts: [refusal ?? isTrue('Accepted', 'Accepted'), found.resolved] })
  }
  return { policies: judged, verifications, authorities }
}

interface Found {
  readonly verification?: Verification
  readonly pem: string
  readonly refusal?: Verdict
  readonly resolved: Verdict
}

function verificationOf(policy: BackendTLSPolicy, view: PolicyView): Found {
  const { validation, options = {} } = policy.spec
  const { hostname, wellKnownCACertificates, caCertificateRefs = [], subjectAltNames = [] } = validation
  const resolved = isTrue('ResolvedRefs', 'ResolvedRefs')
  const refuse = (message: string): Found => ({ pem: '', refusal: isFalse('Accepted', 'Invalid', message), resolved })
  if (subjectAltNames.length > 0) return refuse('subjectAltNames are not looked at: the certificate has to be for the hostname')
  const [option] = Object.keys(options)
  if (option !== undefined) return refuse(`the option ${shown(option)} is not known here`)
  if (!isHost(hostname) || hostname.startsWith('*')) return refuse(`${shown(hostname)} is no host name`)
  if (caCertificateRefs.length === 0)
    return wellKnownCACertificates === 'System'
      ? { verification: { authority: SYSTEM_AUTHORITIES, hostname }, pem: '', resolved }
      : refuse(`the certificates ${shown(wellKnownCACertificates ?? '')} are not known here`)
  let problem: Verdict | undefined
  const pems: string[] = []
  for (const { group, kind, name } of caCertificateRefs) {
    const key = `${policy.metadata?.namespace ?? ''}/${name}`
    const read = view.authority(key)
    if (group !== '' || kind !== 'ConfigMap')
      problem ??= isFalse('ResolvedRefs', 'InvalidKind', `authorities of kind ${shown(kind)} are not read: ConfigMaps are`)
    else if (read === undefined || 'problem' in read) {
      const why = read === undefined ? 'it was not read yet' : read.problem
      problem ??= isFalse('ResolvedRefs', 'InvalidCACertificateRef', `the ConfigMap ${shown(key)} is not used: ${why}`)
    } else pems.push(read.pem)
  }
  if (problem === undefined) return { verification: { authority: keyOf(policy), hostname }, pem: pems.join(''), resolved }
  const none = pems.length === 0 ? { refusal: isFalse('Accepted', 'NoValidCACertificate', problem.message) } : {}
  return { pem: '', resolved: problem, ...none }
}

const rankOf = (policy: BackendTLSPolicy): string => `${policy.metadata?.creationTimestamp ?? ''} ${keyOf(policy)}`
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
