import { type Scope, isCancelled, messageOf } from '#base'
import { type core, quantityValue } from '#api'
import { resourceSettings, resourcesOf, withPodLimits } from '../../containers/resources.ts'
import type { Action } from '../plan/action.ts'
import { findContainer, uidOf } from '../pod-facts.ts'
import type { PodSubject } from '../pod-subject.ts'
import { resizeMessage } from './plan-resize.ts'

const RETRY_MS = 10_000

/** Gives running containers other limits: the pod's cgroup is widened first and narrowed last, so that no limit is ever above its parent's. */
export async function resizePod(scope: Scope, worker: PodSubject, { containers }: Extract<Action, { type: 'resize' }>): Promise<void> {
  const { services, pod, memory } = worker
  const { settings, runtime, cgroups } = services
  try {
    await verifyUse(scope, worker, containers)
    cgroups.widen(pod)
    for (const { id, name } of containers) {
      const container = findContainer(pod, name)
      if (container === undefined) continue
      await runtime.updateContainerResources(scope, id, {
        ...resourcesOf(pod, container, resourceSettings(settings)),
        ...services.placementOf(pod, name),
      })
      memory.actuated.set(id, withPodLimits(container.resources, pod.spec?.resources))
    }
    cgroups.ensure(pod)
    memory.actuatedPod = pod.spec?.resources ?? {}
  } catch (error) {
    if (isCancelled(error)) throw error
    noteError(worker, messageOf(error))
  }
}

/** The kernel would kill a container whose new memory limit it already exceeds. */
async function verifyUse(
  scope: Scope,
  worker: PodSubject,
  containers: readonly { readonly id: string; readonly name: string }[],
): Promise<void> {
  const shrinking = containers.flatMap(({ id, name }) => {
    const limit = memoryLimit(withPodLimits(findContainer(worker.pod, name)?.resources, worker.pod.spec?.resources))
    const before = memoryLimit(worker.memory.actuated.get(id))
    return limit !== undefined && (before === undefined || limit < before) ? [{ id, name, limit }] : []
  })
  const podLimit = memoryLimit(worker.pod.spec?.resources)
  const podBefore = memoryLimit(worker.memory.actuatedPod)
  const shrinks = podLimit !== undefined && (podBefore === undefined || podLimit < podBefore)
  if (shrinking.length === 0 && !shrinks) return
  const stats = await worker.services.runtime.listContainerStats(scope)
  const wrong = shrinking.flatMap(({ id, name, limit }) => {
    const usage = stats.find((one) => one.id === id)?.usageBytes
    if (usage === undefined) return [`missing container ${JSON.stringify(name)} memory usage`]
    return usage >= limit
      ? [`attempting to set container ${JSON.stringify(name)} memory limit (${limit}) below current usage (${usage})`]
      : []
  })
  const uid = uidOf(worker.pod)
  const used = stats.reduce((sum, { podUid, usageBytes }) => sum + (podUid === uid ? usageBytes : 0), 0)
  if (shrinks && used >= podLimit) wrong.push(`attempting to set pod memory limit (${podLimit}) below current usage (${used})`)
  if (wrong.length > 0) throw new Error(`cannot decrease memory limits: ${wrong.length === 1 ? wrong[0] : `[${wrong.join(', ')}]`}`)
}

const memoryLimit = (resources: core.ResourceRequirements | undefined): number | undefined =>
  resources?.limits?.memory === undefined ? undefined : quantityValue(resources.limits.memory)

function noteError(worker: PodSubject, error: string): void {
  const { memory, services, pod } = worker
  const before = memory.resize.inProgress
  const generation = before?.generation ?? pod.metadata?.generation ?? 0
  memory.resize = { ...memory.resize, inProgress: { generation, error, retryAtMs: worker.now() + RETRY_MS } }
  if (before?.error !== error)
    services.events.record(pod, 'Warning', 'ResizeError', resizeMessage(pod, 'Pod resize error', generation, error))
}
