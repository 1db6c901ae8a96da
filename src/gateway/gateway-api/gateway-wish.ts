import { type Condition, answers } from '#routing'
import type { ReadCertificate } from '../model/certificate.ts'
import { isHost } from '../model/grammar.ts'
import { spotText } from '../model/spot.ts'
import { DEEP_KEY, type WantedRoute, type Wish } from '../model/wish.ts'
import { covers, keysOfHost } from './hostnames.ts'
import type { JudgedGateway, JudgedListener } from './listeners.ts'
import { type UsualPorts, spaceOf, wishIdOf } from './route-wish.ts'

export interface GatewayWishView extends UsualPorts {
  certificate(secret: string): ReadCertificate | undefined
  /** At a spot, as `spotText` has it, of all Gateways. */
  listenersAt(spot: string): readonly JudgedListener[]
}

/** What a Gateway wants itself: certificates for its hosts, and that requests for a host of a listener are led by its routes alone. */
export function wishOfGateway({ key, gateway, listeners }: JudgedGateway, view: GatewayWishView): Wish {
  return {
    id: wishIdOf('Gateway', key),
    rank: `${gateway.metadata?.creationTimestamp ?? ''} ${key}`,
    routes: listeners.flatMap((one) => (one.isServed ? [...endsOf(one, view), ...apart(one)] : [])),
    backends: new Map(),
    services: new Set(),
    certificates: listeners.flatMap((one) => (one.isServed ? certificatesOf(one, view) : [])),
    findings: [],
  }
}

/** The first one is for the listener's host; all others, and those of a listener for every host, are for the names that they are made for. */
function certificatesOf({ hostname, secrets }: JudgedListener, view: GatewayWishView): Wish['certificates'] {
  return secrets.flatMap((secret, at) => {
    if (at === 0 && hostname !== '') return [{ host: hostname, secret }]
    const read = view.certificate(secret)
    const names = read === undefined || 'problem' in read ? [] : read.names
    return names.filter((name) => isHost(name) && name !== hostname && covers(hostname, name)).map((host) => ({ host, secret }))
  })
}

/** A connection that was made for the host of one listener is not for those of another one. */
function apart({ spot, kind, hostname }: JudgedListener): readonly WantedRoute[] {
  return kind === 'https' ? [{ map: 'listeners', key: `${spotText(spot)}:${hostname}`, precedence: '9', rules: [], what: '' }] : []
}

/** Where a listener with fewer exact hosts would lead what no route of this one takes, such requests are answered with 404. */
function endsOf({ spot, kind, hostname }: JudgedListener, view: GatewayWishView): readonly WantedRoute[] {
  const isWithin = view
    .listenersAt(spotText(spot))
    .some((other) => other.isServed && other.kind === kind && other.hostname !== hostname && covers(other.hostname, hostname))
  if (!isWithin || (kind !== 'http' && kind !== 'https')) return []
  const space = spaceOf(spot, view)
  const when: Condition | undefined = space === '' ? { kind: 'scheme', is: kind } : undefined
  const action = { kind: 'forward', to: [{ backend: answers(404), weight: 1 }] } as const
  const common = { precedence: '9', what: '' }
  return [
    ...keysOfHost(hostname).map(
      (key): WantedRoute => ({
        map: 'prefix',
        key: `${space}${key}/`,
        rules: [when === undefined ? { action } : { when, action }],
        ...common,
      }),
    ),
    ...(hostname.startsWith('*.') ? [{ map: 'defaults', key: DEEP_KEY, rules: [], ...common } as const] : []),
  ]
}
