import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planLocalServices } from './local-services.ts'

const MANAGED = 'kube-aggregator.kubernetes.io/automanaged'
const service = (name: string, managed: string | undefined, versionPriority = 15): Parameters<typeof planLocalServices>[0][number] => ({
  metadata: { name, ...(managed === undefined ? {} : { labels: { [MANAGED]: managed } }) },
  spec: { version: 'v1', groupPriorityMinimum: 100, versionPriority },
})
const names = (actions: ReturnType<typeof planLocalServices>): string[] =>
  actions.map((action) => `${action.kind} ${action.kind === 'delete' ? action.name : (action.service.metadata?.name ?? '')}`)

test('those of built-in kinds are mended at the start and left alone afterwards', () => {
  const wanted = [service('v1.apps', 'onstart'), service('v1.batch', 'onstart')]
  const stored = [service('v1.apps', 'onstart', 1), service('v1.gone', 'onstart')]
  assert.deepEqual(names(planLocalServices(wanted, stored, true)), ['update v1.apps', 'create v1.batch', 'delete v1.gone'])
  assert.deepEqual(planLocalServices(wanted, stored, false), [])
})

test('those of custom kinds come and go with these', () => {
  assert.deepEqual(names(planLocalServices([service('v1.a', 'true')], [service('v1.b', 'true')], false)), ['create v1.a', 'delete v1.b'])
})

test('what somebody else manages stays', () => {
  assert.deepEqual(planLocalServices([service('v1.a', 'true')], [service('v1.a', undefined, 1), service('v1.b', undefined)], true), [])
})
