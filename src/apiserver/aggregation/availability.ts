import { type Scope, messageOf, rfc3339 } from '#base'
import { type apiregistration, deepEqual, isNotFound, refs } from '#api'
import type { ObjectReader, ObjectWriter } from '../contract.ts'
import { ownWorker } from '../registry/own-worker.ts'
import type { Follow } from '../registry/read/follow.ts'
import type { RemoteDialler } from './remote-dialler.ts'
import { type RemoteService, type RemoteServices, availableCondition, remoteOf } from './remote-services.ts'
import { userHeaders } from './user-headers.ts'

type Condition = apiregistration.APIServiceCondition
type Judgement = Pick<Condition, 'status' | 'reason' | 'message'>

const SERVICE_LABEL = 'kubernetes.io/service-name'
const PROBE_MS = 5000
const LOOK_AGAIN_MS = 30_000
const ATTEMPTS = 5
const PASSED: Judgement = { status: 'True', reason: 'Passed', message: 'all checks passed' }
/** The server behind must let this server ask, whatever its rules are. */
const ASKER = { name: 'system:kube-aggregator', groups: ['system:masters'], extra: {} }

/** What the cluster's objects say of a service: why it cannot be reached. Undefined when nothing speaks against asking it. */
export function judgeService(reader: ObjectReader, { namespace, service: name, port }: RemoteService): Judgement | undefined {
  const missing = (reason: string, message: string): Judgement => ({ status: 'False', reason, message })
  const shown = `service/${name} in ${JSON.stringify(namespace)}`
  const service = reader.get(refs.services, namespace, name)
  if (service === undefined) return missing('ServiceNotFound', `${shown} is not present`)
  if (service.spec?.type !== undefined && service.spec.type !== 'ClusterIP') return undefined
  const portName = service.spec?.ports?.find((one) => one.port === port)
  if (portName === undefined) return missing('ServicePortError', `${shown} is not listening on port ${port}`)
  const slices = reader.list(refs.endpointslices, namespace).filter(({ metadata }) => metadata?.labels?.[SERVICE_LABEL] === name)
  if (slices.length === 0) return missing('EndpointsNotFound', `cannot find endpointslices for ${shown}`)
  const wanted = portName.name ?? ''
  const hasOne = slices.some(
    ({ endpoints, ports }) =>
      (endpoints ?? []).some(({ conditions }) => conditions?.ready !== false) &&
      (ports ?? []).some((one) => (one.name ?? '') === wanted && one.port !== undefined),
  )
  if (hasOne) return undefined
  return missing('MissingEndpoints', `endpointslices for ${shown} have no addresses with port name ${JSON.stringify(wanted)}`)
}

export interface AvailabilityParts {
  readonly reader: ObjectReader
  readonly writer: ObjectWriter
  readonly follow: Follow
  readonly services: RemoteServices
  readonly dialler: RemoteDialler
  /** Told of each server that has answered. */
  readonly onAnswer: (service: RemoteService) => void
}

/**
 * Keeps the condition of APIServices that are served elsewhere: looked at when they, their services or endpoints change, and asked
 * again from time to time as long as there are any.
 */
export function watchAvailability(scope: Scope, parts: AvailabilityParts): void {
  const { reader, follow, services } = parts
  let isWaiting = false
  const worker = ownWorker(scope, 'to check the APIServices of other servers', async () => {
    await Promise.all(services.all().map((service) => check(scope, parts, service)))
    if (services.isEmpty || isWaiting) return
    isWaiting = true
    scope.clock.after(
      LOOK_AGAIN_MS,
      () => {
        isWaiting = false
        worker.schedule()
      },
      { background: true },
    )
  })
  let known = ''
  follow(scope, refs.apiservices, () => {
    // Its own writes of the condition are no reason to ask again; that somebody has taken it away is one.
    const remote = reader.list(refs.apiservices).filter((one) => remoteOf(one) !== undefined)
    const next = JSON.stringify(remote.map((one) => [one.metadata?.name, one.spec]))
    if (known === next && remote.every((one) => availableCondition(one) !== undefined)) return
    known = next
    worker.schedule()
  })
  for (const ref of [refs.services, refs.endpointslices]) follow(scope, ref, () => void (services.isEmpty || worker.schedule()))
  if (!services.isEmpty) worker.schedule()
}

async function check(scope: Scope, { reader, writer, dialler, onAnswer }: AvailabilityParts, service: RemoteService): Promise<void> {
  const judgement = judgeService(reader, service) ?? (await probe(scope, dialler, service, placeOf(reader, service)))
  if (judgement.status === 'True') onAnswer(service)
  const now = rfc3339(scope.clock.now())
  await writer
    .changeStatus(scope, refs.apiservices, '', service.name, (draft) => {
      const before = availableCondition(draft)
      const lastTransitionTime = before?.status === judgement.status ? (before.lastTransitionTime ?? now) : now
      const next: Condition = { type: 'Available', ...judgement, lastTransitionTime }
      if (before !== undefined && deepEqual(before, next)) return
      draft.status = { ...draft.status, conditions: [...(draft.status?.conditions ?? []).filter(({ type }) => type !== 'Available'), next] }
    })
    .catch((error: unknown) => {
      if (!isNotFound(error)) throw error
    })
}

/** What is asked, as people are told: the address of the service, or the name that it stands for. */
function placeOf(reader: ObjectReader, { namespace, service: name, port }: RemoteService): string {
  const { type, externalName = '', clusterIP = '' } = reader.get(refs.services, namespace, name)?.spec ?? {}
  const host = type === 'ExternalName' ? externalName : clusterIP
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Whether one of several endpoints answers what every such server must answer. */
async function probe(scope: Scope, dialler: RemoteDialler, service: RemoteService, place: string): Promise<Judgement> {
  const path = service.group === '' ? `/api/${service.version}` : `/apis/${service.group}/${service.version}`
  let last = ''
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const own = scope.child({ timeoutMs: PROBE_MS })
    const shown = `https://${place}${path}`
    try {
      const found = await dialler.send(own, service, { method: 'GET', path, headers: userHeaders(ASKER) })
      if (found.kind === 'upgraded') found.socket.destroy()
      else {
        found.answer.resume()
        const { statusCode = 0 } = found.answer
        if (statusCode >= 200 && statusCode < 300) return PASSED
        last = `failing or missing response from ${shown}: bad status from ${shown}: ${statusCode}`
      }
    } catch (error) {
      scope.check()
      const why = own.signal.aborted ? 'context deadline exceeded' : messageOf(error)
      last = `failing or missing response from ${shown}: Get ${JSON.stringify(shown)}: ${why}`
    } finally {
      own.cancel()
    }
  }
  return { status: 'False', reason: 'FailedDiscoveryCheck', message: last }
}
