import type {
  FlowSchema,
  FlowSchemaSpec,
  LimitedPriorityLevelConfiguration,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  PriorityLevelConfiguration,
  PriorityLevelConfigurationSpec,
  ResourcePolicyRule,
  Subject,
} from '../../types/flowcontrol-v1.gen.ts'

const AUTO_UPDATE = 'apf.kubernetes.io/autoupdate-spec'

interface BootstrapFlowControl {
  readonly priorityLevels: readonly PriorityLevelConfiguration[]
  readonly flowSchemas: readonly FlowSchema[]
}

const ANY = ['*']
const ALL_USERS = ['system:unauthenticated', 'system:authenticated']
const CONTROLLER_MANAGER = 'system:kube-controller-manager'
const SCHEDULER = 'system:kube-scheduler'

/** What every cluster has; the annotation says whether the server brings an object up to date with what stands here. */
export const bootstrapFlowControl = { annotation: AUTO_UPDATE, mandatory: mandatoryFlowControl, suggested: suggestedFlowControl } as const

/** Without these nothing would have a place to go: nobody can change their specs. */
export function mandatoryFlowControl(): BootstrapFlowControl {
  return {
    priorityLevels: [
      priorityLevel('catch-all', {
        type: 'Limited',
        limited: { nominalConcurrencyShares: 5, lendablePercent: 0, limitResponse: { type: 'Reject' } },
      }),
      priorityLevel('exempt', { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } }),
    ],
    flowSchemas: [
      flowSchema('exempt', 'exempt', 1, undefined, everything(groups('system:masters'))),
      flowSchema('catch-all', 'catch-all', 10_000, 'ByUser', everything(groups(...ALL_USERS))),
    ],
  }
}

/** What a cluster begins with. Whoever runs it may change these. */
function suggestedFlowControl(): BootstrapFlowControl {
  return {
    priorityLevels: [
      priorityLevel('system', queued(30, 33, 64, 6)),
      priorityLevel('node-high', queued(40, 25, 64, 6)),
      priorityLevel('leader-election', queued(10, 0, 16, 4)),
      priorityLevel('workload-high', queued(40, 50, 128, 6)),
      priorityLevel('workload-low', queued(100, 90, 128, 6)),
      priorityLevel('global-default', queued(20, 50, 128, 6)),
    ],
    flowSchemas: [
      flowSchema('system-nodes', 'system', 500, 'ByUser', everything(groups('system:nodes'))),
      flowSchema('system-node-high', 'node-high', 400, 'ByUser', {
        subjects: groups('system:nodes'),
        resourceRules: [
          { verbs: ANY, apiGroups: [''], resources: ['nodes', 'nodes/status'], clusterScope: true, namespaces: ANY },
          leases(ANY),
        ],
      }),
      flowSchema('probes', 'exempt', 2, undefined, {
        subjects: groups(...ALL_USERS),
        nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }],
      }),
      flowSchema('system-leader-election', 'leader-election', 100, 'ByUser', {
        subjects: [...users(CONTROLLER_MANAGER, SCHEDULER), ...systemAccounts()],
        resourceRules: [leases(['get', 'create', 'update'])],
      }),
      flowSchema('kube-controller-manager', 'workload-high', 800, 'ByNamespace', everything(users(CONTROLLER_MANAGER))),
      flowSchema('kube-scheduler', 'workload-high', 800, 'ByNamespace', everything(users(SCHEDULER))),
      flowSchema('kube-system-service-accounts', 'workload-high', 900, 'ByNamespace', everything(systemAccounts())),
      flowSchema('service-accounts', 'workload-low', 9000, 'ByUser', everything(groups('system:serviceaccounts'))),
      flowSchema('global-default', 'global-default', 9900, 'ByUser', everything(groups(...ALL_USERS))),
    ],
  }
}

function priorityLevel(name: string, spec: PriorityLevelConfigurationSpec): PriorityLevelConfiguration {
  return { metadata: { name, annotations: { [AUTO_UPDATE]: 'true' } }, spec }
}

function queued(shares: number, lendablePercent: number, queues: number, handSize: number): PriorityLevelConfigurationSpec {
  const limited: LimitedPriorityLevelConfiguration = {
    nominalConcurrencyShares: shares,
    lendablePercent,
    limitResponse: { type: 'Queue', queuing: { queues, handSize, queueLengthLimit: 50 } },
  }
  return { type: 'Limited', limited }
}

function flowSchema(
  name: string,
  level: string,
  matchingPrecedence: number,
  distinguisher: 'ByUser' | 'ByNamespace' | undefined,
  rule: PolicyRulesWithSubjects,
): FlowSchema {
  const spec: FlowSchemaSpec = {
    priorityLevelConfiguration: { name: level },
    matchingPrecedence,
    ...(distinguisher === undefined ? {} : { distinguisherMethod: { type: distinguisher } }),
    rules: [rule],
  }
  return { metadata: { name, annotations: { [AUTO_UPDATE]: 'true' } }, spec }
}

function everything(subjects: Subject[]): PolicyRulesWithSubjects {
  const resources: ResourcePolicyRule = { verbs: ANY, apiGroups: ANY, resources: ANY, clusterScope: true, namespaces: ANY }
  const paths: NonResourcePolicyRule = { verbs: ANY, nonResourceURLs: ANY }
  return { subjects, resourceRules: [resources], nonResourceRules: [paths] }
}

const leases = (verbs: string[]): ResourcePolicyRule => ({
  verbs,
  apiGroups: ['coordination.k8s.io'],
  resources: ['leases'],
  namespaces: ANY,
})
const groups = (...names: string[]): Subject[] => names.map((name) => ({ kind: 'Group', group: { name } }))
const users = (...names: string[]): Subject[] => names.map((name) => ({ kind: 'User', user: { name } }))
const systemAccounts = (): Subject[] => [{ kind: 'ServiceAccount', serviceAccount: { name: '*', namespace: 'kube-system' } }]
