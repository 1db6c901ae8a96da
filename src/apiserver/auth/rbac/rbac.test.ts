import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { rootScope } from '#base'
import { type KubeObject, type Resource, type rbac, refs } from '#api'
import { questionOf } from '../question.fixture.ts'
import type { AccessQuestion, AdmissionRequest, UserInfo } from '../../contract.ts'
import { mastersAuthorizer, unionAuthorizer } from '../authorize/authorize.ts'
import { type FakeObjects, fakeObjects } from '../reader.fake.ts'
import { missingRules, ruleText } from './covers.ts'
import { escalationStep } from './escalation.ts'
import { rbacEvaluator } from './evaluator.ts'
import { bootstrapPolicy, parseRule } from './policy/policy.ts'
import { reconcilePolicy } from './policy/reconcile.ts'

const scope = rootScope()
const GROUP = 'rbac.authorization.k8s.io'
const user = (name: string, ...groups: string[]): UserInfo => ({ name, groups, extra: {} })
const question = (asked: Partial<AccessQuestion>): AccessQuestion => questionOf(user('bob'), asked)
const rules = (...lines: string[]): rbac.PolicyRule[] => lines.map(parseRule)
const bindingOf = (name: string, namespace: string, role: string, ...subjects: rbac.Subject[]): rbac.RoleBinding => {
  const [kind = '', roleName = ''] = role.split(' ')
  return { metadata: { name, ...(namespace === '' ? {} : { namespace }) }, roleRef: { apiGroup: GROUP, kind, name: roleName }, subjects }
}
const bob: rbac.Subject = { kind: 'User', name: 'bob', apiGroup: GROUP }

describe('the evaluator', () => {
  let objects: FakeObjects
  let allows: (asked: Partial<AccessQuestion>) => boolean
  let reason: (asked: Partial<AccessQuestion>) => string
  beforeEach(() => {
    objects = fakeObjects()
    const evaluator = rbacEvaluator(objects)
    allows = (asked) => evaluator.authorize(scope, question(asked)).kind === 'allow'
    reason = (asked) => evaluator.authorize(scope, question(asked)).reason
    objects.put(refs.roles, {
      metadata: { name: 'r', namespace: 'a' },
      rules: rules('get,list core pods', 'get core configmaps one', 'create core */eviction'),
    })
    objects.put(refs.rolebindings, bindingOf('b', 'a', 'Role r', bob))
  })

  it('allows what a role in the namespace says, and says why', () => {
    assert.equal(reason({}), 'RBAC: allowed by RoleBinding "b/a" of Role "r" to User "bob"')
    assert.ok(!allows({ namespace: 'other' }))
    assert.ok(!allows({ namespace: '' }))
    assert.ok(!allows({ verb: 'delete' }))
    assert.ok(!allows({ user: user('eve') }))
    assert.ok(!allows({ group: 'apps' }))
  })

  it('looks at resource names and subresources', () => {
    assert.ok(allows({ resource: 'configmaps', name: 'one' }))
    assert.ok(!allows({ resource: 'configmaps', name: 'two' }))
    assert.ok(!allows({ resource: 'configmaps' }))
    assert.ok(!allows({ subresource: 'log' }))
    assert.ok(allows({ verb: 'create', subresource: 'eviction' }))
  })

  it('takes cluster roles for a namespace, groups and service accounts, and wildcards', () => {
    objects.put(refs.clusterroles, { metadata: { name: 'all' }, rules: rules('* * *', '* *') })
    objects.put(refs.rolebindings, bindingOf('own', 'c', 'ClusterRole all', { kind: 'ServiceAccount', name: 'sa' }))
    const account = user('system:serviceaccount:c:sa')
    assert.equal(
      reason({ user: account, namespace: 'c' }),
      'RBAC: allowed by RoleBinding "own/c" of ClusterRole "all" to ServiceAccount "sa/c"',
    )
    assert.ok(!allows({ user: account, namespace: 'a' }))
    objects.put(refs.clusterrolebindings, bindingOf('top', '', 'ClusterRole all', { kind: 'Group', name: 'admins', apiGroup: GROUP }))
    assert.equal(
      reason({ user: user('x', 'admins'), namespace: '' }),
      'RBAC: allowed by ClusterRoleBinding "top" of ClusterRole "all" to Group "admins"',
    )
    assert.ok(allows({ user: user('x', 'admins'), isResource: false, path: '/metrics' }))
  })

  it('matches paths exactly or by their beginning', () => {
    objects.put(refs.clusterroles, { metadata: { name: 'paths' }, rules: rules('get /version,/healthz/*') })
    objects.put(refs.clusterrolebindings, bindingOf('p', '', 'ClusterRole paths', bob))
    const path = (text: string): boolean => allows({ isResource: false, path: text, namespace: '' })
    assert.deepEqual(['/version', '/version/', '/healthz/x', '/healthz', '/'].map(path), [true, false, true, false, false])
  })

  it('notices changes of roles and bindings', () => {
    assert.ok(!allows({ verb: 'delete' }))
    objects.put(refs.roles, { metadata: { name: 'r', namespace: 'a' }, rules: rules('delete core pods') })
    assert.ok(allows({ verb: 'delete' }))
    assert.ok(!allows({ verb: 'get' }))
    objects.remove(refs.rolebindings, 'a', 'b')
    assert.ok(!allows({ verb: 'delete' }))
  })

  it('tells of bindings to roles that are not there', () => {
    objects.put(refs.clusterrolebindings, bindingOf('dangling', '', 'ClusterRole gone', bob))
    objects.put(refs.rolebindings, bindingOf('dangling', 'a', 'Role lost', bob))
    assert.ok(allows({}))
    assert.equal(reason({ verb: 'delete' }), `RBAC: [clusterrole.${GROUP} "gone" not found, role.${GROUP} "lost" not found]`)
    assert.equal(reason({ verb: 'delete', namespace: 'z' }), `RBAC: clusterrole.${GROUP} "gone" not found`)
  })
})

