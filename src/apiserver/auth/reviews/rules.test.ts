import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootScope } from '#base'
import { type authorization, refs } from '#api'
import { rbacEvaluator } from '../rbac/evaluator.ts'
import { fakeObjects } from '../reader.fake.ts'
import { rulesReview } from './rules.ts'

test('what members of system:masters may do is listed once, as their binding says it', async () => {
  const objects = fakeObjects()
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' }
  objects.put(refs.clusterroles, {
    metadata: { name: 'cluster-admin' },
    rules: [
      { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
      { verbs: ['*'], nonResourceURLs: ['*'] },
    ],
  })
  objects.put(refs.clusterrolebindings, {
    metadata: { name: 'cluster-admin' },
    roleRef,
    subjects: [{ kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: 'system:masters' }],
  })
  const user = { name: 'admin', groups: ['system:masters'], extra: {} }
  const review = rulesReview(rbacEvaluator(objects))
  const asked = { kind: 'SelfSubjectRulesReview', apiVersion: 'authorization.k8s.io/v1', spec: { namespace: 'default' } }
  const request = { user, namespace: '', name: '', dryRun: false }
  const answer = await review.create(rootScope(), request, asked)
  const { status } = answer as authorization.SelfSubjectRulesReview
  assert.deepEqual(status?.resourceRules, [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }])
  assert.deepEqual(status.nonResourceRules, [{ verbs: ['*'], nonResourceURLs: ['*'] }])
})
