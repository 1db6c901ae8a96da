import type { core } from '#api'
import type { Release } from '../objects.ts'

/** What was released, by whom, how it went, and what it was judged by; without anything that a reader would have to look up elsewhere. */
export function recordOf({ metadata, spec, status }: Release, pods: readonly core.Pod[]): object {
  const { history = [], stable, next, analysis } = status ?? {}
  const judgement = analysis?.judgement
  return {
    release: metadata?.name ?? '',
    namespace: metadata?.namespace ?? '',
    uid: metadata?.uid ?? '',
    created: metadata?.creationTimestamp ?? '',
    author: spec.author ?? '',
    deployment: spec.deployment,
    strategy: spec.strategy,
    outcome: {
      phase: status?.phase ?? 'Pending',
      reason: status?.reason ?? '',
      message: status?.message ?? '',
      attempt: status?.attempt ?? spec.attempt,
    },
    versions: { old: stable?.images ?? [], new: next?.images ?? [] },
    // As the nodes say now: what is not running has none.
    digests: digestsOf(pods),
    verdict: judgement === undefined ? undefined : { ...judgement, new: counted(analysis?.next), control: counted(analysis?.control) },
    rules: spec.analysis,
    timeline: history,
  }
}

const counted = (of: { readonly requests: number; readonly errors: number } | undefined): object => ({
  requests: of?.requests ?? 0,
  errors: of?.errors ?? 0,
})

function digestsOf(pods: readonly core.Pod[]): Readonly<Record<string, string>> {
  const found = new Map<string, string>()
  for (const { status } of pods)
    for (const { image, imageID } of [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])])
      if (imageID !== undefined && imageID !== '') found.set(image, imageID)
  return Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)))
}
