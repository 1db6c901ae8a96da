import type { batch, core } from '#api'

export type FailureVerdict =
  | { readonly action: 'Count' | 'Ignore' | 'FailIndex' }
  | { readonly action: 'FailJob'; readonly message: string }

/** What the first matching rule of a Job's pod failure policy says about a failed pod; failures that no rule matches are counted. */
export function judgeFailure(policy: batch.PodFailurePolicy | undefined, pod: core.Pod): FailureVerdict {
  if (pod.status?.phase !== 'Failed') return { action: 'Count' }
  for (const [i, rule] of (policy?.rules ?? []).entries()) {
    const why = matchOf(rule, pod)
    if (why === undefined) continue
    const { action } = rule
    if (action === 'FailJob') return { action, message: `${why} matching FailJob rule at index ${i}` }
    return { action: action === 'Ignore' || action === 'FailIndex' ? action : 'Count' }
  }
  return { action: 'Count' }
}

function matchOf(rule: batch.PodFailurePolicyRule, pod: core.Pod): string | undefined {
  const name = `${pod.metadata?.namespace ?? ''}/${pod.metadata?.name ?? ''}`
  const exit = rule.onExitCodes
  if (exit !== undefined) {
    for (const container of [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])]) {
      const code = container.state?.terminated?.exitCode
      if (code === undefined || code === 0 || (exit.containerName !== undefined && exit.containerName !== container.name)) continue
      if (exit.values.includes(code) === (exit.operator === 'In'))
        return `Container ${container.name} for pod ${name} failed with exit code ${code}`
    }
    return undefined
  }
  const patterns = rule.onPodConditions ?? []
  const found = pod.status?.conditions?.find(({ type, status }) =>
    patterns.some((pattern) => pattern.type === type && (pattern.status ?? 'True') === status),
  )
  return found === undefined ? undefined : `Pod ${name} has condition ${found.type}`
}
