import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type autoscaling, type networking, refs } from '#api'
import type { Client } from '#client'
import { gatewayProcesses } from '#gateway'
import { running } from '#main'
import { type MachineCluster, machineCluster, noMachineCluster, runCommand, startCommand } from '#testing'
import { eventually } from '#testing/basics'
import { noGateway } from './gateway/stage.ts'

/** `sampan up --gateway` from nothing to nothing, with the rights that the gateway has there. The tests build on each other, in this order. */
describe('a cluster with a gateway on this machine', { skip: noMachineCluster || (noGateway() ?? false) }, () => {
  let cluster: MachineCluster
  let client: Client
  before(async () => {
    cluster = await machineCluster('gate')
  })
  after(() => cluster.remove())

  const ask = async (path: string): Promise<{ readonly status: string; readonly body: string }> => {
    const url = `http://${cluster.instance.nodes[0].address}${path}`
    const { stdout } = await runCommand('curl', [
      '--silent',
      '--max-time',
      '5',
      '--write-out',
      '\n%{http_code}',
      '-H',
      'Host: shop.example',
      url,
    ])
    const end = stdout.lastIndexOf('\n')
    return { status: stdout.slice(end + 1), body: stdout.slice(0, end) }
  }
  const haproxies = (): number => gatewayProcesses(join(cluster.stateDir, 'gateway')).length

  it('comes up, and answers 404 before there is an Ingress', async () => {
    assert.match(await cluster.must('up', '--gateway'), /the gateway {2,}http:/)
    client = await cluster.client()
    assert.equal((await ask('/')).status, '404')
    assert.match(await cluster.must('status'), /gateway +running[^]*haproxy +running/)
  })

  it('serves the pods of an Ingress that names no class', async () => {
    const made: networking.Ingress = {
      metadata: { name: 'shop', namespace: 'shop' },
      spec: {
        rules: [
          {
            host: 'shop.example',
            http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'storefront', port: { number: 80 } } } }] },
          },
        ],
      },
    }
    await client.resource(refs.ingresses).create(cluster.scope, made)
    const { body } = await eventually('the storefront', async () => {
      const answer = await ask('/')
      return answer.status === '200' && answer
    })
    assert.match(body, /Deck teapot/)
    await eventually('the address', async () => {
      const { status } = await client.resource(refs.ingresses).get(cluster.scope, { namespace: 'shop', name: 'shop' })
      return status?.loadBalancer?.ingress?.[0]?.ip === cluster.instance.nodes[0].address
    })
  })

  it('serves the pods of a route that kubectl has made of Gateway API', async () => {
    const { address } = cluster.instance.nodes[0]
    const manifests = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: web, namespace: shop }
spec:
  gatewayClassName: sampan
  listeners: [{ name: http, port: 80, protocol: HTTP, hostname: "*.api.example" }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: shop, namespace: shop }
spec:
  parentRefs: [{ name: web }]
  hostnames: [shop.api.example]
  rules: [{ backendRefs: [{ name: storefront, port: 80 }] }]
`
    await cluster.mustKubectl(['apply', '-f', '-'], { input: manifests })
    await cluster.mustKubectl(['wait', '--for=condition=Programmed', 'gateway/web', '-n', 'shop', '--timeout=20s'])
    assert.match(
      await cluster.mustKubectl(['get', 'gtw', 'web', '-n', 'shop']),
      new RegExp(`web +sampan +${address.replaceAll('.', '\\.')} +True`),
    )
    await eventually('the storefront', async () => {
      const answer = await runCommand('curl', ['--silent', '-H', 'Host: shop.api.example', `http://${address}/`])
      return answer.stdout.includes('Deck teapot')
    })
  })

  it('holds requests to a policy, and a breaker to the hand of a person', async () => {
    const manifest = `
apiVersion: gateway.sampan.io/v1alpha1
kind: TrafficPolicy
metadata: { name: front, namespace: shop }
spec:
  service: storefront
  breaker: { rules: [{ type: ErrorRatio, ratio: 0.5 }], probes: 1, fallback: { status: 503, body: closed for today } }
`
    await cluster.mustKubectl(['apply', '-f', '-'], { input: manifest })
    await cluster.mustKubectl(['wait', '--for=jsonpath={.status.breaker.state}=Closed', 'tp/front', '-n', 'shop', '--timeout=60s'])
    assert.match(await cluster.must('breaker', 'open', 'front', '-n', 'shop', '--yes'), /all its requests get the fallback/)
    await eventually('the fallback', async () => (await ask('/')).body === 'closed for today')
    await cluster.mustKubectl(['wait', '--for=jsonpath={.status.breaker.state}=Open', 'tp/front', '-n', 'shop', '--timeout=60s'])
    assert.match(await cluster.must('breaker', 'status', '-n', 'shop'), /front +storefront +Open +Open +- +somebody has said so/)
    await cluster.must('breaker', 'auto', 'front', '-n', 'shop', '--yes')
    // The probe is good.
    await eventually('the storefront', async () => (await ask('/')).body.includes('Deck teapot'))
    await cluster.mustKubectl(['wait', '--for=jsonpath={.status.breaker.state}=Closed', 'tp/front', '-n', 'shop', '--timeout=60s'])
    const may = async (who: string): Promise<string> =>
      (await cluster.kubectl(['auth', 'can-i', 'delete', 'trafficpolicies', '-n', 'shop', '--as', who])).stdout.trim()
    assert.equal(await may('sampan:gateway'), 'no')
    await cluster.mustKubectl(['delete', 'tp', 'front', '-n', 'shop'])
  })

  it('counts what autoscalers go by: there are as many pods as the requests need, and fewer again when they stop', async (t) => {
    const [metric, time] = ['requests_per_second', 'response_time_p95_seconds']
    const service = '{ apiVersion: v1, kind: Service, name: storefront }'
    const manifests = `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: any-host, namespace: shop }
spec:
  rules: [{ http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: storefront, port: { number: 80 } } } }] } }]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: storefront, namespace: shop }
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: storefront }
  minReplicas: 1
  maxReplicas: 3
  behavior: { scaleDown: { stabilizationWindowSeconds: 0 } }
  metrics:
  - { type: Object, object: { describedObject: ${service}, metric: { name: ${metric} }, target: { type: AverageValue, averageValue: 10 } } }
  - { type: Pods, pods: { metric: { name: ${metric} }, target: { type: AverageValue, averageValue: 10 } } }
  - { type: Object, object: { describedObject: ${service}, metric: { name: ${time} }, target: { type: Value, value: 60 } } }
`
    await cluster.mustKubectl(['apply', '-f', '-'], { input: manifests })
    const scaled = (holds: (one: autoscaling.HorizontalPodAutoscaler) => boolean) =>
      eventually(
        'the autoscaler',
        async () => {
          const one = await client.resource(refs.horizontalpodautoscalers).get(cluster.scope, { namespace: 'shop', name: 'storefront' })
          return holds(one) ? one : undefined
        },
        90_000,
      )
    const load = startCommand(process.execPath, [
      join(import.meta.dirname, 'inside/load.ts'),
      `http://${cluster.instance.nodes[0].address}/`,
      '25',
      'keep',
    ])
    await load.until(/asking/)
    const startMs = performance.now()
    try {
      const { status } = await scaled((one) => one.status?.desiredReplicas === 3 && (one.status.currentMetrics ?? []).length === 3)
      t.diagnostic(`three pods after ${((performance.now() - startMs) / 1000).toFixed(1)} s: ${JSON.stringify(status?.currentMetrics)}`)
      const [object, pods, quantile] = status?.currentMetrics ?? []
      assert.equal(object?.object?.metric.name, metric)
      assert.equal(pods?.pods?.metric.name, metric)
      // Text of a quantity: a time was measured, and it is no minute.
      assert.match(String(quantile?.object?.current.value), /^[1-9]\d*[mu]$/)
    } finally {
      await load.stop()
    }
    const down = performance.now()
    await scaled(({ status }) => status?.desiredReplicas === 1)
    t.diagnostic(`one pod ${((performance.now() - down) / 1000).toFixed(1)} s after the last request`)
  })

  it('may read a Secret that it knows the name of, and cannot look for others', async () => {
    const may = async (...words: readonly string[]): Promise<string> =>
      (await cluster.kubectl(['auth', 'can-i', ...words, '--all-namespaces', '--as', 'sampan:gateway'])).stdout.trim()
    assert.equal(await may('get', 'secrets'), 'yes')
    assert.equal(await may('list', 'secrets'), 'no')
    assert.equal(await may('update', 'ingresses'), 'no')
  })

  it('serves on while the gateway is killed, and its successor takes over', async () => {
    const killed = running(cluster.stateDir, 'gateway')?.pid ?? assert.fail('no gateway')
    process.kill(killed, 'SIGKILL')
    assert.equal((await ask('/')).status, '200')
    await eventually('another gateway', () => {
      const pid = running(cluster.stateDir, 'gateway')?.pid
      return pid !== undefined && pid !== killed
    })
    assert.equal((await ask('/')).status, '200')
  })

  it('leaves no HAProxy when the cluster is stopped', async () => {
    assert.equal(haproxies() > 0, true)
    await cluster.must('down')
    assert.equal(haproxies(), 0)
  })
})
