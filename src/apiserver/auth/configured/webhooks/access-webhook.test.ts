import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { UserError, rootScope } from '#base'
import { questionOf } from '../../question.fixture.ts'
import { manualClock } from '#testing/basics'
import type { AccessQuestion, Authorizer, Decision } from '../../../contract.ts'
import { authorize, mustBeAllowed } from '../../authorize/authorize.ts'
import { readAuthorizers } from '../authorization-configuration.ts'
import { type AuthorizationSources, openAuthorization } from '../authorization.ts'
import { type TestWebhook, testWebhook } from './webhook.fixture.ts'

const question = (more: Partial<AccessQuestion> = {}): AccessQuestion => questionOf({ name: 'ann', groups: ['dev'], extra: {} }, more)

const says = (name: string, decision: Decision): Authorizer => ({ name, authorize: () => decision })
const own = {
  node: says('node', { kind: 'no-opinion', reason: '' }),
  rbac: says('rbac', { kind: 'no-opinion', reason: 'rbac says no' }),
}

function webhookOf(kubeConfigFile: string, more: object = {}): object {
  return {
    type: 'Webhook',
    name: 'hook',
    webhook: {
      timeout: '5s',
      authorizedTTL: '1m',
      unauthorizedTTL: '10s',
      subjectAccessReviewVersion: 'v1',
      failurePolicy: 'Deny',
      connectionInfo: { type: 'KubeConfigFile', kubeConfigFile },
      ...more,
    },
  }
}
const document = (...authorizers: readonly object[]): string =>
  JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthorizationConfiguration', authorizers })

async function world(t: TestContext, configure: (webhook: TestWebhook, file: string) => AuthorizationSources) {
  const clock = manualClock()
  const scope = rootScope({ clock })
  t.after(() => scope.cancel())
  const webhook = await testWebhook(t, rootScope())
  const file = join(webhook.folder, 'authorization.yaml')
  const configured = (await openAuthorization(scope, configure(webhook, file))) ?? assert.fail()
  const authorizers = configured.authorizers(own)
  return { clock, webhook, file, configured, ask: (more?: Partial<AccessQuestion>) => authorize(scope, authorizers, question(more)) }
}

test('a webhook decides behind the own authorizers, and its answers are kept as long as they say', async (t) => {
  const { webhook, ask, clock } = await world(t, ({ kubeconfig }) => ({
    authorizationMode: 'Node,RBAC,Webhook',
    authorizationWebhookConfigFile: kubeconfig,
    authorizationWebhookVersion: 'v1',
    authorizationWebhookCacheAuthorizedTtl: '1m',
    authorizationWebhookCacheUnauthorizedTtl: '10s',
  }))
  webhook.say({ allowed: true, reason: 'because' })
  assert.deepEqual(await ask({ fieldSelector: 'spec.nodeName=n', labelSelector: 'a in (b,c),d' }), { kind: 'allow', reason: 'because' })
  const { kind, apiVersion, spec } = webhook.asked[0] ?? assert.fail()
  assert.deepEqual([kind, apiVersion], ['SubjectAccessReview', 'authorization.k8s.io/v1'])
  assert.deepEqual(spec, {
    resourceAttributes: {
      namespace: 'a',
      verb: 'get',
      version: 'v1',
      resource: 'pods',
      fieldSelector: { requirements: [{ key: 'spec.nodeName', operator: 'In', values: ['n'] }] },
      labelSelector: {
        requirements: [
          { key: 'a', operator: 'In', values: ['b', 'c'] },
          { key: 'd', operator: 'Exists' },
        ],
      },
    },
    user: 'ann',
    groups: ['dev'],
  })
  await ask()
  webhook.say({ allowed: false, reason: 'not any more' })
  assert.deepEqual(ask(), { kind: 'allow', reason: 'because' })
  clock.advance(60_000)
  assert.deepEqual(await ask(), { kind: 'no-opinion', reason: 'rbac says no\nnot any more' })
  webhook.say({ denied: true, reason: 'never' })
  clock.advance(9000)
  assert.equal((await ask()).kind, 'no-opinion')
  clock.advance(1000)
  assert.deepEqual(await ask(), { kind: 'deny', reason: 'never' })
  assert.equal((await ask({ isResource: false, resource: '', path: '/x' })).kind, 'deny')
  assert.deepEqual(webhook.asked.at(-1)?.spec['nonResourceAttributes'], { path: '/x', verb: 'get' })
})

test('the older version of the reviews calls groups otherwise', async (t) => {
  const { webhook, ask } = await world(t, ({ kubeconfig }) => ({
    authorizationMode: 'Webhook',
    authorizationWebhookConfigFile: kubeconfig,
  }))
  webhook.say({ allowed: true })
  await ask()
  assert.equal(webhook.asked[0]?.apiVersion, 'authorization.k8s.io/v1beta1')
  assert.deepEqual(webhook.asked[0]?.spec['group'], ['dev'])
})