describe('covering rules by rules', () => {
  const missing = (held: string[], wanted: string[]): string[] => missingRules(rules(...held), rules(...wanted)).map(ruleText)
  it('finds what is missing, verbs of one thing together', () => {
    assert.deepEqual(missing(['get core pods'], ['get,list,watch core pods,secrets']), [
      '{APIGroups:[""], Resources:["pods"], Verbs:["list" "watch"]}',
      '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list" "watch"]}',
    ])
  })
  it('knows that names are less than all, and wildcards more', () => {
    assert.deepEqual(missing(['get core pods a'], ['get core pods']), ['{APIGroups:[""], Resources:["pods"], Verbs:["get"]}'])
    assert.deepEqual(missing(['get core pods a'], ['get core pods b']), [
      '{APIGroups:[""], Resources:["pods"], ResourceNames:["b"], Verbs:["get"]}',
    ])
    assert.deepEqual(missing(['* * *'], ['delete apps deployments/scale x']), [])
    assert.deepEqual(missing(['get core */log'], ['get core pods/log']), [])
    assert.deepEqual(missing(['get core *'], ['* core *']), ['{APIGroups:[""], Resources:["*"], Verbs:["*"]}'])
    assert.deepEqual(missing(['get /a/*'], ['get /a/b', 'get,post /a']), [
      '{NonResourceURLs:["/a"], Verbs:["get"]}',
      '{NonResourceURLs:["/a"], Verbs:["post"]}',
    ])
  })
})

describe('giving rights away', () => {
  const objects = fakeObjects()
  const evaluator = rbacEvaluator(objects)
  const step = escalationStep(objects, evaluator, unionAuthorizer([mastersAuthorizer, evaluator]))
  objects.put(refs.roles, {
    metadata: { name: 'own', namespace: 'a' },
    rules: rules('get core configmaps', `escalate ${GROUP} roles special`),
  })
  objects.put(
    refs.clusterroles,
    { metadata: { name: 'secrets' }, rules: rules('get core secrets') },
    { metadata: { name: 'maps' }, rules: rules('get core configmaps') },
  )
  objects.put(refs.rolebindings, bindingOf('b', 'a', 'Role own', bob))
  const write = async (plural: string, object: object, more: Partial<AdmissionRequest> = {}): Promise<void> => {
    const request: AdmissionRequest = {
      operation: 'CREATE',
      resource: { group: GROUP, plural } as Resource,
      subresource: '',
      namespace: 'a',
      name: '',
      user: user('bob', 'dev'),
      dryRun: false,
      object: object as KubeObject,
      old: undefined,
      options: {},
      warn: () => undefined,
      ...more,
    }
    if (step.handles(request)) await step.mutate?.(scope, request)
  }
  const role = (...lines: string[]): object => ({ metadata: { name: 'x' }, rules: rules(...lines) })

  it('lets roles through that give what the writer has', async () => {
    await write('roles', role('get core configmaps'))
    await write('roles', role('get core configmaps one'))
    await write('roles', role('* * *'), { user: user('root', 'system:masters') })
  })
  it('refuses more, in one message', async () => {
    await assert.rejects(write('roles', role('get core secrets', 'get,list core configmaps')), {
      message:
        `roles.${GROUP} "x" is forbidden: user "bob" (groups=["dev"]) is attempting to grant RBAC permissions not currently held:\n` +
        '{APIGroups:[""], Resources:["configmaps"], Verbs:["list"]}\n{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}',
    })
  })
  it('lets those through who may escalate the role, and updates that do not touch the rules', async () => {
    const update = { operation: 'UPDATE', name: 'special', old: role('list core pods') as KubeObject } as const
    await write('roles', role('get core secrets'), update)
    await write('roles', role('get core secrets'), { operation: 'UPDATE', name: 'x', old: role('get core secrets') as KubeObject })
    await assert.rejects(write('roles', role('get core secrets'), { ...update, name: 'x' }), /not currently held/)
  })
  it('asks for everything of those who aggregate', async () => {
    const aggregated = { metadata: { name: 'x' }, rules: null, aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] } }
    await assert.rejects(write('clusterroles', aggregated), /must have cluster-admin privileges to use the aggregationRule/)
  })
  it('refuses bindings to roles with more rights, or that are not there', async () => {
    await write('rolebindings', bindingOf('n', 'a', 'ClusterRole maps', bob))
    await assert.rejects(
      write('rolebindings', bindingOf('n', 'a', 'ClusterRole secrets', bob)),
      /rolebindings.*"n" is forbidden.*not currently held/,
    )
    await assert.rejects(write('rolebindings', bindingOf('n', 'a', 'Role gone', bob)), { message: `roles.${GROUP} "gone" not found` })
    const old = bindingOf('n', 'a', 'ClusterRole secrets', bob)
    await write('rolebindings', { ...old, metadata: { name: 'n', labels: { a: 'b' } } }, { operation: 'UPDATE', old })
    await assert.rejects(write('rolebindings', { ...old, subjects: [] }, { operation: 'UPDATE', old }), /not currently held/)
  })
  it('lets bindings through for those who may bind the role', async () => {
    objects.put(refs.roles, { metadata: { name: 'own', namespace: 'a' }, rules: rules(`bind ${GROUP} clusterroles secrets`) })
    await write('rolebindings', bindingOf('n', 'a', 'ClusterRole secrets', bob))
    await assert.rejects(write('rolebindings', bindingOf('n', 'a', 'ClusterRole maps', bob)), /not currently held/)
  })
})

