import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Logger, type Scope, UserError, rootScope } from '#base'
import { eventually, manualClock } from '#testing'
import { type TestWebhook, testWebhook } from '../auth/configured/webhooks/webhook.fixture.ts'
import { type AuditWebhookFlags, openAuditWebhook } from './open-audit-webhook.ts'
import type { AuditSink } from './audit-record.ts'

const FLAGS: AuditWebhookFlags = { auditWebhookBatchBufferSize: 10, auditWebhookBatchMaxSize: 3 }

async function audit(
  t: TestContext,
  scope: Scope,
  flags: Partial<AuditWebhookFlags> = {},
): Promise<{ sink: AuditSink; webhook: TestWebhook }> {
  const webhook = await testWebhook(t, rootScope())
  const sink = await openAuditWebhook(scope, webhook.kubeconfig, { ...FLAGS, ...flags })
  t.after(() => sink.close())
  return { sink, webhook }
}
function logTo(lines: string[]): Logger {
  const add = (message: string): void => void lines.push(message)
  const log: Logger = { debug: add, info: add, warn: add, error: add, with: () => log }
  return log
}
const sentTo = ({ asked }: TestWebhook): readonly (readonly unknown[])[] => asked.map(({ items }) => (items ?? []).map(({ n }) => n))

test('events go in lists: when one is full, when the first has waited, and when the server stops', async (t) => {
  const clock = manualClock()
  const { sink, webhook } = await audit(t, rootScope({ clock }), { auditWebhookBatchMaxWait: '1s' })
  for (let n = 0; n < 4; n++) sink.write({ n })
  await eventually('a full list', () => webhook.asked.length === 1)
  assert.equal(webhook.asked[0]?.kind, 'EventList')
  assert.equal(webhook.asked[0]?.apiVersion, 'audit.k8s.io/v1')
  assert.equal(webhook.asked[0]?.authorization, 'Bearer mine')
  await eventually('what waits in vain for others', () => {
    clock.advance(1000)
    return webhook.asked.length === 2
  })
  sink.write({ n: 4 })
  await sink.close()
  assert.deepEqual(sentTo(webhook), [[0, 1, 2], [3], [4]])
})

test('what was not taken is sent again', async (t) => {
  const { sink, webhook } = await audit(t, rootScope(), { auditWebhookBatchMaxWait: '1ms', auditWebhookInitialBackoff: '1ms' })
  webhook.say({}, 503)
  sink.write({ n: 0 })
  await eventually('the first try', () => webhook.asked.length > 0)
  webhook.say({}, 200)
  await sink.close()
  const [first, ...more] = sentTo(webhook)
  assert.deepEqual(first, [0])
  assert.ok(more.length > 0 && more.every((list) => String(list) === '0'))
})

test('what does not fit into the buffer, or is not taken in five tries, is lost, and the log says so', async (t) => {
  const lines: string[] = []
  const scope = rootScope({ log: logTo(lines) })
  const { sink, webhook } = await audit(t, scope, { auditWebhookBatchMaxWait: '1ms', auditWebhookInitialBackoff: '1ms' })
  webhook.say({}, 400)
  for (let n = 0; n < 11; n++) sink.write({ n })
  assert.deepEqual(lines, ['audit events are lost'])
  await eventually('all tries', () => webhook.asked.length === 20)
  await sink.close()
  assert.equal(webhook.asked.length, 20)
})

test('batches that cannot be are refused', async () => {
  for (const flags of [{ auditWebhookBatchMaxSize: 0 }, { auditWebhookBatchMaxSize: 11 }])
    await assert.rejects(openAuditWebhook(rootScope(), '/nowhere', { ...FLAGS, ...flags }), UserError)
})
