import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type KubeObject, type core, refs } from '#api'
import { type Client, type Transport, type TransportRequest, Unreachable, createClient } from '#client'
import { eventually, rounds } from '#testing/basics'
import { type Stage, claim, deployment, imageOf, isReady, password, service, settings, stage } from './application.fixture.ts'
import { type Deployment, type Place, deploy, revisionsOf, rollback } from './door.ts'

/** What becomes of the request of a number: it is lost, its answer is, or whoever sends it is killed there. */
type Fault = 'request lost' | 'answer lost' | 'killed'

interface Faulty {
  readonly transport: Transport
  /** Requests so far, watches and lists left out. */
  readonly count: () => number
  readonly targets: readonly string[]
}

/** Lists and watches of caches: what goes wrong there is tried with all controllers together. */
const isFilling = ({ method, target }: TransportRequest): boolean =>
  method === 'GET' && /watch=true|labelSelector|\/applications(\?|$)/.test(target)

function faulty(inner: Transport, at: number, fault: Fault, kill: () => void): Faulty {
  let count = 0
  let isDead = false
  const targets: string[] = []
  const lost = (): Unreachable => new Unreachable('test', new Error(fault))
  return {
    count: () => count,
    targets,
    transport: {
      server: inner.server,
      close: () => inner.close(),
      async send(scope, request) {
        targets.push(`${request.method} ${request.target}`)
        if (isFilling(request)) return inner.send(scope, request)
        const isHit = count++ === at
        if (isDead) throw lost()
        if (isHit && fault === 'killed') {
          isDead = true
          kill()
        }
        if (isHit && fault !== 'answer lost') throw lost()
        const answer = await inner.send(scope, request)
        if (isHit) throw lost()
        return answer
      },
    },
  }
}

const FIRST: readonly KubeObject[] = [
  deployment('a', 'a:1', 2),
  deployment('b', 'b:1', 1),
  service('a'),
  settings('1'),
  password('x'),
  claim('data'),
]
const SECOND: readonly KubeObject[] = [deployment('a', 'a:2', 3), deployment('c', 'c:1', 1), service('a'), settings('2'), claim('data')]
const how: Deployment = { door: 'Manifests', cause: '', dryRun: false, run: false }

/** All that a revision describes, as the server has it. */
async function world(on: Stage, place: Place): Promise<unknown> {
  const { client, namespace } = place
  const names = async (ref: Parameters<Client['resource']>[0]): Promise<readonly string[]> =>
    (await client.resource(ref).list(on.api.scope, { namespace, labelSelector: 'sampan.io/application' })).items.map(
      ({ metadata }) => metadata?.name ?? '',
    )
  const configMaps = (await client.resource(refs.configmaps).list(on.api.scope, { namespace })).items
  const secrets = (await client.resource(refs.secrets).list(on.api.scope, { namespace })).items.filter(
    ({ type }: core.Secret) => type === 'Opaque',
  )
  const application = await on.application(place)
  return {
    deployments: await on.deployments(place, (one) => [imageOf(one), one.spec?.replicas]),
    services: await names(refs.services),
    claims: await names(refs.persistentvolumeclaims),
    settings: configMaps.map(({ data }) => data),
    secrets: secrets.map(({ data }) => data),
    summary: application?.status?.summary,
    parts: application?.status?.parts?.map(({ kind, name, state }) => `${kind}/${name} ${state}`),
  }
}

const ready = (on: Stage, place: Place): Promise<true> =>
  eventually(
    'it is ready',
    async () => {
      const now = await on.application(place)
      return isReady(now) && now?.status?.revision === now?.spec.revision
    },
    20_000,
  )

/** Requests at which something goes wrong, spread over all that there are. */
const someOf = (all: number): readonly number[] => {
  const many = Math.min(all, rounds(3))
  return Array.from({ length: many }, (_, index) => Math.floor((index * all) / many))
}

describe('an application whose controller fails at any request', () => {
  for (const fault of ['request lost', 'answer lost', 'killed'] as const)
    test(`ends where it would have ended: ${fault}`, async (t) => {
      const on = await stage()
      t.after(() => on.close())

      /** Two revisions and back again, with the request of this number going wrong. */
      async function play(at: number): Promise<{ readonly seen: readonly unknown[]; readonly requests: number }> {
        const place = await on.place(`round-${at + 1}`)
        const first = Promise.withResolvers<void>()
        const way = faulty(on.transport, at, fault, () => first.resolve())
        let running = await on.control(way.transport)
        const successor = first.promise.then(async () => {
          running.cancel()
          running = await on.control()
        })
        const settled = async (): Promise<unknown> => {
          await ready(on, place)
          return world(on, place)
        }
        await deploy(on.api.scope, place, FIRST, how)
        const seen = [await settled()]
        await deploy(on.api.scope, place, SECOND, how)
        seen.push(await settled())
        await rollback(on.api.scope, place, { to: 1, cause: '', dryRun: false })
        seen.push(await settled())
        first.resolve()
        await successor
        running.cancel()
        return { seen, requests: way.count() }
      }

      const undisturbed = await play(-1)
      // What the first revision described is there again, and its claim as it was.
      assert.deepEqual(undisturbed.seen[2], undisturbed.seen[0])
      for (const at of someOf(undisturbed.requests)) assert.deepEqual((await play(at)).seen, undisturbed.seen, `request ${at}`)
    })
})

describe('a door that is killed at any request', () => {
  test('leaves the application as it was or as it is to be, and can be tried again', async (t) => {
    const on = await stage()
    t.after(() => on.close())
    await on.control()
    for (let at = 0; ; at++) {
      const place = await on.place(`door-${at}`)
      await deploy(on.api.scope, place, FIRST, how)
      await ready(on, place)
      const way = faulty(on.transport, at, 'killed', () => undefined)
      const client = createClient({ transport: way.transport })
      const isDone = await deploy(on.api.scope, { ...place, client }, SECOND, how).then(
        () => true,
        () => false,
      )
      await ready(on, place)
      assert.deepEqual(await on.deployments(place, imageOf), isDone ? { a: 'a:2', c: 'c:1' } : { a: 'a:1', b: 'b:1' })
      await deploy(on.api.scope, place, SECOND, how)
      await ready(on, place)
      assert.deepEqual(await on.deployments(place, imageOf), { a: 'a:2', c: 'c:1' })
      assert.equal((await revisionsOf(on.api.scope, place)).length <= 3, true)
      if (isDone) break
    }
  })
})

describe('what the platform asks', () => {
  test('is asked of public endpoints of the Kubernetes API', async (t) => {
    const on = await stage()
    t.after(() => on.close())
    const way = faulty(on.transport, -1, 'killed', () => undefined)
    await on.control(way.transport)
    const client = createClient({ transport: way.transport })
    const place = { ...(await on.place('public')), client }
    await deploy(on.api.scope, place, FIRST, how)
    await ready(on, place)
    await deploy(on.api.scope, place, SECOND, how)
    await ready(on, place)
    await rollback(on.api.scope, place, { cause: '', dryRun: false })
    await ready(on, place)
    // Groups that every Kubernetes has, and the one whose kinds are ours.
    const groups = 'apps|batch|autoscaling|policy|networking\\.k8s\\.io|authentication\\.k8s\\.io|delivery\\.sampan\\.io'
    const known = new RegExp(`^[A-Z]+ /(api/v1|apis/(${groups})/v[0-9a-z]+)/[a-z]+([/?]|$)`)
    assert.deepEqual(
      way.targets.filter((target) => !known.test(target)),
      [],
    )
    assert.equal(way.targets.length > 50, true)
  })
})
