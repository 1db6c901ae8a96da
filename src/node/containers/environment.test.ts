import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { rootScope } from '#base'
import type { core } from '#api'
import type { ObjectSource } from '../objects.ts'
import type { NodeSettings } from '../settings.ts'
import { environmentOf } from './environment.ts'
import { expand } from './expand.ts'

const kubernetes: core.Service = {
  metadata: { name: 'kubernetes' },
  spec: { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443, protocol: 'TCP' }] },
}
const redis: core.Service = { metadata: { name: 'my-redis' }, spec: { clusterIP: '10.96.0.7', ports: [{ port: 6379 }] } }
const objects: ObjectSource = {
  configMap: async (_, __, name) => (name === 'c' ? { data: { A: 'config', B: 'b' } } : undefined),
  secret: async (_, __, name) => (name === 's' ? { data: { A: Buffer.from('secret').toString('base64') } } : undefined),
  claim: async () => undefined,
  volume: async () => undefined,
  serviceAccountToken: async () => ({ token: '', renewAtMs: 0, expiresAtMs: 0 }),
  services: async () => ({
    own: [redis, { metadata: { name: 'headless' }, spec: { clusterIP: 'None', ports: [{ port: 1 }] } }],
    kubernetes,
  }),
  onChange: () => undefined,
  release: () => undefined,
}
const settings = {
  nodeIps: ['192.0.2.1'],
  allocatable: { cpuMilli: 2000, memoryBytes: 1 << 30, ephemeralStorageBytes: 1 << 30 },
} as unknown as NodeSettings

async function environment(container: Partial<core.Container>, spec: Partial<core.PodSpec> = {}): Promise<Record<string, string>> {
  const whole: core.Container = { name: 'main', ...container }
  const pod: core.Pod = {
    metadata: { name: 'web', namespace: 'shop', uid: 'u', labels: { app: 'x' } },
    spec: { nodeName: 'n', enableServiceLinks: false, containers: [whole], ...spec },
  }
  const all = await environmentOf(rootScope(), { pod, container: whole, podIps: ['10.0.0.9'], objects, settings })
  return Object.fromEntries([...all].filter(([name]) => !name.startsWith('KUBERNETES_')))
}

describe('the environment of a container', () => {
  const cases: readonly [what: string, container: Partial<core.Container>, expected: Record<string, string>][] = [
    [
      'plain values see the ones before them',
      {
        env: [
          { name: 'A', value: '1' },
          { name: 'B', value: '$(A)$(C)$$(A)' },
          { name: 'C', value: '3' },
        ],
      },
      { A: '1', B: '1$(C)$(A)', C: '3' },
    ],
    [
      'envFrom, later sources over earlier ones, env over all',
      { envFrom: [{ configMapRef: { name: 'c' } }, { secretRef: { name: 's' } }], env: [{ name: 'B', value: 'own $(A)' }] },
      { A: 'secret', B: 'own secret' },
    ],
    ['prefixes', { envFrom: [{ prefix: 'P_', secretRef: { name: 's' } }] }, { P_A: 'secret' }],
    [
      'optional sources that are missing',
      {
        envFrom: [{ configMapRef: { name: 'no', optional: true } }],
        env: [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'c', key: 'no', optional: true } } }],
      },
      {},
    ],
    [
      'fields of the pod',
      {
        env: ['metadata.name', "metadata.labels['app']", 'status.podIP', 'status.hostIP', 'spec.nodeName'].map((fieldPath, at) => ({
          name: `F${at}`,
          valueFrom: { fieldRef: { fieldPath } },
        })),
      },
      { F0: 'web', F1: 'x', F2: '10.0.0.9', F3: '192.0.2.1', F4: 'n' },
    ],
    [
      'resources, rounded up, and all of the node where there is no limit',
      {
        resources: { limits: { cpu: '250m' } },
        env: [
          { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
          { name: 'MILLI', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1m' } } },
          { name: 'MEM', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } },
        ],
      },
      { CPU: '1', MILLI: '250', MEM: '1024' },
    ],
  ]
  for (const [what, container, expected] of cases) test(what, async () => assert.deepEqual(await environment(container), expected))

  const refusals: readonly [env: core.EnvVarSource, message: string][] = [
    [{ configMapKeyRef: { name: 'no', key: 'A' } }, 'configmap "no" not found'],
    [{ configMapKeyRef: { name: 'c', key: 'no' } }, "couldn't find key no in ConfigMap shop/c"],
    [{ secretKeyRef: { name: 's', key: 'no' } }, "couldn't find key no in Secret shop/s"],
  ]
  for (const [valueFrom, message] of refusals)
    test(`refuses: ${message}`, async () =>
      assert.rejects(environment({ env: [{ name: 'X', valueFrom }] }), { message, reason: 'CreateContainerConfigError' }))

  test('tells the limits of the pod where the container has none', async () => {
    const env = [{ name: 'MEM', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } }]
    assert.deepEqual(await environment({ env }, { resources: { limits: { memory: '64Mi' } } }), { MEM: '64' })
  })

  test('finds services of its namespace', async () => {
    const found = await environment({}, { enableServiceLinks: true })
    assert.deepEqual(found, {
      MY_REDIS_SERVICE_HOST: '10.96.0.7',
      MY_REDIS_SERVICE_PORT: '6379',
      MY_REDIS_PORT: 'tcp://10.96.0.7:6379',
      MY_REDIS_PORT_6379_TCP: 'tcp://10.96.0.7:6379',
      MY_REDIS_PORT_6379_TCP_PROTO: 'tcp',
      MY_REDIS_PORT_6379_TCP_PORT: '6379',
      MY_REDIS_PORT_6379_TCP_ADDR: '10.96.0.7',
    })
  })
})

test('expansion leaves what it does not know', () => {
  const known = (name: string): string | undefined => ({ A: '1', EMPTY: '' })[name]
  assert.equal(expand('$(A) $(B) $$(A) $A $(EMPTY). $ $$$(A) $(', known), '1 $(B) $(A) $A . $ $1 $(')
})
