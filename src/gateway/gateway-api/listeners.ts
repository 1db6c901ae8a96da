import { isHost, shown } from '../model/grammar.ts'
import type { ReadCertificate } from '../model/certificate.ts'
import type { ListenPort } from '../model/wish.ts'
import { type Spot, spotText } from '../model/spot.ts'
import { type AddressView, type Addressed, assignAddresses } from './addresses.ts'
import { type Verdict, isFalse, isTrue } from './status/conditions.ts'
import { mayRefer } from './grants.ts'
import { covers } from './hostnames.ts'
import { GROUP, type Gateway, type Listener, type ReferenceGrant, type RouteGroupKind, keyOf } from './kinds.ts'

/** What else has to be known to judge Gateways. */
export interface GatewayView extends AddressView {
  /** The two ports that are served without any Gateway. */
  readonly httpPort: number
  readonly httpsPort: number
  /** Ports that the machine did not give, as `spotText` has them. */
  readonly unavailable: ReadonlySet<string>
  grantsIn(namespace: string): readonly ReferenceGrant[]
  /** By `namespace/name`; undefined when it was not read yet. */
  certificate(secret: string): ReadCertificate | undefined
}

export interface JudgedListener {
  /** `namespace/name`. */
  readonly gateway: string
  readonly listener: Listener
  readonly spot: Spot
  readonly hostname: string
  readonly kind: ListenerKind | undefined
  readonly supportedKinds: readonly RouteGroupKind[]
  /** Requests or connections that come in here are led. */
  readonly isServed: boolean
  /** `namespace/name` of Secrets that can be used. */
  readonly secrets: readonly string[]
  readonly verdicts: readonly Verdict[]
}

export interface JudgedGateway {
  readonly key: string
  readonly gateway: Gateway
  /** Where it is served; undefined: nowhere. */
  readonly address: string | undefined
  readonly listeners: readonly JudgedListener[]
  readonly isAccepted: boolean
  readonly verdicts: readonly Verdict[]
}

/** How a listener takes what comes in. */
export type ListenerKind = 'http' | 'https' | 'passthrough'

const KINDS_OF: Readonly<Record<ListenerKind, readonly string[]>> = {
  http: ['HTTPRoute', 'GRPCRoute'],
  https: ['HTTPRoute', 'GRPCRoute'],
  passthrough: ['TLSRoute'],
}

/** `namespace/name` of the Secrets that a Gateway names. */
export function secretsOfGateway(gateway: Gateway): readonly string[] {
  const own = gateway.metadata?.namespace ?? ''
  const names = gateway.spec.listeners.flatMap(({ tls }) =>
    (tls?.certificateRefs ?? [])
      .filter(({ group = '', kind = 'Secret' }) => group === '' && kind === 'Secret')
      .map(({ namespace = own, name }) => `${namespace}/${name}`),
  )
  return [...new Set(names)]
}

/** Several Gateways may be served at one address, so what one of them wants of a port is looked at beside the others: of two that cannot both be, the older one has it. */
export function judgeGateways(gateways: readonly Gateway[], view: GatewayView): readonly JudgedGateway[] {
  const byAge = gateways.toSorted((a, b) => compare(rankOf(a), rankOf(b)))
  const ports: PortHolders = new Map([
    [spotText({ port: view.httpPort }), { owner: '', isSecure: false }],
    [spotText({ port: view.httpsPort }), { owner: '', isSecure: true }],
  ])
  const refusals = new Map(byAge.map((gateway) => [gateway, refusalOf(gateway, view)]))
  // Whoever is not served has no address either.
  const addresses = assignAddresses(
    byAge.filter((gateway) => refusals.get(gateway) === undefined),
    view,
  )
  return byAge.map((gateway) => {
    const refusal = refusals.get(gateway)
    const addressed = addresses.get(keyOf(gateway)) ?? { address: undefined, isOwn: false, problem: undefined }
    const unserved = refusal === undefined ? (addressed.address === undefined ? addressed.problem?.message : undefined) : NOT_ACCEPTED
    const own = addressed.isOwn ? { address: addressed.address } : {}
    const listeners = gateway.spec.listeners.map((listener) =>
      judgeListener(gateway, listener, { ...own, port: listener.port }, ports, view, unserved),
    )
    for (const { spot, kind, isServed } of listeners)
      if (isServed && !ports.has(spotText(spot))) ports.set(spotText(spot), { owner: keyOf(gateway), isSecure: kind !== 'http' })
    return judged(gateway, listeners, refusal, addressed)
  })
}

