import { type KubeObject, type authorization, type rbac, refs, statusError } from '#api'
import type { UserInfo, VirtualResource } from '../../contract.ts'
import type { RbacEvaluator } from '../rbac/evaluator.ts'
import type { ConfiguredAuthorization } from '../configured/authorization.ts'
import { aggregate } from '../rbac/evaluator.ts'
import { nodeIdentity } from '../users.ts'

const EVERYTHING: readonly rbac.PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
]

/** What may the sender do in a namespace, as far as it can be listed. */
export function rulesReview(evaluator: RbacEvaluator, configured?: ConfiguredAuthorization): VirtualResource {
  return {
    ref: refs.selfsubjectrulesreviews,
    create(_scope, { user }, object) {
      const { namespace } = (object as authorization.SelfSubjectRulesReview).spec ?? {}
      if (!namespace) throw statusError.badRequest('no namespace on request')
      return {
        kind: 'SelfSubjectRulesReview',
        apiVersion: 'authorization.k8s.io/v1',
        metadata: {},
        spec: {},
        status: statusOf(user, listable(evaluator.rulesFor(user, namespace), configured?.types())),
      } as KubeObject
    },
  }
}

type Held = ReturnType<RbacEvaluator['rulesFor']>

/** Where others decide, too: what they allow is no list, and what rules allow counts only where rules are asked. */
function listable(held: Held, types: ReturnType<ConfiguredAuthorization['types']> | undefined): Held {
  if (types === undefined) return held
  const { rules, errors } = types.includes('RBAC') ? held : { rules: [], errors: [] }
  const webhooks = types.filter((type) => type === 'Webhook').map(() => 'webhook authorizer does not support user rule resolution')
  return { rules: types.includes('AlwaysAllow') ? [...rules, ...EVERYTHING] : rules, errors: [...errors, ...webhooks] }
}

function statusOf(user: UserInfo, held: Held): authorization.SubjectRulesReviewStatus {
  const { rules } = held
  // What a node may do depends on its pods: that is not a list.
  const errors = [...(nodeIdentity(user) === undefined ? [] : ['node authorizer does not support user rule resolution']), ...held.errors]
  return {
    resourceRules: rules
      .filter(({ resources }) => resources?.length)
      .map(({ verbs, apiGroups, resources, resourceNames }) => ({
        verbs,
        apiGroups: apiGroups ?? [],
        resources: resources ?? [],
        ...(resourceNames?.length ? { resourceNames } : {}),
      })),
    nonResourceRules: rules.flatMap(({ verbs, nonResourceURLs }) => (nonResourceURLs?.length ? [{ verbs, nonResourceURLs }] : [])),
    incomplete: errors.length > 0,
    ...(errors.length === 0 ? {} : { evaluationError: aggregate(errors) }),
  }
}
