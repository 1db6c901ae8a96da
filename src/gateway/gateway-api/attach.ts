import { type Labels, labelSelectorOf } from '#api'
import { shown } from '../model/grammar.ts'
import { spotText } from '../model/spot.ts'
import { type Verdict, isFalse, isTrue } from './status/conditions.ts'
import { covers, hostsOf } from './hostnames.ts'
import { GROUP, type ParentReference, type Route } from './kinds.ts'
import type { JudgedGateway, JudgedListener } from './listeners.ts'

export interface AttachView {
  /** By `namespace/name`: the Gateways that are served here. */
  gateway(key: string): JudgedGateway | undefined
  /** At a spot, as `spotText` has it, of all Gateways. */
  listenersAt(spot: string): readonly JudgedListener[]
  /** Of a namespace. */
  labels(namespace: string): Readonly<Record<string, string>>
}

export interface Attachment {
  readonly listener: JudgedListener
  /** Those of the route's that are led by this listener, as `hostsOf` has them. */
  readonly hosts: readonly string[]
}

/** A route and one of its parents that is served here. */
export interface Parent {
  readonly parentRef: ParentReference
  readonly accepted: Verdict
  readonly attached: readonly Attachment[]
}

/** Parents that are no Gateways of ours are others' to judge. */
export function attach(route: Route, kind: string, view: AttachView): readonly Parent[] {
  const own = route.metadata?.namespace ?? ''
  return (route.spec.parentRefs ?? []).flatMap((parentRef) => {
    const { group = GROUP, kind: parentKind = 'Gateway', namespace = own, name } = parentRef
    const gateway = group === GROUP && parentKind === 'Gateway' ? view.gateway(`${namespace}/${name}`) : undefined
    return gateway === undefined ? [] : [attachTo(gateway, parentRef, route, kind, view)]
  })
}

function attachTo(gateway: JudgedGateway, parentRef: ParentReference, route: Route, kind: string, view: AttachView): Parent {
  const refused = (reason: string, message: string): Parent => ({ parentRef, accepted: isFalse('Accepted', reason, message), attached: [] })
  const { sectionName, port } = parentRef
  const named = gateway.listeners.filter(
    ({ listener }) => (sectionName === undefined || listener.name === sectionName) && (port === undefined || listener.port === port),
  )
  if (named.length === 0)
    return refused(
      'NoMatchingParent',
      `the Gateway ${gateway.key} has no listener ${shown(sectionName ?? '')}${port === undefined ? '' : ` at port ${port}`}`,
    )
  const allowed = named.filter((one) => isAllowed(one, gateway, route, kind, view))
  if (allowed.length === 0) return refused('NotAllowedByListeners', `no listener of the Gateway ${gateway.key} takes this route`)
  const attached = allowed.flatMap((listener) => {
    const hosts = hostsOf(listener.hostname, route.spec.hostnames ?? [])
    return hosts.length === 0 ? [] : [{ listener, hosts: hosts.filter((host) => !isOthers(host, listener, view)) }]
  })
  if (attached.length === 0)
    return refused('NoMatchingListenerHostname', `no listener of the Gateway ${gateway.key} is for a host of this route`)
  return { parentRef, accepted: isTrue('Accepted', 'Accepted'), attached }
}

function isAllowed(
  { listener, supportedKinds }: JudgedListener,
  { gateway }: JudgedGateway,
  route: Route,
  kind: string,
  view: AttachView,
): boolean {
  if (!supportedKinds.some((one) => one.kind === kind)) return false
  const namespace = route.metadata?.namespace ?? ''
  const { from = 'Same', selector } = listener.allowedRoutes?.namespaces ?? {}
  switch (from) {
    case 'All':
      return true
    case 'Selector':
      return selector !== undefined && labelSelectorOf(selector).matches(view.labels(namespace) as Labels)
    default:
      return namespace === gateway.metadata?.namespace
  }
}

/** Requests for the host belong to a listener of the same port and address that is more exact. */
function isOthers(host: string, { spot, hostname, kind }: JudgedListener, view: AttachView): boolean {
  return view
    .listenersAt(spotText(spot))
    .some(
      (other) =>
        other.isServed &&
        other.kind === kind &&
        other.hostname !== hostname &&
        covers(hostname, other.hostname) &&
        covers(other.hostname, host),
    )
}
