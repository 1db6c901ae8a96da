import type { Scope } from '#base'
import { type core, refs } from '#api'
import type { Client } from '#client'

const ASK_WITHIN_MS = 5_000

/** Why the pods of a service are not ready, in the words of the node and the scheduler: for the one who waited in vain. */
export async function whyNotReady(scope: Scope, client: Client, namespace: string, labelSelector: string): Promise<string> {
  using asking = scope.detached().child({ timeoutMs: ASK_WITHIN_MS })
  const pods = await client.resource(refs.pods).list(asking, { namespace, labelSelector })
  if (pods.items.length === 0) return 'no pod was made'
  const reasons = await Promise.all(pods.items.map((pod) => reasonOf(asking, client, namespace, pod)))
  return [...new Set(reasons.filter((reason) => reason !== undefined))].join('; ') || 'its pods have just become ready'
}

async function reasonOf(scope: Scope, client: Client, namespace: string, pod: core.Pod): Promise<string | undefined> {
  const name = pod.metadata?.name ?? ''
  const unscheduled = pod.status?.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False')
  if (unscheduled !== undefined) return `${name} has no node: ${unscheduled.message ?? ''}`
  for (const { state, lastState, ready } of pod.status?.containerStatuses ?? []) {
    const { waiting } = state ?? {}
    if (waiting !== undefined) return `${name}: ${waiting.reason ?? 'waits'}${waiting.message === undefined ? '' : ` (${waiting.message})`}`
    const ended = state?.terminated ?? (ready ? undefined : lastState?.terminated)
    if (ended !== undefined)
      return `${name}: ended with exit code ${ended.exitCode}${ended.message === undefined ? '' : `: ${ended.message}`}`
  }
  if (pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true) return undefined
  const events = await client.resource(refs.events).list(scope, { namespace, fieldSelector: `involvedObject.name=${name},type=Warning` })
  return `${name}: ${events.items.at(-1)?.message?.trim() ?? 'not ready'}`
}
