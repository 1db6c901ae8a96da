import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changeRefusals, created, refusals } from '../refusals.fixture.ts'
import { mutatingWebhookConfigurations, validatingWebhookConfigurations } from './webhooks.ts'

const webhook = {
  name: 'a.b.example.com',
  clientConfig: { url: 'https://x' },
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
}
const configuration = (change: object): { webhooks: (typeof webhook)[] } => ({
  webhooks: [{ ...webhook, ...change }],
})

test('what a webhook leaves out is filled in', () => {
  const [made] = created(mutatingWebhookConfigurations, { webhooks: [{ ...webhook, rules: [{ operations: ['*'] }] }] }).webhooks ?? []
  assert.deepEqual(made, {
    ...webhook,
    rules: [{ operations: ['*'], scope: '*' }],
    failurePolicy: 'Fail',
    matchPolicy: 'Equivalent',
    namespaceSelector: {},
    objectSelector: {},
    timeoutSeconds: 10,
    reinvocationPolicy: 'Never',
  })
})

test('where a webhook is must be said once, and rightly', () => {
  const cases: Record<string, object> = {
    'webhooks[0].clientConfig: Required value: exactly one of url or service is required': {},
    'webhooks[0].clientConfig.url: Invalid value: "http": \'https\' is the only allowed URL scheme; desired format: https://host[/path]': {
      url: 'http://x',
    },
    'webhooks[0].clientConfig.url: Required value: url must be a valid URL: parse "https://a b": invalid character " " in host name; desired format: https://host[/path]':
      { url: 'https://a b' },
    'webhooks[0].clientConfig.service.path: Invalid value: "/a//b": segment[1] may not be empty': {
      service: { namespace: 'n', name: 's', path: '/a//b' },
    },
  }
  for (const [message, clientConfig] of Object.entries(cases))
    assert.deepEqual(refusals(validatingWebhookConfigurations, configuration({ clientConfig })), [message])
})

test('no resource is named twice', () => {
  const rule = (resources: string[]): object => ({ rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources }] })
  assert.deepEqual(refusals(validatingWebhookConfigurations, configuration(rule(['pods', 'pods/log', 'deployments/*']))), [])
  assert.deepEqual(refusals(validatingWebhookConfigurations, configuration(rule(['pods/*', 'pods/log']))), [
    'webhooks[0].rules[0].resources[1]: Invalid value: "pods/log": if \'pods/*\' is present, must not specify pods/log',
  ])
})

test('what was stored before a rule came may stay', () => {
  const old = { webhooks: [{ ...webhook, sideEffects: 'Some', admissionReviewVersions: ['v0'] }] }
  assert.deepEqual(
    changeRefusals(validatingWebhookConfigurations, old, (draft) => {
      Object.assign(draft, { metadata: { labels: { a: 'b' } } })
    }),
    [],
  )
  assert.equal(refusals(validatingWebhookConfigurations, old).length, 2)
})
