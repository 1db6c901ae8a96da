import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type RequestListener, createServer } from 'node:http'
import { type TestContext, test } from 'node:test'
import { rootScope } from '#base'
import type { core } from '#api'
import { eventually, freePort } from '#testing/basics'
import type { ContainerRuntime } from '../cri/runtime.ts'
import type { ProbeResults } from '../pods/plan/snapshot.ts'
import { podProbes } from './pod-probes.ts'
import { ProbeTally } from './probe-tally.ts'

const UP_AFTER_MS = 100
const NOT_PROBED: ProbeResults = { startup: 'unknown', readiness: 'unknown', liveness: 'unknown' }

/** An application that is up a moment after its start, and the results and events of its probes. */
async function probed(
  context: TestContext,
  probes: (probe: core.Probe) => Partial<core.Container>,
  answer: RequestListener = (_, response) => response.end(),
) {
  const scope = rootScope()
  const port = await freePort()
  const server = createServer(answer)
  context.after(() => {
    scope.cancel()
    server.closeAllConnections()
    server.close()
  })
  const told: string[] = []
  const events = { record: (_pod: core.Pod, _type: string, reason: string, message: string) => void told.push(`${reason} ${message}`) }
  let results = NOT_PROBED
  const own = podProbes(scope, {} as ContainerRuntime, events as never, new ProbeTally())
  own.start(
    {
      pod: { metadata: { name: 'web', namespace: 'shop' } },
      container: { name: 'main', image: 'web', ...probes({ httpGet: { port, path: '/' }, periodSeconds: 30, failureThreshold: 2 }) },
      containerId: 'c1',
      podIp: '127.0.0.1',
      startedAtMs: scope.clock.now(),
      adopted: false,
      initial: NOT_PROBED,
    } as never,
    (now) => {
      results = now
    },
  )
  await scope.sleep(UP_AFTER_MS)
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return { told, results: () => results, ending: () => own.ending('c1'), close: () => server.close() }
}

test('who waits for an application to be ready does not wait for the turn of the probe', async (context) => {
  const { told, results } = await probed(context, (probe) => ({ readinessProbe: probe }))
  await eventually('it is ready', () => results().readiness === 'success', 5000)
  assert.equal(told.length, 1, 'only the failure in turn is told')
})

test('readiness is looked at as soon as the application has started up', async (context) => {
  const { results } = await probed(context, (probe) => ({ startupProbe: probe, readinessProbe: probe }))
  await eventually('it has started up and is ready', () => results().startup === 'success' && results().readiness === 'success', 5000)
})

test('liveness keeps to its turns', async (context) => {
  const { told, results } = await probed(context, (probe) => ({ livenessProbe: probe, readinessProbe: probe }))
  await eventually('it is ready', () => results().readiness === 'success', 5000)
  assert.equal(results().liveness, 'unknown')
  assert.equal(told.length, 2)
})

const moved =
  (to: (path: string) => string): RequestListener =>
  ({ url = '' }, response) =>
    response.writeHead(302, { location: to(url) }).end('elsewhere')

test('an application that sends its probe elsewhere is well, and it is told', async (context) => {
  const often = (probe: core.Probe): core.Probe => ({ ...probe, periodSeconds: 1 })
  const away = moved(() => 'http://0.0.0.0/')
  const { told, results } = await probed(context, (probe) => ({ livenessProbe: often(probe) }), away)
  await eventually('it is alive', () => results().liveness === 'success', 5000)
  assert.ok(told.includes('ProbeWarning Liveness probe warning: Probe terminated redirects, Response body: elsewhere'), told.join('\n'))
})

test('an application that sends its probe on and on is not well', async (context) => {
  const often = (probe: core.Probe): core.Probe => ({ ...probe, periodSeconds: 1, failureThreshold: 1 })
  const round = moved((path) => `${path}again`)
  const { told, results } = await probed(context, (probe) => ({ livenessProbe: often(probe) }), round)
  await eventually('it is told', () => told.some((one) => one.endsWith('stopped after 10 redirects')), 5000)
  assert.equal(results().liveness, 'failure')
})

test('of a container that is being ended it is looked at whether it is still ready, and at nothing else', async (context) => {
  const often = (probe: core.Probe): core.Probe => ({ ...probe, periodSeconds: 1, failureThreshold: 1 })
  const both = (probe: core.Probe) => ({ livenessProbe: often(probe), readinessProbe: often(probe) })
  const { results, ending, close } = await probed(context, both)
  await eventually('it is well', () => results().readiness === 'success' && results().liveness === 'success', 5000)
  ending()
  close()
  await eventually('it is not ready', () => results().readiness === 'failure', 5000)
  assert.equal(results().liveness, 'success')
})
