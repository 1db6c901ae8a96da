import { type Scope, messageOf } from '#base'
import { type core, type discovery, isConflict, isNotFound, keyOf, refs, zoneOf } from '#api'
import type { Client } from '#client'
import {
  type ControllerDefinition,
  type EventRecorder,
  PODS_BY_NODE,
  controllerReference,
  done,
  hasEndpoints,
  inParallel,
  indexByNode,
  isNamespaceEnding,
  OwnWrites,
  podsOfService,
  servicesOfPod,
  TriggerTimes,
  untilSettled,
} from '#reconcile'
import {
  CONTROLLER,
  type HintsOutcome,
  MANAGED_BY,
  SERVICE_NAME,
  familiesOf,
  sliceLabels,
  wantedGroups,
  withHints,
} from './plan-endpoints.ts'
import { type SlicePlan, planSlices, triggerAnnotation } from './plan-slices.ts'
import { asksForHints } from './topology-hints.ts'

export const SERVICE_INDEX = 'service'
const WIDTH = 16

export function serviceKeyOfSlice(slice: discovery.EndpointSlice): string {
  return `${slice.metadata?.namespace ?? ''}/${slice.metadata?.labels?.[SERVICE_NAME] ?? ''}`
}

export const endpointSliceController: ControllerDefinition = {
  name: 'endpoint-slice-controller',
  workers: 5,
  setup(context) {
    const services = context.watch(refs.services, ({ key }) => [key])
    const pods = context.watch(refs.pods, (change) => servicesOfPod(services, change))
    indexByNode(pods)
    const nodes = context.watch(refs.nodes, ({ key, old, now }) => {
      const hinted = capacityOf(old) === capacityOf(now) ? [] : services.list().filter(asksForHints).map(keyOf)
      // What goes with a node that leaves is noticed with the next change: it may be back at once, and its pods run.
      if (now === undefined || (old !== undefined && zoneOf(old) === zoneOf(now))) return hinted
      return [
        ...hinted,
        ...pods.byIndex(PODS_BY_NODE, key).flatMap((pod) => servicesOfPod(services, { key: keyOf(pod), old: undefined, now: pod })),
      ]
    })
    const slices = context.watch(refs.endpointslices, ({ old, now }) =>
      [old, now].flatMap((slice) => (slice?.metadata?.labels?.[MANAGED_BY] === CONTROLLER ? [serviceKeyOfSlice(slice)] : [])),
    )
    slices.addIndex(SERVICE_INDEX, (slice) => [serviceKeyOfSlice(slice)])
    const ownWrites = new OwnWrites(slices, () => context.scope.clock.monotonic())
    const triggers = new TriggerTimes()

    return async (scope, key) => {
      const service = services.get(key)
      if (service === undefined) {
        ownWrites.forget(key)
        triggers.forget(key)
        return done
      }
      if (!hasEndpoints(service) || service.metadata?.deletionTimestamp !== undefined) return done
      const waiting = untilSettled(key, ownWrites)
      if (waiting !== undefined) return waiting
      const members = podsOfService(pods, service)
      const existing = slices
        .byIndex(SERVICE_INDEX, key)
        .filter((slice) => slice.metadata?.labels?.[MANAGED_BY] === CONTROLLER && slice.metadata.deletionTimestamp === undefined)
      const problems: string[] = []
      const { groups, outcomes } = withHints(
        service,
        wantedGroups(
          service,
          members,
          (name) => nodes.get(name),
          (why) => problems.push(why),
        ),
        () => nodes.list(),
      )
      const plan = planSlices(
        groups,
        existing,
        {
          namespace: service.metadata?.namespace ?? '',
          generateName: `${service.metadata?.name ?? ''}-`,
          owner: controllerReference(service, refs.services),
          labels: sliceLabels(service, CONTROLLER),
          annotations: triggerAnnotation(triggers.changed(key, service, members)),
        },
        familiesOf(service),
      )
      try {
        await writeSlices(scope, context.client, plan, key, ownWrites, `Service ${key}`)
      } catch (error) {
        scope.check()
        if (!isConflict(error)) tellOfProblems(context.events, service, [...problems, messageOf(error)])
        throw error
      }
      tellOfProblems(context.events, service, problems)
      tellOfHints(context.events, service, outcomes, existing)
      return done
    }
  },
}

/** What of a node decides how much of the endpoints its zone gets. */
const capacityOf = (node: core.Node | undefined): string =>
  JSON.stringify([
    node?.status?.allocatable?.cpu,
    node?.status?.conditions?.find(({ type }) => type === 'Ready')?.status,
    Object.keys(node?.metadata?.labels ?? {}).filter((label) => label.startsWith('node-role.kubernetes.io/')),
  ])

/** What stands in the way of a Service's endpoints, each thing once. */
function tellOfProblems(events: EventRecorder, service: core.Service, problems: readonly string[]): void {
  const [first, ...more] = new Set(problems)
  if (first === undefined) return
  const { namespace = '', name = '' } = service.metadata ?? {}
  const why = more.length === 0 ? first : `[${[first, ...more].join(', ')}]`
  const about = { apiVersion: 'v1', kind: 'Service', metadata: service.metadata }
  events.event(about, 'Warning', 'FailedToUpdateEndpointSlices', `Error updating Endpoint Slices for Service ${namespace}/${name}: ${why}`)
}

function tellOfHints(
  events: EventRecorder,
  service: core.Service,
  outcomes: readonly HintsOutcome[],
  before: readonly discovery.EndpointSlice[],
): void {
  const about = { apiVersion: 'v1', kind: 'Service', metadata: service.metadata }
  for (const { addressType, problem } of outcomes) {
    const had = before.some((slice) => slice.addressType === addressType && slice.endpoints?.some(({ hints }) => hints !== undefined))
    const text = `${problem ?? 'Topology Aware Hints has been enabled'}, addressType: ${addressType}`
    if (problem !== undefined) events.event(about, 'Warning', 'TopologyAwareHintsDisabled', text)
    else if (!had) events.event(about, 'Normal', 'TopologyAwareHintsEnabled', text)
  }
}

/** `about`: whose slices they are, for the errors. */
export async function writeSlices(
  scope: Scope,
  client: Client,
  plan: SlicePlan,
  key: string,
  ownWrites: OwnWrites<discovery.EndpointSlice>,
  about: string,
): Promise<void> {
  const slices = client.resource(refs.endpointslices)
  const nameOf = ({ metadata }: discovery.EndpointSlice): string => metadata?.name ?? ''
  const failed = (verb: string, error: unknown): unknown => {
    scope.check()
    return isConflict(error) ? error : new Error(`failed to ${verb} for ${about}: ${messageOf(error)}`, { cause: error })
  }
  await inParallel(plan.create, WIDTH, async (slice) => {
    try {
      ownWrites.wrote(key, await slices.create(scope, slice))
    } catch (error) {
      if (!isNamespaceEnding(error)) throw failed('create EndpointSlice', error)
    }
  })
  await inParallel(plan.update, WIDTH, async (slice) => {
    try {
      ownWrites.wrote(key, await slices.update(scope, slice))
    } catch (error) {
      throw failed(`update ${nameOf(slice)} EndpointSlice`, error)
    }
  })
  await inParallel(plan.remove, WIDTH, async (slice) => {
    try {
      await slices.delete(scope, { namespace: slice.metadata?.namespace, name: nameOf(slice) })
      ownWrites.deleted(key, keyOf(slice), slice.metadata?.uid ?? '')
    } catch (error) {
      if (!isNotFound(error)) throw failed(`delete ${nameOf(slice)} EndpointSlice`, error)
    }
  })
}
