import { rfc3339 } from '#base'
import type { core } from '#api'

/** What one round over a namespace's content has found. */
export interface ContentFindings {
  readonly discoveryFailures: readonly string[]
  /** Resources whose objects could not be listed or deleted, and why. */
  readonly deletionFailures: readonly string[]
  /** `resource.group` → objects that are left. */
  readonly remaining: ReadonlyMap<string, number>
  /** Finalizer → objects that carry it. */
  readonly finalizers: ReadonlyMap<string, number>
}

interface Verdict {
  readonly type: string
  readonly isTrue: boolean
  readonly reason: string
  readonly message: string
}

function verdicts(found: ContentFindings): readonly Verdict[] {
  const listed = (counts: ReadonlyMap<string, number>, words: (name: string, count: number) => string): string =>
    [...counts]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, count]) => words(name, count))
      .join(', ')
  const choose = (type: string, isTrue: boolean, yes: readonly [string, string], no: readonly [string, string]): Verdict => ({
    type,
    isTrue,
    reason: isTrue ? yes[0] : no[0],
    message: isTrue ? yes[1] : no[1],
  })
  return [
    choose(
      'NamespaceDeletionDiscoveryFailure',
      found.discoveryFailures.length > 0,
      [
        'DiscoveryFailed',
        `Discovery failed for some groups, ${found.discoveryFailures.length} failing: unable to retrieve the complete list of server APIs: ${found.discoveryFailures.join(', ')}`,
      ],
      ['ResourcesDiscovered', 'All resources successfully discovered'],
    ),
    choose(
      'NamespaceDeletionGroupVersionParsingFailure',
      false,
      ['', ''],
      ['ParsedGroupVersions', 'All legacy kube types successfully parsed'],
    ),
    choose(
      'NamespaceDeletionContentFailure',
      found.deletionFailures.length > 0,
      [
        'ContentDeletionFailed',
        `Failed to delete all resource types, ${found.deletionFailures.length} remaining: ${[...found.deletionFailures].sort().join(', ')}`,
      ],
      ['ContentDeleted', 'All content successfully deleted, may be waiting on finalization'],
    ),
    choose(
      'NamespaceContentRemaining',
      found.remaining.size > 0,
      [
        'SomeResourcesRemain',
        `Some resources are remaining: ${listed(found.remaining, (name, count) => `${name} has ${count} resource instances`)}`,
      ],
      ['ContentRemoved', 'All content successfully removed'],
    ),
    choose(
      'NamespaceFinalizersRemaining',
      found.finalizers.size > 0,
      [
        'SomeFinalizersRemain',
        `Some content in the namespace has finalizers remaining: ${listed(found.finalizers, (name, count) => `${name} in ${count} resource instances`)}`,
      ],
      ['ContentHasNoFinalizers', 'All content-preserving finalizers finished'],
    ),
  ]
}

/** The namespace's conditions after a round. Times change only with the status. */
export function planConditions(
  present: readonly core.NamespaceCondition[],
  found: ContentFindings,
  nowMs: number,
): core.NamespaceCondition[] {
  const ours = verdicts(found)
  const others = present.filter((condition) => !ours.some((verdict) => verdict.type === condition.type))
  const next = ours.map(({ type, isTrue, reason, message }): core.NamespaceCondition => {
    const status = isTrue ? 'True' : 'False'
    const known = present.find((condition) => condition.type === type)
    const since = known?.status === status ? known.lastTransitionTime : undefined
    return { type, status, lastTransitionTime: since ?? rfc3339(nowMs), reason, message }
  })
  return [...others, ...next]
}