/** Who has a port, as `spotText` has it, and whether what comes in there is encrypted. Nobody's are for Ingresses too. */
type PortHolders = Map<string, PortHolder>
interface PortHolder {
  readonly owner: string
  readonly isSecure: boolean
}

const NOT_ACCEPTED = 'the Gateway is not accepted'

/** Where to listen for these, and how, besides what the two usual ports do without any Gateway. */
export function portsOf(
  gateways: readonly JudgedGateway[],
  { httpPort, httpsPort }: Pick<GatewayView, 'httpPort' | 'httpsPort'>,
): readonly ListenPort[] {
  const spots = new Map<string, { readonly spot: Spot; readonly kinds: Set<ListenerKind> }>()
  for (const { listeners } of gateways)
    for (const { spot, kind, isServed } of listeners) {
      if (!isServed || kind === undefined) continue
      const known = spots.get(spotText(spot))
      if (known === undefined) spots.set(spotText(spot), { spot, kinds: new Set([kind]) })
      else known.kinds.add(kind)
    }
  spots.get(spotText({ port: httpsPort }))?.kinds.add('https')
  return [...spots.values()]
    .map(({ spot, kinds: of }): ListenPort => {
      const isBoth = of.has('passthrough') && of.has('https')
      return { ...spot, kind: isBoth ? 'both' : of.has('passthrough') ? 'passthrough' : of.has('https') ? 'https' : 'http' }
    })
    .filter((spot) => !isUsual(spot, { httpPort, httpsPort }) || spot.kind === 'both')
    .sort((a, b) => a.port - b.port || compare(a.address ?? '', b.address ?? ''))
}

/** One of the two ports that are served without any Gateway. */
export const isUsual = ({ address, port }: Spot, { httpPort, httpsPort }: Pick<GatewayView, 'httpPort' | 'httpsPort'>): boolean =>
  address === undefined && (port === httpPort || port === httpsPort)

/** Of a listener that can be served. */
function kindOf({ protocol, tls }: Listener): ListenerKind | undefined {
  const name = protocol.toUpperCase()
  if (name === 'HTTP') return 'http'
  if (name === 'HTTPS') return 'https'
  return name === 'TLS' && tls?.mode === 'Passthrough' ? 'passthrough' : undefined
}

/** Why a Gateway is not served at all. */
function refusalOf({ spec }: Gateway, { address, ownAddresses }: GatewayView): Verdict | undefined {
  if (spec.infrastructure?.parametersRef !== undefined)
    return isFalse('Accepted', 'InvalidParameters', 'spec.infrastructure.parametersRef is not known here: there are no parameters')
  if (spec.tls !== undefined)
    return isFalse('Accepted', 'Invalid', 'spec.tls is not served: neither certificates of clients nor one for backends are looked at')
  const from = spec.allowedListeners?.namespaces?.from ?? 'None'
  if (from !== 'None') return isFalse('Accepted', 'Invalid', `spec.allowedListeners from ${from} is not served: there are no ListenerSets`)
  const other = (spec.addresses ?? []).find(({ type = 'IPAddress' }) => type !== 'IPAddress')
  return other === undefined
    ? undefined
    : isFalse(
        'Accepted',
        'UnsupportedAddress',
        `addresses of type ${other.type ?? ''} are not served: those of IPv4 are, ${[address, ...ownAddresses].join(', ')}`,
      )
}

