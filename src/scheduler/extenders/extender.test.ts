import assert from 'node:assert/strict'
import { type Server, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, it } from 'node:test'
import { rootScope } from '#base'
import { type core, refs } from '#api'
import { createClient, inProcessTransport } from '#client'
import { createInformers } from '#reconcile'
import { createFakeApi } from '#testing'
import { readSchedulerConfig } from '../config/read-config.ts'
import { Scheduler } from '../loop/scheduler.ts'
import type { NodeState } from '../cluster/node-state.ts'
import type { Candidate } from '../preemption/candidates.ts'
import { testCluster, testNode, testPod } from '../testing/build.ts'
import { candidatesOfExtenders } from './ask.ts'
import { Extender } from './extender.ts'

type Answer = (body: Readonly<Record<string, unknown>>) => unknown

describe('an extender', () => {
  let server: Server
  let url = ''
  let answers: Readonly<Record<string, Answer>> = {}
  let asked: { readonly verb: string; readonly body: Readonly<Record<string, unknown>> }[] = []
  before(async () => {
    server = createServer((request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('end', () => {
        const verb = request.url?.slice(1) ?? ''
        const body = JSON.parse(Buffer.concat(parts).toString('utf8'))
        asked.push({ verb, body })
        const answer = answers[verb]
        response.statusCode = answer === undefined ? 500 : 200
        response.end(JSON.stringify(answer?.(body) ?? {}))
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(() => new Promise((resolve) => server.close(resolve)))
  beforeEach(() => {
    asked = []
  })

  /** Schedules one pod over three nodes; resolves with the pod when `isDone` says so. */
  async function schedule(extenders: string, isDone: (pod: core.Pod) => boolean, spec: Partial<core.PodSpec> = {}): Promise<core.Pod> {
    const { config } = readSchedulerConfig(
      `apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nextenders: ${extenders}\n`,
      'f',
    )
    using scope = rootScope()
    const client = createClient({ transport: inProcessTransport(createFakeApi().handler) })
    for (const name of ['n1', 'n2', 'n3']) await client.resource(refs.nodes).create(scope, testNode(name))
    const informers = createInformers(client)
    const pods = informers.informer(refs.pods)
    const scheduler = new Scheduler(scope, { client, informers, isServed: () => true, config })
    await informers.start(scope)
    scheduler.start()
    const seen = new Promise<core.Pod>((resolve) => pods.onChange(({ now }) => void (now !== undefined && isDone(now) && resolve(now))))
    const containers = [{ name: 'main', image: 'app' }]
    await client.resource(refs.pods).create(scope, { metadata: { namespace: 'x', name: 'p' }, spec: { containers, ...spec } })
    bound = Promise.withResolvers<string>()
    return await Promise.race([seen, bound.promise.then((node): core.Pod => ({ spec: { containers, nodeName: node } }))])
  }
  let bound = Promise.withResolvers<string>()
  const bind: Answer = (body) => {
    bound.resolve(String(body['Node']))
    return {}
  }
  const condition = (pod: core.Pod): core.PodCondition | undefined => pod.status?.conditions?.find(({ type }) => type === 'PodScheduled')

  it('narrows the choice, prefers, and binds', async () => {
    answers = {
      // As a program would answer that names its fields in its own way.
      filter: () => ({ nodenames: ['n1', 'n2'], failedNodes: { n3: 'not licensed' }, error: '' }),
      prioritize: (body) => (body['NodeNames'] as string[]).map((host) => ({ host, score: host === 'n2' ? 10 : 0 })),
      bind,
    }
    const extender = `[{urlPrefix: '${url}/', filterVerb: filter, prioritizeVerb: prioritize, bindVerb: bind, weight: 5, nodeCacheCapable: true}]`
    const pod = await schedule(extender, () => false)
    assert.equal(pod.spec?.nodeName, 'n2')
    assert.deepEqual(
      asked.map(({ verb }) => verb),
      ['filter', 'prioritize', 'bind'],
    )
    assert.deepEqual(
      [asked[0]?.body['Nodes'], asked[0]?.body['NodeNames'], asked[1]?.body['NodeNames']],
      [null, ['n1', 'n2', 'n3'], ['n1', 'n2']],
    )
    assert.equal(asked[2]?.body['PodName'], 'p')
  })

  it('gives the reasons of what it refuses', async () => {
    answers = {
      filter: () => ({
        Nodes: { items: [] },
        FailedNodes: { n1: 'not licensed', n2: 'not licensed' },
        FailedAndUnresolvableNodes: { n3: 'too old' },
      }),
    }
    const pod = await schedule(`[{urlPrefix: '${url}', filterVerb: filter}]`, (seen) => condition(seen) !== undefined)
    assert.match(condition(pod)?.message ?? '', /^0\/3 nodes are available: 1 too old, 2 not licensed\./)
    assert.deepEqual(
      (asked[0]?.body['Nodes'] as core.NodeList | undefined)?.items.map(({ metadata }) => metadata?.name),
      ['n1', 'n2', 'n3'],
    )
  })

  it('fails the pod when it does not answer, unless it may be ignored', async () => {
    answers = { bind }
    const failing = await schedule(`[{urlPrefix: '${url}', filterVerb: filter}]`, (seen) => condition(seen) !== undefined)
    assert.equal(condition(failing)?.reason, 'SchedulerError')
    assert.equal(condition(failing)?.message, `failed filter with extender at URL ${url}/filter, code 500`)
    const pod = await schedule(
      `[{urlPrefix: '${url}', filterVerb: filter, ignorable: true}, {urlPrefix: '${url}', bindVerb: bind}]`,
      () => false,
    )
    assert.match(pod.spec?.nodeName ?? '', /^n[123]$/)
  })

  it('is asked only about pods that want what it manages, which nodes need not have', async () => {
    answers = { filter: () => ({ NodeNames: ['n3'] }), bind }
    const extenders = `[{urlPrefix: '${url}', filterVerb: filter, bindVerb: bind, nodeCacheCapable: true, managedResources: [{name: example.com/chip, ignoredByScheduler: true}]}]`
    const limits = { 'example.com/chip': '2' }
    const containers = [{ name: 'main', image: 'app', resources: { limits, requests: limits } }]
    assert.equal((await schedule(extenders, () => false, { containers })).spec?.nodeName, 'n3')
    asked = []
    await schedule(extenders, (seen) => condition(seen) !== undefined, {
      containers: [{ name: 'main', image: 'app', resources: { requests: { cpu: '99' } } }],
    })
    assert.deepEqual(asked, [])
  })

  it('has a say in who leaves', async () => {
    const [mild, harsh] = [testPod('mild'), testPod('harsh')]
    const cluster = testCluster(
      [testNode('n1'), testNode('n2')],
      [
        [mild, 'n1'],
        [harsh, 'n2'],
      ],
    )
    const candidates = [mild, harsh].map((victim) => ({
      node: cluster.node(cluster.placedOn(victim.uid) ?? '') as NodeState,
      victims: [victim],
      brokenBudgets: 0,
    }))
    const text = `apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nextenders: [{urlPrefix: '${url}', preemptVerb: preempt, nodeCacheCapable: true}]\n`
    const extenders = (readSchedulerConfig(text, 'f').config.extenders ?? []).map((one) => new Extender(one))
    using scope = rootScope()
    const left = (uid: string): Promise<readonly Candidate[]> => {
      answers = { preempt: () => ({ NodeNameToMetaVictims: { n2: { Pods: [{ UID: uid }], NumPDBViolations: 1 } } }) }
      return candidatesOfExtenders(scope, extenders, testPod('new', { priority: 5 }), candidates)
    }
    assert.deepEqual(await left(harsh.uid), [{ ...candidates[1], brokenBudgets: 1 }])
    assert.deepEqual(asked[0]?.body['NodeNameToMetaVictims'], {
      n1: { Pods: [{ UID: mild.uid }], NumPDBViolations: 0 },
      n2: { Pods: [{ UID: harsh.uid }], NumPDBViolations: 0 },
    })
    await assert.rejects(left(mild.uid), /claims to preempt pod \(UID: uid-default-mild\) on node: n2/)
  })
})
