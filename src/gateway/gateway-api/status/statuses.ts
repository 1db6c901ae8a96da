import { CONTROLLER } from '../../model/classes.ts'
import type { Parent } from '../attach.ts'
import { type Verdict, isFalse, isTrue, mergeConditions, sameConditions } from './conditions.ts'
import { SUPPORTED_FEATURES } from './features.ts'
import {
  type BackendTLSPolicy,
  GROUP,
  type Gateway,
  type GatewayClass,
  type GatewayStatus,
  type ParentReference,
  type PolicyAncestorStatus,
  type Route,
  type RouteParentStatus,
} from '../kinds.ts'
import type { JudgedGateway } from '../listeners.ts'

const OF_CLASSES: ReadonlySet<string> = new Set(['Accepted', 'SupportedVersion'])
const OF_GATEWAYS: ReadonlySet<string> = new Set(['Accepted', 'Programmed'])
const OF_LISTENERS: ReadonlySet<string> = new Set(['Accepted', 'Conflicted', 'ResolvedRefs', 'Programmed', 'OverlappingTLSConfig'])
const MOST_ANCESTORS = 16
const OF_POLICIES: ReadonlySet<string> = new Set(['Accepted', 'ResolvedRefs'])
const OF_ROUTES: ReadonlySet<string> = new Set(['Accepted', 'ResolvedRefs', 'PartiallyInvalid'])

/** Undefined where the status says it already. */
export function statusOfClass(known: GatewayClass, isRecognized: boolean, now: string): GatewayClass['status'] | undefined {
  const said: readonly Verdict[] = [
    known.spec.parametersRef === undefined
      ? isTrue('Accepted', 'Accepted')
      : isFalse('Accepted', 'InvalidParameters', 'spec.parametersRef is not known here: there are no parameters'),
    isRecognized
      ? isTrue('SupportedVersion', 'SupportedVersion')
      : isFalse(
          'SupportedVersion',
          'UnsupportedVersion',
          'kinds of Gateway API are there in a version that is not known here; they are served as well as can be',
        ),
  ]
  const before = known.status?.conditions ?? []
  const conditions = mergeConditions(before, said, OF_CLASSES, known.metadata?.generation ?? 0, now)
  const supportedFeatures = SUPPORTED_FEATURES.map((name) => ({ name }))
  const same = sameConditions(before, conditions) && JSON.stringify(known.status?.supportedFeatures) === JSON.stringify(supportedFeatures)
  return same ? undefined : { conditions, supportedFeatures }
}

/** `attached` says how many routes a listener has. */
export function statusOfGateway(
  known: Gateway,
  { verdicts, address, listeners, isAccepted }: JudgedGateway,
  attached: (listener: string) => number,
  now: string,
): GatewayStatus | undefined {
  const generation = known.metadata?.generation ?? 0
  const before = known.status ?? {}
  const status: GatewayStatus = {
    addresses: isAccepted && address !== undefined ? [{ type: 'IPAddress', value: address }] : [],
    conditions: mergeConditions(before.conditions ?? [], verdicts, OF_GATEWAYS, generation, now),
    listeners: listeners.map(({ listener: { name }, supportedKinds, verdicts: said }) => ({
      name,
      supportedKinds,
      attachedRoutes: attached(name),
      conditions: mergeConditions(
        before.listeners?.find((one) => one.name === name)?.conditions ?? [],
        said,
        OF_LISTENERS,
        generation,
        now,
      ),
    })),
  }
  return sameStatus(before, status) ? undefined : status
}

function sameStatus(before: GatewayStatus, status: GatewayStatus): boolean {
  const [old = [], now = []] = [before.listeners, status.listeners]
  const addresses = ({ addresses = [] }: GatewayStatus): string => JSON.stringify(addresses.map(({ type, value }) => [type, value]))
  return (
    addresses(before) === addresses(status) &&
    sameConditions(before.conditions ?? [], status.conditions ?? []) &&
    old.length === now.length &&
    now.every((one, at) => {
      const other = old[at]
      return (
        other?.name === one.name &&
        other.attachedRoutes === one.attachedRoutes &&
        kindsText(other.supportedKinds) === kindsText(one.supportedKinds) &&
        sameConditions(other.conditions, one.conditions)
      )
    })
  )
}

const kindsText = (kinds: readonly { readonly group?: string | undefined; readonly kind: string }[] | undefined): string =>
  JSON.stringify((kinds ?? []).map(({ group = GROUP, kind }) => [group, kind]))

/** What other controllers say of their parents stays, and stays where it is. */
export function parentsOfRoute(
  known: Route,
  parents: readonly Parent[],
  verdicts: readonly Verdict[],
  refused: Verdict | undefined,
  now: string,
): readonly RouteParentStatus[] | undefined {
  const before = known.status?.parents ?? []
  const generation = known.metadata?.generation ?? 0
  const ours = parents.map(({ parentRef, accepted }): RouteParentStatus => {
    const entry = before.find((one) => one.controllerName === CONTROLLER && refText(one.parentRef) === refText(parentRef))
    const isAccepted = accepted.status === 'True' && refused === undefined
    const said = [
      accepted.status === 'True' && refused !== undefined ? refused : accepted,
      ...verdicts.filter(({ type }) => isAccepted || type !== 'PartiallyInvalid'),
    ]
    return {
      parentRef,
      controllerName: CONTROLLER,
      conditions: mergeConditions(entry?.conditions ?? [], said, OF_ROUTES, generation, now),
    }
  })
  const after = [...before.filter(({ controllerName }) => controllerName !== CONTROLLER), ...ours]
  const same =
    after.length === before.length &&
    after.every((one, at) => {
      const other = before[at]
      return (
        other?.controllerName === one.controllerName &&
        refText(other.parentRef) === refText(one.parentRef) &&
        sameConditions(other.conditions, one.conditions)
      )
    })
  return same ? undefined : after
}

/** `gateways` are those whose routes lead to what the policy is for. */
export function ancestorsOfPolicy(
  known: BackendTLSPolicy,
  verdicts: readonly Verdict[],
  gateways: readonly string[],
  now: string,
): readonly PolicyAncestorStatus[] | undefined {
  const before = known.status?.ancestors ?? []
  const others = before.filter(({ controllerName }) => controllerName !== CONTROLLER)
  const ours = gateways.slice(0, MOST_ANCESTORS - others.length).map((key): PolicyAncestorStatus => {
    const [namespace = '', name = ''] = key.split('/')
    const ancestorRef = { group: GROUP, kind: 'Gateway', namespace, name }
    const entry = before.find((one) => one.controllerName === CONTROLLER && refText(one.ancestorRef) === refText(ancestorRef))
    const conditions = mergeConditions(entry?.conditions ?? [], verdicts, OF_POLICIES, known.metadata?.generation ?? 0, now)
    return { ancestorRef, controllerName: CONTROLLER, conditions }
  })
  const after = [...others, ...ours]
  const same =
    after.length === before.length &&
    after.every((one, at) => {
      const other = before[at]
      return (
        other !== undefined && refText(other.ancestorRef) === refText(one.ancestorRef) && sameConditions(other.conditions, one.conditions)
      )
    })
  return same ? undefined : after
}

const refText = ({ group = GROUP, kind = 'Gateway', namespace, name, sectionName, port }: ParentReference): string =>
  JSON.stringify([group, kind, namespace, name, sectionName, port])