function judgeListener(
  gateway: Gateway,
  listener: Listener,
  spot: Spot,
  ports: Readonly<PortHolders>,
  view: GatewayView,
  /** Why none of the Gateway's listeners is. */
  unserved: string | undefined,
): JudgedListener {
  const kind = kindOf(listener)
  const hostname = (listener.hostname ?? '').toLowerCase()
  const holder = ports.get(spotText(spot))
  const conflict = conflictOf(gateway, listener, kind, holder)
  const accepted = acceptanceOf(listener, kind, hostname, conflict, holder, view.unavailable.has(spotText(spot)))
  const supported = supportedKinds(listener, kind)
  const { secrets, problem } = kind === 'https' ? certificatesOf(gateway, listener, view) : { secrets: [], problem: undefined }
  const resolved = problem ?? supported.problem ?? isTrue('ResolvedRefs', 'ResolvedRefs')
  const isServed = unserved === undefined && accepted.status === 'True' && (kind !== 'https' || secrets.length > 0)
  const overlapping = kind === 'https' ? overlapOf(gateway, listener) : undefined
  return {
    gateway: keyOf(gateway),
    listener,
    spot,
    hostname,
    kind,
    supportedKinds: supported.kinds,
    isServed,
    secrets,
    verdicts: [
      accepted,
      conflict ?? isFalse('Conflicted', 'NoConflicts', ''),
      resolved,
      isServed
        ? isTrue('Programmed', 'Programmed')
        : isFalse('Programmed', 'Invalid', unserved ?? (accepted.status === 'True' ? resolved.message : accepted.message)),
      ...(overlapping === undefined ? [] : [overlapping]),
    ],
  }
}

/** With another listener of the same Gateway nobody wins. */
function conflictOf(
  { spec, ...gateway }: Gateway,
  listener: Listener,
  kind: ListenerKind | undefined,
  holder: PortHolder | undefined,
): Verdict | undefined {
  if (kind === undefined) return undefined
  for (const other of spec.listeners) {
    const otherKind = kindOf(other)
    if (other.name === listener.name || other.port !== listener.port || otherKind === undefined) continue
    const which = `the listener ${shown(other.name)} of the same Gateway`
    if ((kind === 'http') !== (otherKind === 'http'))
      return isTrue('Conflicted', 'ProtocolConflict', `${which} speaks ${other.protocol} at port ${other.port}`)
    if ((listener.hostname ?? '').toLowerCase() === (other.hostname ?? '').toLowerCase())
      return isTrue('Conflicted', 'HostnameConflict', `${which} is for the same hosts at port ${other.port}`)
  }
  if (holder === undefined || holder.owner === '' || holder.isSecure === (kind !== 'http')) return undefined
  const message = `port ${listener.port} belongs to the Gateway ${holder.owner}, which is older than ${keyOf(gateway)} and speaks ${holder.isSecure ? 'TLS' : 'HTTP'} there`
  return isTrue('Conflicted', 'ProtocolConflict', message)
}

function acceptanceOf(
  { protocol, port, tls }: Listener,
  kind: ListenerKind | undefined,
  hostname: string,
  conflict: Verdict | undefined,
  holder: PortHolder | undefined,
  isTaken: boolean,
): Verdict {
  if (kind === undefined)
    return protocol.toUpperCase() === 'TLS'
      ? isFalse(
          'Accepted',
          'UnsupportedValue',
          'TLS that ends here is served for HTTPS only: mode Passthrough leads connections as they are',
        )
      : isFalse('Accepted', 'UnsupportedProtocol', `${shown(protocol)} is not served: HTTP, HTTPS and TLS are`)
  if (conflict !== undefined) return isFalse('Accepted', conflict.reason, conflict.message)
  if (holder?.owner === '' && holder.isSecure !== (kind !== 'http'))
    return isFalse(
      'Accepted',
      'PortUnavailable',
      `port ${port} serves ${holder.isSecure ? 'HTTPS and TLS' : 'HTTP'} only, for Ingresses too`,
    )
  if (isTaken)
    return isFalse(
      'Accepted',
      'PortUnavailable',
      `port ${port} is taken by something else on the machine, or the machine has not the address`,
    )
  if (hostname !== '' && !isHost(hostname)) return isFalse('Accepted', 'UnsupportedValue', `${shown(hostname)} is no host name`)
  const [option] = Object.keys(tls?.options ?? {})
  if (option !== undefined) return isFalse('Accepted', 'UnsupportedValue', `the option ${shown(option)} of TLS is not known here`)
  return isTrue('Accepted', 'Accepted')
}