test('a webhook is asked where its conditions hold; where it fails, its policy decides, and the request is an error', async (t) => {
  const { webhook, ask } = await world(t, ({ kubeconfig }, file) => {
    const conditions = {
      matchConditionSubjectAccessReviewVersion: 'v1',
      matchConditions: [{ expression: "has(request.resourceAttributes) && request.resourceAttributes.namespace != 'kube-system'" }],
    }
    writeFileSync(file, document(webhookOf(kubeconfig, conditions), { type: 'RBAC', name: 'rbac' }))
    return { authorizationConfig: file }
  })
  webhook.say({ allowed: true })
  assert.deepEqual(ask({ namespace: 'kube-system' }), { kind: 'no-opinion', reason: 'rbac says no' })
  assert.deepEqual(ask({ isResource: false, path: '/x' }), { kind: 'no-opinion', reason: 'rbac says no' })
  assert.equal((await ask()).kind, 'allow')
  webhook.say({}, 403)
  const decision = await ask({ name: 'x' })
  assert.equal(decision.kind, 'deny')
  assert.throws(() => mustBeAllowed(decision, question()), { reason: 'InternalError' })
})

test('with the policy NoOpinion others are asked, and may allow', async (t) => {
  const { webhook, ask, file, clock } = await world(t, ({ kubeconfig }, at) => {
    writeFileSync(at, document(webhookOf(kubeconfig, { failurePolicy: 'NoOpinion' }), { type: 'RBAC', name: 'rbac' }))
    return { authorizationConfig: at }
  })
  webhook.say({}, 403)
  const decision = await ask()
  assert.equal(decision.kind, 'no-opinion')
  assert.throws(() => mustBeAllowed(decision, question()), { reason: 'InternalError' })
  // A file that becomes wrong changes nothing; one that is good counts.
  writeFileSync(file, document({ type: 'ABAC', name: 'x' }))
  clock.advance(10_000)
  assert.equal((await ask({ name: 'y' })).kind, 'no-opinion')
  writeFileSync(file, document(webhookOf(webhook.kubeconfig, { failurePolicy: 'NoOpinion' }), { type: 'AlwaysAllow', name: 'x' }))
  clock.advance(10_000)
  assert.equal((await ask({ name: 'z' })).kind, 'allow')
})

test('all that is wrong with a file is said at once', () => {
  const problems = (...authorizers: readonly object[]): readonly string[] => {
    try {
      readAuthorizers(document(...authorizers), 'f')
      return []
    } catch (error) {
      assert.ok(error instanceof UserError)
      return error.message.replace(/^f: /, '').split('; ')
    }
  }
  assert.deepEqual(problems(), ['authorizers: Required value: at least one authorization mode must be defined'])
  assert.deepEqual(problems({ type: 'ABAC', name: 'a' }, { name: 'b' }, { type: 'RBAC' }, { type: 'RBAC', name: 'c' }), [
    'authorizers[0].type: Unsupported value: "ABAC": supported values: "AlwaysAllow", "AlwaysDeny", "Node", "RBAC", "Webhook"',
    'authorizers[1].type: Required value',
    'authorizers[2].name: Required value',
    'authorizers[3].type: Duplicate value: "RBAC"',
  ])
  const wrong = {
    timeout: '31s',
    authorizedTTL: undefined,
    failurePolicy: 'Allow',
    connectionInfo: { type: 'InClusterConfig' },
    matchConditions: [{ expression: 'request.user' }],
  }
  assert.deepEqual(problems(webhookOf('', wrong)), [
    'authorizers[0].timeout: Invalid value: "31s": must be > 0s and <= 30s',
    'authorizers[0].authorizedTTL: Required value',
    'authorizers[0].matchConditionSubjectAccessReviewVersion: Required value: required if match conditions are specified',
    'authorizers[0].failurePolicy: Unsupported value: "Allow": supported values: "NoOpinion", "Deny"',
    'authorizers[0].connectionInfo.type: Unsupported value: "InClusterConfig": supported values: "KubeConfigFile"',
    'authorizers[0].matchConditions[0].expression: Invalid value: "request.user": must evaluate to bool',
  ])
})

test('flags that do not fit together are refused', async () => {
  const scope = rootScope()
  await assert.rejects(openAuthorization(scope, { authorizationMode: 'Webhook' }), /belong together/)
  await assert.rejects(openAuthorization(scope, { authorizationMode: 'ABAC' }), /there is no "ABAC"/)
  await assert.rejects(openAuthorization(scope, { authorizationMode: 'RBAC', authorizationConfig: 'x' }), /can not be specified/)
  assert.equal(await openAuthorization(scope, {}), undefined)
  scope.cancel()
})
