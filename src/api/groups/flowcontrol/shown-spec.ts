import type { FlowSchemaSpec, PriorityLevelConfigurationSpec } from '../../types/flowcontrol-v1.gen.ts'

/**
 * Specs in the form in which Kubernetes shows them in messages: its internal structs. Absent and empty are the same in it, so that it is
 * also what specs are compared by.
 */
export function shownFlowSchemaSpec(spec: FlowSchemaSpec): unknown {
  const { priorityLevelConfiguration, matchingPrecedence = 0, distinguisherMethod, rules } = spec
  return {
    PriorityLevelConfiguration: { Name: priorityLevelConfiguration?.name ?? '' },
    MatchingPrecedence: matchingPrecedence,
    DistinguisherMethod: distinguisherMethod === undefined ? null : { Type: distinguisherMethod.type ?? '' },
    Rules: list(rules, ({ subjects, resourceRules, nonResourceRules }) => ({
      Subjects: list(subjects, ({ kind = '', user, group, serviceAccount }) => ({
        Kind: kind,
        User: user === undefined ? null : { Name: user.name },
        Group: group === undefined ? null : { Name: group.name },
        ServiceAccount: serviceAccount === undefined ? null : { Namespace: serviceAccount.namespace, Name: serviceAccount.name },
      })),
      ResourceRules: list(resourceRules, ({ verbs, apiGroups, resources, clusterScope = false, namespaces }) => ({
        Verbs: list(verbs),
        APIGroups: list(apiGroups),
        Resources: list(resources),
        ClusterScope: clusterScope,
        Namespaces: list(namespaces),
      })),
      NonResourceRules: list(nonResourceRules, ({ verbs, nonResourceURLs }) => ({
        Verbs: list(verbs),
        NonResourceURLs: list(nonResourceURLs),
      })),
    })),
  }
}

export function shownPriorityLevelSpec({ type = '', limited, exempt }: PriorityLevelConfigurationSpec): {
  readonly Type: string
  readonly Limited: unknown
  readonly Exempt: unknown
} {
  const { limitResponse } = limited ?? {}
  const { queuing } = limitResponse ?? {}
  return {
    Type: type,
    Limited:
      limited === undefined
        ? null
        : {
            NominalConcurrencyShares: limited.nominalConcurrencyShares ?? 0,
            LimitResponse: {
              Type: limitResponse?.type ?? '',
              Queuing:
                queuing === undefined
                  ? null
                  : { Queues: queuing.queues ?? 0, HandSize: queuing.handSize ?? 0, QueueLengthLimit: queuing.queueLengthLimit ?? 0 },
            },
            LendablePercent: limited.lendablePercent ?? null,
            BorrowingLimitPercent: limited.borrowingLimitPercent ?? null,
          },
    Exempt:
      exempt === undefined
        ? null
        : { NominalConcurrencyShares: exempt.nominalConcurrencyShares ?? null, LendablePercent: exempt.lendablePercent ?? null },
  }
}

function list<T>(items: readonly T[] | null | undefined, shown: (item: T) => unknown = (item) => item): unknown[] | null {
  return items === undefined || items === null || items.length === 0 ? null : items.map(shown)
}
