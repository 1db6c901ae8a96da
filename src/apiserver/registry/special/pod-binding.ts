import { type HttpResponse, rfc3339 } from '#base'
import { type core, type KubeObject, statusError } from '#api'
import { validateAdmission } from '../write/admit.ts'
import type { RequestContext } from '../context.ts'
import type { SpecialHandler, SpecialTarget } from '../special-handler.ts'
import { uidMismatch } from '../write/update.ts'
import type { View } from '../view.ts'
import { changeStored } from './change-stored.ts'
import { podView } from './pod-view.ts'
import { BINDING, createdAnswer, plainFailure, readPosted } from './posted.ts'

type Binding = core.Binding & KubeObject

/** POST of a Binding to `pods/binding`: gives a pod its node. */
export const podBinding: SpecialHandler = async (context, target) => bind(context, target, target.name)

/** POST of a Binding to `bindings`: the same, under the name that the Binding has. */
export const bindings: SpecialHandler = async (context, target) => bind(context, target, undefined)

async function bind(context: RequestContext, target: SpecialTarget, name: string | undefined): Promise<HttpResponse> {
  const { draft, options, request } = await readPosted(context, target, BINDING)
  const binding = draft as Binding
  const own = binding.metadata?.name ?? ''
  const podName = name ?? own
  if (name !== undefined && own !== name) throw statusError.badRequest('name in URL does not match name in Binding object')
  checkTarget(binding)
  if (podName === '') throw statusError.badRequest('Name parameter required.')
  await validateAdmission(context, request)
  const view = podView(context)
  const now = rfc3339(context.scope.clock.now())
  await changeStored<core.Pod>(context, view, target.namespace, podName, options.dryRun, (pod, entry) => {
    // Among the bindings it is the Binding that is made, with a uid of its own.
    const { uid = '', resourceVersion = '' } = binding.metadata ?? {}
    checkPreconditions(view, target.namespace, podName, { uid: name === undefined ? '' : uid, resourceVersion }, pod, entry.revision)
    checkUnbound(pod, podName)
    return boundPod(pod, binding, now)
  })
  return createdAnswer(context)
}

function checkTarget({ target }: Binding): void {
  const { kind = '', name = '' } = target ?? {}
  const wrong = [
    ...(kind === '' || kind === 'Node'
      ? []
      : [`target.kind: Unsupported value: ${JSON.stringify(kind)}: supported values: "Node", "<empty>"`]),
    ...(name === '' ? ['target.name: Required value'] : []),
  ]
  if (wrong.length > 0) throw plainFailure(wrong.length === 1 ? (wrong[0] ?? '') : `[${wrong.join(', ')}]`)
}

interface Preconditions {
  readonly uid: string
  readonly resourceVersion: string
}

function checkPreconditions(
  view: View,
  namespace: string,
  name: string,
  { uid, resourceVersion }: Preconditions,
  pod: core.Pod,
  revision: number,
): void {
  const there = pod.metadata?.uid ?? ''
  if (uid !== '' && uid !== there) throw uidMismatch(view, namespace, name, uid, there)
  if (resourceVersion !== '' && resourceVersion !== String(revision)) {
    const why = `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${revision}`
    throw statusError.conflict(
      view.resource,
      name,
      `StorageError: invalid object, Code: 4, Key: ${view.cache.prefix}${namespace}/${name}, ResourceVersion: 0, AdditionalErrorMsg: ${why}`,
    )
  }
}

/** Throws `StatusError` 409 for a pod that has a node, or shall not have one now. */
function checkUnbound({ metadata, spec }: core.Pod, name: string): void {
  const refused = (why: string): Error => statusError.conflict({ group: '', plural: 'pods/binding' }, name, `pod ${name} ${why}`)
  if (metadata?.deletionTimestamp !== undefined) throw refused('is being deleted, cannot be assigned to a host')
  if ((spec?.nodeName ?? '') !== '') throw refused(`is already assigned to node ${JSON.stringify(spec?.nodeName)}`)
  if ((spec?.schedulingGates ?? []).length > 0) throw refused('has non-empty .spec.schedulingGates')
}

/** The pod on its node: a new object, sharing what has not changed. */
function boundPod(pod: core.Pod, { target, metadata: given }: Binding, now: string): core.Pod {
  const { metadata, spec, status } = pod
  const { nominatedNodeName: _, ...rest } = status ?? {}
  return {
    ...pod,
    metadata: {
      ...metadata,
      ...(given?.annotations === undefined ? {} : { annotations: { ...metadata?.annotations, ...given.annotations } }),
      ...(given?.labels === undefined ? {} : { labels: { ...metadata?.labels, ...given.labels } }),
    },
    ...(spec === undefined ? {} : { spec: { ...spec, nodeName: target?.name ?? '' } }),
    status: { ...rest, conditions: scheduledNow(status?.conditions ?? [], now) },
  }
}

function scheduledNow(conditions: readonly core.PodCondition[], now: string): core.PodCondition[] {
  const before = conditions.find(({ type }) => type === 'PodScheduled')
  const since = before?.status === 'True' ? before.lastTransitionTime : now
  const scheduled: core.PodCondition = { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: since ?? now }
  return before === undefined ? [...conditions, scheduled] : conditions.map((condition) => (condition === before ? scheduled : condition))
}
