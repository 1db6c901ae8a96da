import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type apps, type autoscaling, refs } from '#api'
import type { Client } from '#client'
import { type MachineCluster, eventually, machineCluster, noMachineCluster } from '#testing'

/** On a machine of its own the autoscaler acts in less than two seconds (the test says how long); busy machines are slow. */
const WITHIN_MS = 90_000
const ROUNDS = 3
const IN = { namespace: 'default', name: 'busy' }

/** Uses half a processor while its file is there, in turns of 50 ms, and says when it begins. */
const PROGRAM = `
const { existsSync } = require('node:fs')
let busy = false
setInterval(() => {
  const asked = existsSync('/tmp/load')
  if (asked && !busy) console.log('busy since ' + Date.now())
  busy = asked
  for (const until = performance.now() + 25; busy && performance.now() < until; );
}, 50)
process.on('SIGTERM', () => process.exit(0))`

const deployment: apps.Deployment = {
  metadata: IN,
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: 'busy' } },
    template: {
      metadata: { labels: { app: 'busy' } },
      spec: {
        containers: [
          {
            name: 'main',
            image: 'sampan.local/shop-storefront:1',
            command: ['/usr/local/bin/node', '-e', PROGRAM],
            resources: { requests: { cpu: '40m' } },
          },
        ],
      },
    },
  },
}
const autoscaler: autoscaling.HorizontalPodAutoscaler = {
  metadata: IN,
  spec: {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: IN.name },
    minReplicas: 1,
    maxReplicas: 2,
    behavior: { scaleDown: { stabilizationWindowSeconds: 0 } },
    metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 100 } } }],
  },
}

describe('an autoscaler', { skip: noMachineCluster }, () => {
  let cluster: MachineCluster
  let client: Client
  before(async () => {
    cluster = await machineCluster('autoscaler')
    await cluster.must('up')
    client = await cluster.client()
  })
  after(() => cluster.remove())

  const wanted = async (): Promise<number | undefined> => (await client.resource(refs.deployments).get(cluster.scope, IN)).spec?.replicas
  const inPod = (pod: string, script: string): Promise<string> =>
    cluster.mustKubectl(['exec', pod, '--', '/usr/local/bin/node', '-e', script])

  it('acts on a step of the load of a pod, up and down', async (context) => {
    await client.resource(refs.deployments).create(cluster.scope, deployment)
    await client.resource(refs.horizontalpodautoscalers).create(cluster.scope, autoscaler)
    await eventually('the load is known', async () => {
      const { status } = await client.resource(refs.horizontalpodautoscalers).get(cluster.scope, IN)
      return (status?.currentMetrics ?? []).some(({ resource }) => resource?.current.averageUtilization !== undefined)
    })
    const { items } = await client.resource(refs.pods).list(cluster.scope, { namespace: IN.namespace })
    const pod = items[0]?.metadata?.name ?? assert.fail('there is no pod')
    const took: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      await inPod(pod, "require('node:fs').writeFileSync('/tmp/load', '')")
      await eventually('there are two', async () => (await wanted()) === 2, WITHIN_MS)
      const seenMs = Date.now()
      const log = await cluster.mustKubectl(['logs', pod, '--tail', '1'])
      took.push(seenMs - Number(/since (\d+)/.exec(log)?.[1]))
      await inPod(pod, "require('node:fs').rmSync('/tmp/load')")
      await eventually('there is one', async () => (await wanted()) === 1, WITHIN_MS)
    }
    context.diagnostic(`acted after ${took.join(', ')} ms`)
    assert.ok(took.every((ms) => ms >= 0 && ms < WITHIN_MS))
  })
})
