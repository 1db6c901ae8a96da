import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Scope, rootScope } from '#base'
import { type TestApiServer, testApiServer } from '#testing'
import type { Authorizer } from '../../contract.ts'
import type { ApiServer } from '../../server.ts'
import { webhookSteps } from '../webhooks/steps.ts'
import { policySteps } from './steps.ts'

const GROUP = '/apis/admissionregistration.k8s.io/v1'
const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps'
const RULES = [{ operations: ['*'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }]

interface World {
  readonly api: TestApiServer
  readonly notes: Map<string, string>
  policy(kind: 'mutating' | 'validating', name: string, spec: object, binding?: object): Promise<void>
  configMap(name: string, more?: object): ReturnType<TestApiServer['request']>
}

async function world(t: TestContext, authorizers: readonly Authorizer[] = []): Promise<World> {
  const late: { server?: ApiServer } = {}
  const found = (): ApiServer => late.server ?? assert.fail('no server yet')
  const outer = rootScope()
  const notes = new Map<string, string>()
  const sources = {
    reader: {
      get: (...a: Parameters<ApiServer['reader']['get']>) => found().reader.get(...a),
      list: (...a: Parameters<ApiServer['reader']['list']>) => found().reader.list(...a),
      version: (...a: Parameters<ApiServer['reader']['version']>) => found().reader.version(...a),
    } as ApiServer['reader'],
    follow: (...a: Parameters<ApiServer['follow']>) => found().follow(...a),
    convert: (...a: Parameters<ApiServer['convert']>) => found().convert(...a),
    equivalents: (...a: Parameters<ApiServer['equivalents']>) => found().equivalents(...a),
    findKind: (...a: Parameters<ApiServer['findKind']>) => found().findKind(...a),
    authorizers,
    isAllowed: () => true,
  }
  const policies = policySteps(outer, sources).map((step) => ({
    ...step,
    ...(step.validate === undefined
      ? {}
      : {
          validate: (scope: Scope, request: Parameters<NonNullable<typeof step.validate>>[1]) =>
            step.validate?.(scope, { ...request, annotate: (key, value) => notes.set(key, value) }),
        }),
  }))
  const api = await testApiServer({ admission: [...policies, ...webhookSteps(outer, sources)] })
  late.server = api.server
  const create = async (path: string, body: object): Promise<void> => {
    const answer = await api.request('POST', path, { body })
    assert.equal(answer.status, 201, answer.text)
  }
  await create('/api/v1/namespaces', { metadata: { name: 'default' } })
  t.after(async () => {
    outer.cancel()
    await api.close()
  })
  return {
    api,
    notes,
    async policy(kind, name, spec, binding = {}) {
      const plural = `${kind}admissionpolicies`
      await create(`${GROUP}/${plural}`, { metadata: { name }, spec: { matchConstraints: { resourceRules: RULES }, ...spec } })
      await create(`${GROUP}/${kind}admissionpolicybindings`, {
        metadata: { name },
        spec: { policyName: name, ...(kind === 'validating' ? { validationActions: ['Deny'] } : {}), ...binding },
      })
    },
    configMap: (name, more = {}) => api.request('POST', CONFIG_MAPS, { body: { metadata: { name }, ...more } }),
  }
}

test('a policy is asked with each of its parameters, as they are now', async (t) => {
  const w = await world(t)
  for (const most of ['5', '3'])
    await w.configMap(`l${most}`, { metadata: { name: `l${most}`, labels: { role: 'limit' } }, data: { most } })
  await w.policy(
    'validating',
    'p',
    {
      paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
      matchConditions: [{ name: 'c', expression: "object != null && object.metadata.name.startsWith('x')" }],
      validations: [{ expression: 'int(object.data.n) <= int(params.data.most)', messageExpression: "'at most ' + params.data.most" }],
    },
    { paramRef: { selector: { matchLabels: { role: 'limit' } }, parameterNotFoundAction: 'Deny' } },
  )
  assert.equal((await w.configMap('x', { data: { n: '3' } })).status, 201)
  const refused = await w.configMap('x4', { data: { n: '4' } })
  assert.equal(refused.status, 422)
  assert.equal(
    refused.body.message,
    `configmaps "x4" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p' denied request: at most 3`,
  )
  await w.api.request('DELETE', `${CONFIG_MAPS}/l3`)
  assert.equal((await w.configMap('x4', { data: { n: '4' } })).status, 201)
  await w.api.request('DELETE', `${CONFIG_MAPS}/l5`)
  assert.match((await w.configMap('y')).body.message, /failed to configure binding: no params found for policy binding/)
})

test('a kind of parameters that is not there refuses, unless the policy may fail', async (t) => {
  const w = await world(t)
  const spec = { paramKind: { apiVersion: 'example.com/v1', kind: 'Limit' }, validations: [{ expression: 'true' }] }
  const binding = { paramRef: { name: 'a', parameterNotFoundAction: 'Allow' } }
  await w.policy('validating', 'ignored', { ...spec, failurePolicy: 'Ignore' }, binding)
  assert.equal((await w.configMap('a')).status, 201)
  await w.policy('validating', 'p', spec, binding)
  assert.match(
    (await w.configMap('b')).body.message,
    /'p' denied request: failed to configure policy: failed to find resource referenced by paramKind: 'example.com\/v1, Kind=Limit'/,
  )
})

test('the audit log is told of failures and of what policies want to tell', async (t) => {
  const w = await world(t)
  await w.policy(
    'validating',
    'p',
    {
      validations: [{ expression: 'true' }, { expression: 'false', message: 'no' }],
      auditAnnotations: [
        { key: 'who', valueExpression: 'request.userInfo.username' },
        { key: 'none', valueExpression: 'null' },
      ],
    },
    { validationActions: ['Audit'] },
  )
  assert.equal((await w.configMap('a')).status, 201)
  assert.deepEqual(Object.fromEntries(w.notes), {
    'p/who': 'admin',
    'validation.policy.admission.k8s.io/validation_failure':
      '[{"message":"no","policy":"p","binding":"p","expressionIndex":1,"validationActions":["Audit"]}]',
  })
})

test('policies that ask for it see what later ones have changed, once', async (t) => {
  const w = await world(t)
  const append = (text: string): object => ({
    patchType: 'ApplyConfiguration',
    applyConfiguration: { expression: `Object{data: {'log': (has(object.data) ? object.data.?log.orValue('') : '') + '${text}'}}` },
  })
  await w.policy('mutating', 'a', { reinvocationPolicy: 'IfNeeded', mutations: [append('a')] })
  await w.policy('mutating', 'b', { reinvocationPolicy: 'Never', mutations: [append('b'), append('c')] })
  assert.equal((await w.configMap('m')).body.data.log, 'abca')
  const { text } = await w.api.request('GET', '/metrics')
  const counted = text.split('\n').filter((line) => line.startsWith('apiserver_mutating_admission_policy_check_total'))
  assert.deepEqual(
    counted.map((line) => line.slice(line.indexOf('{'))),
    ['a', 'b'].map((name) => `{policy="${name}",policy_binding="${name}",error_type="no_error"} 2`),
  )
})

test('a policy that asks for it sees its own change too, and a failure does not keep the rest from running', async (t) => {
  const w = await world(t)
  const count = {
    patchType: 'JSONPatch',
    jsonPatch: { expression: `[JSONPatch{op: 'add', path: '/data/size', value: string(size(object.data))}]` },
  }
  const wrong = { patchType: 'JSONPatch', jsonPatch: { expression: `[JSONPatch{op: 'remove', path: '/data/none'}]` } }
  await w.policy('mutating', 'a', { reinvocationPolicy: 'IfNeeded', failurePolicy: 'Ignore', mutations: [wrong, count] })
  assert.deepEqual((await w.configMap('m', { data: { x: 'y' } })).body.data, { x: 'y', size: '2' })
  const why = "JSON Patch: error in remove for path: '/data/none': Unable to remove nonexistent key: none: missing value"
  await w.policy('mutating', 'b', { reinvocationPolicy: 'Never', mutations: [wrong, wrong] })
  const { body } = await w.configMap('n', { data: { x: 'y' } })
  assert.equal(body.message, `policy 'b' with binding 'b' denied request: ${why}`)
  assert.equal(body.details.causes.length, 2)
})

test('an applied object must name its types by their places', async (t) => {
  const w = await world(t)
  await w.policy('mutating', 'p', {
    reinvocationPolicy: 'Never',
    mutations: [
      { patchType: 'ApplyConfiguration', applyConfiguration: { expression: "Object{metadata: Object.spec{labels: {'a': 'b'}}}" } },
    ],
  })
  const answer = await w.configMap('m')
  assert.equal(answer.status, 403)
  assert.match(answer.body.message, /^policy 'p' with binding 'p' denied request: type mismatch: unexpected type name "Object.spec"/)
})

test('a webhook is asked only where its conditions hold', async (t) => {
  const w = await world(t)
  const answer = await w.api.request('POST', `${GROUP}/validatingwebhookconfigurations`, {
    body: {
      metadata: { name: 'h' },
      webhooks: [
        {
          name: 'h.example.com',
          clientConfig: { url: 'https://127.0.0.1:1/nobody' },
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
          rules: RULES,
          matchConditions: [
            { name: 'error', expression: "object.data.x == 'y'" },
            { name: 'named', expression: "object.metadata.name != 'free'" },
          ],
        },
      ],
    },
  })
  assert.equal(answer.status, 201, answer.text)
  assert.equal((await w.configMap('free')).status, 201)
  assert.match((await w.configMap('bound')).body.message, /resulted in error: no such key: data/)
  assert.equal((await w.configMap('other', { data: { x: 'z' } })).status, 201)
  assert.match((await w.configMap('called', { data: { x: 'y' } })).body.message, /failed calling webhook "h.example.com"/)
})

test('expressions get the answers of authorizers that have to be waited for', async (t) => {
  const asked: string[] = []
  const slow: Authorizer = {
    name: 'slow',
    authorize: (_scope, { verb, resource }) => {
      asked.push(`${verb} ${resource}`)
      return Promise.resolve({ kind: verb === 'wish' ? 'allow' : 'no-opinion', reason: '' })
    },
  }
  const { policy, configMap } = await world(t, [slow])
  const check = (verb: string): string => `authorizer.group('').resource('wells').check('${verb}').allowed()`
  await policy('validating', 'wells', {
    validations: [{ expression: `${check('wish')} && (${check('drink')} || !object.metadata.name.startsWith('no'))` }],
  })
  assert.equal((await configMap('yes')).status, 201)
  asked.length = 0
  assert.equal((await configMap('no')).status, 422)
  assert.deepEqual(asked, ['wish wells', 'drink wells'])
})