describe('the bootstrap policy', () => {
  it('has the objects of a new cluster', () => {
    const policy = bootstrapPolicy()
    const counts = [policy.clusterRoles, policy.clusterRoleBindings, policy.roles, policy.roleBindings].map(({ length }) => length)
    assert.deepEqual(counts, [69, 50, 7, 7])
    const find = (name: string): rbac.ClusterRole | undefined => policy.clusterRoles.find(({ metadata }) => metadata?.name === name)
    assert.deepEqual(find('cluster-admin')?.rules, [
      { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
      { verbs: ['*'], nonResourceURLs: ['*'] },
    ])
    assert.equal(find('edit')?.rules, null)
    assert.equal(find('edit')?.metadata?.labels?.[`${GROUP}/aggregate-to-admin`], 'true')
    for (const { rules: list, metadata } of [...policy.clusterRoles, ...policy.roles]) {
      for (const rule of list ?? [])
        assert.ok(
          rule.verbs.every((verb) => verb !== ''),
          metadata?.name ?? '',
        )
    }
  })

  it('is written once, mended where something was taken away, and leaves alone what says so', async () => {
    const objects = fakeObjects()
    assert.equal(await reconcilePolicy(scope, objects, objects, bootstrapPolicy()), 133)
    assert.equal(await reconcilePolicy(scope, objects, objects, bootstrapPolicy()), 0)
    const change = (name: string, changed: rbac.ClusterRole): void =>
      objects.put(refs.clusterroles, { ...objects.get(refs.clusterroles, '', name), ...changed })
    change('system:basic-user', { rules: rules('get core pods') })
    change('system:discovery', {
      rules: [],
      metadata: { name: 'system:discovery', annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'false' } },
    })
    objects.put(refs.clusterrolebindings, bindingOf('cluster-admin', '', 'ClusterRole other', bob))
    objects.remove(refs.roles, 'kube-public', 'system:controller:bootstrap-signer')
    assert.equal(await reconcilePolicy(scope, objects, objects, bootstrapPolicy()), 3)
    assert.deepEqual(objects.get(refs.clusterroles, '', 'system:basic-user')?.rules?.[0], rules('get core pods')[0])
    assert.equal(objects.get(refs.clusterroles, '', 'system:basic-user')?.rules?.length, 4)
    assert.deepEqual(objects.get(refs.clusterroles, '', 'system:discovery')?.rules, [])
    assert.equal(objects.get(refs.clusterrolebindings, '', 'cluster-admin')?.roleRef.name, 'cluster-admin')
    assert.equal(await reconcilePolicy(scope, objects, objects, bootstrapPolicy()), 0)
  })

  it('lets the public see health and version, and nothing else', async () => {
    const objects = fakeObjects()
    await reconcilePolicy(scope, objects, objects, bootstrapPolicy())
    const evaluator = rbacEvaluator(objects)
    const path = (text: string): string =>
      evaluator.authorize(
        scope,
        question({ user: user('system:anonymous', 'system:unauthenticated'), isResource: false, path: text, namespace: '' }),
      ).kind
    assert.deepEqual(['/healthz', '/livez', '/readyz', '/version', '/api', '/metrics', '/'].map(path), [
      'allow',
      'allow',
      'allow',
      'allow',
      'no-opinion',
      'no-opinion',
      'no-opinion',
    ])
  })
})