function supportedKinds(
  { allowedRoutes }: Listener,
  kind: ListenerKind | undefined,
): { readonly kinds: readonly RouteGroupKind[]; readonly problem?: Verdict } {
  const can = kind === undefined ? [] : KINDS_OF[kind]
  const named = allowedRoutes?.kinds ?? []
  if (named.length === 0) return { kinds: can.map((name) => ({ group: GROUP, kind: name })) }
  const isKnown = ({ group = GROUP, kind: name }: RouteGroupKind): boolean => group === GROUP && can.includes(name)
  const kinds = named.filter(isKnown).map(({ kind: name }) => ({ group: GROUP, kind: name }))
  const other = named.find((one) => !isKnown(one))
  if (other === undefined) return { kinds }
  return { kinds, problem: isFalse('ResolvedRefs', 'InvalidRouteKinds', `routes of kind ${shown(other.kind)} cannot be attached here`) }
}

function certificatesOf(
  gateway: Gateway,
  { tls }: Listener,
  { grantsIn, certificate }: GatewayView,
): { readonly secrets: readonly string[]; readonly problem: Verdict | undefined } {
  const own = gateway.metadata?.namespace ?? ''
  const secrets: string[] = []
  let problem: Verdict | undefined
  for (const { group = '', kind = 'Secret', namespace = own, name } of tls?.certificateRefs ?? []) {
    const secret = `${namespace}/${name}`
    const to = { group, kind, namespace, name }
    if (group !== '' || kind !== 'Secret')
      problem ??= isFalse('ResolvedRefs', 'InvalidCertificateRef', `a certificate of kind ${shown(kind)} is not served: Secrets are`)
    else if (!mayRefer({ group: GROUP, kind: 'Gateway', namespace: own }, to, grantsIn))
      problem ??= isFalse(
        'ResolvedRefs',
        'RefNotPermitted',
        `no ReferenceGrant in ${namespace} allows Gateways of ${own} the Secret ${shown(name)}`,
      )
    else {
      const read = certificate(secret)
      if (read === undefined || 'problem' in read) {
        const why = read === undefined ? 'it was not read yet' : read.problem
        problem ??= isFalse('ResolvedRefs', 'InvalidCertificateRef', `the Secret ${shown(secret)} is not used: ${why}`)
      } else secrets.push(secret)
    }
  }
  if (secrets.length === 0) problem ??= isFalse('ResolvedRefs', 'InvalidCertificateRef', 'no certificate is named')
  return { secrets, problem }
}

function overlapOf({ spec }: Gateway, listener: Listener): Verdict | undefined {
  const own = (listener.hostname ?? '').toLowerCase()
  const other = spec.listeners.find((one) => {
    const host = (one.hostname ?? '').toLowerCase()
    return one.name !== listener.name && one.port === listener.port && kindOf(one) === 'https' && (covers(own, host) || covers(host, own))
  })
  if (other === undefined) return undefined
  return isTrue('OverlappingTLSConfig', 'OverlappingHostnames', `the listener ${shown(other.name)} is for some of the same hosts`)
}

function judged(
  gateway: Gateway,
  listeners: readonly JudgedListener[],
  refusal: Verdict | undefined,
  { address, problem }: Addressed,
): JudgedGateway {
  const bad = listeners.filter(({ verdicts }) => verdicts[0]?.status !== 'True').map(({ listener }) => shown(listener.name))
  const isAccepted = refusal === undefined && bad.length < listeners.length
  const accepted =
    refusal ??
    (bad.length === 0
      ? isTrue('Accepted', 'Accepted')
      : ({
          type: 'Accepted',
          status: isAccepted ? 'True' : 'False',
          reason: 'ListenersNotValid',
          message: `not accepted: ${bad.join(', ')}`,
        } as const))
  const programmed = !isAccepted
    ? isFalse('Programmed', 'Invalid', accepted.message)
    : problem !== undefined
      ? problem
      : listeners.some(({ isServed }) => isServed)
        ? isTrue('Programmed', 'Programmed')
        : isFalse('Programmed', 'Invalid', 'no listener can be served')
  return { key: keyOf(gateway), gateway, address, listeners, isAccepted, verdicts: [accepted, programmed] }
}

const rankOf = (gateway: Gateway): string => `${gateway.metadata?.creationTimestamp ?? ''} ${keyOf(gateway)}`
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
