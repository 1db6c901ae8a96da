import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type admissionregistration, refs } from '#api'
import { createClient, inProcessTransport } from '#client'
import { createEvents, createInformers, runControllers } from '#reconcile'
import { eventually, testApiServer } from '#testing'
import { validatingPolicyStatusController } from './validating-policy-status.ts'

test('a policy gets its warnings once for each generation', async (t) => {
  const api = await testApiServer()
  t.after(() => api.close())
  const { scope } = api
  const client = createClient({ transport: inProcessTransport(api.server.handler) })
  const policies = client.resource(refs.validatingadmissionpolicies)
  await runControllers(scope, [validatingPolicyStatusController], {
    client,
    informers: createInformers(client, { freeze: true }),
    events: createEvents(scope, client),
  })
  const name = 'replicas'
  const spec = (expression: string): admissionregistration.ValidatingAdmissionPolicySpec => ({
    matchConstraints: {
      resourceRules: [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['deployments'] }],
    },
    validations: [{ expression }],
  })
  const seen = (generation: number): Promise<admissionregistration.ValidatingAdmissionPolicy> =>
    eventually(`generation ${generation} is looked at`, async () => {
      const policy = await policies.get(scope, { name })
      return policy.status?.observedGeneration === generation && policy
    })
  await policies.create(scope, { metadata: { name }, spec: spec('object.replicas > 1') })
  const first = await seen(1)
  assert.deepEqual(first.status?.typeChecking?.expressionWarnings, [
    {
      fieldRef: 'spec.validations[0].expression',
      warning: "apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'replicas'\n | object.replicas > 1\n | ......^\n",
    },
  ])
  assert.equal(
    first.metadata?.managedFields?.find(({ subresource }) => subresource === 'status')?.manager,
    'validatingadmissionpolicy-status',
  )
  await policies.update(scope, { ...first, spec: spec('object.spec.replicas > 1') })
  const second = await seen(2)
  assert.equal(second.status?.typeChecking?.expressionWarnings, undefined)
})
