import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type KubeObject, refs } from '#api'
import { eventually } from '#testing/basics'
import {
  type Stage,
  claim,
  conditionOf,
  deployment,
  imageOf,
  ingress,
  isReady,
  password,
  service,
  settings,
  stage,
} from './application.fixture.ts'
import { type Deployment, type Place, deleteApplication, deploy, revisionsOf, rollback, setMode } from './door.ts'
import { type Application, applicationRef, revisionRef } from './objects.ts'

const how = (cause = ''): Deployment => ({ door: 'Manifests', cause, dryRun: false, run: false })

describe('an application', () => {
  let on: Stage
  let place: Place
  before(async () => {
    on = await stage()
    await on.control()
  })
  after(() => on.close())

  const bring = (objects: readonly KubeObject[], cause?: string) => deploy(on.api.scope, place, objects, how(cause))
  const ready = (): Promise<Application> =>
    eventually('it is ready', async () => {
      const now = await on.application(place)
      return isReady(now) && now
    })
  const images = () => on.deployments(place, imageOf)
  const value = async (): Promise<unknown> =>
    (await on.client.resource(refs.configmaps).get(on.api.scope, { namespace: place.namespace, name: 'settings' })).data?.['value']
  const secret = async (): Promise<string> => {
    const { data } = await on.client.resource(refs.secrets).get(on.api.scope, { namespace: place.namespace, name: 'password' })
    return Buffer.from(data?.['password'] ?? '', 'base64').toString()
  }
  test('has its parts, which say whose they are, and a status that adds up', async () => {
    place = await on.place('first')
    await bring([deployment('a', 'a:1', 2), deployment('b', 'b:1', 3), service('a'), settings('1'), password('x'), claim('data')], 'start')
    const { status, metadata } = await ready()
    assert.deepEqual(status?.pods, { wanted: 5, updated: 5, ready: 5, available: 5 })
    assert.equal(status?.summary, '5/5')
    assert.deepEqual(
      [status?.revision, status?.mode, conditionOf(await on.application(place), 'Degraded')?.status],
      [1, 'Running', 'False'],
    )
    assert.deepEqual(
      status?.parts?.map(({ kind, name, state, holdsData }) => [kind, name, state, holdsData ?? false]),
      [
        ['ConfigMap', 'settings', 'Ready', false],
        ['Secret', 'password', 'Ready', false],
        ['PersistentVolumeClaim', 'data', 'Ready', true],
        ['Service', 'a', 'Ready', false],
        ['Deployment', 'a', 'Ready', false],
        ['Deployment', 'b', 'Ready', false],
      ],
    )
    const owners = await on.deployments(place, ({ metadata: of }) => [of?.labels?.['sampan.io/application'], of?.ownerReferences?.[0]?.uid])
    assert.deepEqual(owners, { a: ['first', metadata?.uid], b: ['first', metadata?.uid] })
    const kept = await on.client.resource(refs.persistentvolumeclaims).get(on.api.scope, { namespace: place.namespace, name: 'data' })
    assert.equal(kept.metadata?.ownerReferences, undefined)
    const [revision] = await revisionsOf(on.api.scope, place)
    assert.deepEqual(
      [revision?.spec.author, revision?.spec.door, revision?.spec.cause, revision?.spec.sealed],
      ['admin', 'Manifests', 'start', 1],
    )
    assert.equal(revision?.spec.manifests.includes(Buffer.from('x').toString('base64')), false)
    assert.match(revision?.status?.appliedTime ?? '', /^\d{4}-/)
    assert.equal(revision?.metadata?.ownerReferences?.[0]?.uid, metadata?.uid)
  })

  test('goes back to an earlier revision with its settings and secrets, removes what that one had not, and keeps what holds data', async () => {
    await bring([
      deployment('a', 'a:2', 4),
      deployment('c', 'c:1', 1),
      service('a'),
      settings('2'),
      password('y'),
      claim('data'),
      claim('more'),
    ])
    await ready()
    assert.deepEqual(await images(), { a: 'a:2', c: 'c:1' })
    assert.equal(await secret(), 'y')
    const dry = await rollback(on.api.scope, place, { cause: '', dryRun: true })
    assert.deepEqual([dry.to, dry.revision], [1, 3])
    assert.deepEqual(
      dry.changes.map(({ kind, part }) => `${kind} ${part}`),
      [
        'change ConfigMap/settings',
        'change Secret/password',
        'change Deployment/a',
        'add Deployment/b',
        'keep PersistentVolumeClaim/more',
        'remove Deployment/c',
      ],
    )
    assert.equal(JSON.stringify(dry).includes(Buffer.from('y').toString('base64')), false)
    assert.match(dry.warnings.join(), /volumes are not touched: what is in PersistentVolumeClaim\/data stays/)
    assert.equal((await revisionsOf(on.api.scope, place)).length, 2)

    await rollback(on.api.scope, place, { cause: 'two was wrong', dryRun: false })
    const { status } = await ready()
    assert.deepEqual(
      [await images(), await value(), await secret(), status?.revision, status?.summary],
      [{ a: 'a:1', b: 'b:1' }, '1', 'x', 3, '5/5'],
    )
    assert.match(status?.parts?.find(({ name }) => name === 'more')?.message ?? '', /stays, as it holds data/)
    const history = await revisionsOf(on.api.scope, place)
    assert.deepEqual(
      history.map(({ spec }) => [spec.revision, spec.door, spec.rollbackOf]),
      [
        [1, 'Manifests', undefined],
        [2, 'Manifests', undefined],
        [3, 'Rollback', 1],
      ],
    )
    assert.equal(history[2]?.spec.digest, history[0]?.spec.digest)
  })

  test('is suspended and resumed with the counts that it had, and loses its ways in when it is stopped', async () => {
    await bring([deployment('a', 'a:1', 2), service('a'), ingress('a'), cron(false)])
    await ready()
    await on.client
      .resource(refs.deployments)
      .patch(on.api.scope, { namespace: place.namespace, name: 'a' }, { type: 'merge', body: { spec: { replicas: 7 } } })
    const counts = () => on.deployments(place, ({ spec }) => spec?.replicas)
    const ways = async () => (await on.client.resource(refs.ingresses).list(on.api.scope, { namespace: place.namespace })).items.length
    const crons = async () =>
      (await on.client.resource(refs.cronjobs).list(on.api.scope, { namespace: place.namespace })).items.map(({ spec }) => spec?.suspend)
    await setMode(on.api.scope, place, 'Suspended')
    const suspended = await ready()
    assert.deepEqual(
      [await counts(), await ways(), await crons(), conditionOf(suspended, 'Ready')?.reason],
      [{ a: 0 }, 1, [true], 'Suspended'],
    )
    await setMode(on.api.scope, place, 'Stopped')
    await ready()
    assert.deepEqual([await counts(), await ways()], [{ a: 0 }, 0])
    await setMode(on.api.scope, place, 'Running')
    const { status } = await ready()
    assert.deepEqual([await counts(), await ways(), await crons(), status?.summary], [{ a: 7 }, 1, [false], '7/7'])
  })

  test('starts with the counts of a revision that came while it was suspended', async () => {
    await setMode(on.api.scope, place, 'Suspended')
    await ready()
    await bring([deployment('a', 'a:3', 3), service('a')])
    await ready()
    const counts = () => on.deployments(place, (one) => [imageOf(one), one.spec?.replicas])
    assert.deepEqual(await counts(), { a: ['a:3', 0] })
    await deploy(on.api.scope, place, [deployment('a', 'a:3', 3), service('a')], { ...how(), run: true })
    await ready()
    assert.deepEqual(await counts(), { a: ['a:3', 3] })
  })

  test('changes nothing when the API does not take one of its objects, and is well again after a rollback', async () => {
    const later = deployment('b', 'b:1', -1, { 'sampan.io/depends-on': 'Deployment/a' })
    const wrong = { ...service('a'), spec: { ports: [{ port: 99_999 }] } } as KubeObject
    await bring([deployment('a', 'a:4', 1), later, wrong])
    const refused = await eventually('it is refused', async () => {
      const now = await on.application(place)
      return conditionOf(now, 'Degraded')?.reason === 'RevisionRefused' && now
    })
    assert.match(conditionOf(refused, 'Degraded')?.message ?? '', /Service\/a: .*99999.*Deployment\/b: .*spec\.replicas/)
    assert.deepEqual(await images(), { a: 'a:3' })
    assert.match((await revisionsOf(on.api.scope, place)).at(-1)?.status?.refusal ?? '', /99999/)
    const back = await rollback(on.api.scope, place, { cause: '', dryRun: false })
    assert.equal(
      (await revisionsOf(on.api.scope, place)).find(({ spec }) => spec.revision === back.to)?.spec.manifests.includes('a:3'),
      true,
    )
    await ready()
    assert.deepEqual(await images(), { a: 'a:3' })
  })

  test('takes no revision that somebody has written by hand and wrongly', async () => {
    place = await on.place('by-hand')
    const role = '{ apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: { name: r } }'
    for (const [index, [manifests, why]] of (
      [
        ['a: [', /cannot be read/],
        [role, /Role .* is no part of applications/],
      ] as const
    ).entries()) {
      const revision = index + 1
      const spec = {
        application: 'by-hand',
        revision,
        author: '',
        door: 'Manifests',
        cause: '',
        manifests,
        sealed: 0,
        digest: `sha256:${'0'.repeat(64)}`,
      }
      await on.client
        .resource(revisionRef)
        .create(on.api.scope, { metadata: { name: `by-hand-${revision}`, namespace: place.namespace }, spec })
      const wanted = { metadata: { name: 'by-hand', namespace: place.namespace }, spec: { revision } }
      if (index === 0) await on.client.resource(applicationRef).create(on.api.scope, wanted)
      else await on.client.resource(applicationRef).patch(on.api.scope, place, { type: 'merge', body: wanted })
      await eventually('it is refused', async () => why.test(conditionOf(await on.application(place), 'Degraded')?.message ?? ''))
    }
  })

  test('takes over what is nobody’s, and names the owner of what is somebody’s', async () => {
    place = await on.place('second')
    const deployments = on.client.resource(refs.deployments)
    const make = (name: string, metadata: object) =>
      deployments.create(on.api.scope, { ...deployment(name, 'old'), metadata: { name, namespace: place.namespace, ...metadata } })
    await make('free', {})
    await make('of-helm', { labels: { 'app.kubernetes.io/managed-by': 'Helm' }, annotations: { 'meta.helm.sh/release-name': 'mine' } })
    await make('of-other', { labels: { 'sampan.io/application': 'other' } })
    await make('of-operator', { ownerReferences: [{ apiVersion: 'x.io/v1', kind: 'Operator', name: 'op', uid: 'u', controller: true }] })
    await bring(['free', 'of-helm', 'of-other', 'of-operator'].map((name) => deployment(name, 'new')))
    const refused = await eventually('it is refused', async () => {
      const now = await on.application(place)
      return conditionOf(now, 'Degraded')?.reason === 'NotOurs' && now
    })
    assert.equal(
      conditionOf(refused, 'Degraded')?.message,
      'Deployment/of-helm belongs to Helm release mine; Deployment/of-other belongs to application other; Deployment/of-operator belongs to Operator op',
    )
    assert.equal((await images())['free'], 'old')
    await bring([deployment('free', 'new')])
    await ready()
    assert.deepEqual(await images(), { free: 'new', 'of-helm': 'old', 'of-other': 'old', 'of-operator': 'old' })
  })

  test('starts a part when those that it depends on are ready', async () => {
    place = await on.place('third')
    await bring([deployment('db', 'never'), deployment('api', 'api:1', 1, { 'sampan.io/depends-on': 'Deployment/db' })])
    const waiting = await eventually('it waits', async () => {
      const now = await on.application(place)
      return now?.status?.parts?.some(({ state }) => state === 'Waiting') === true && now
    })
    assert.equal(conditionOf(waiting, 'Progressing')?.message, 'Deployment/api: waits for Deployment/db')
    assert.equal(waiting.status?.revision, undefined)
    assert.deepEqual(await images(), { db: 'never' })
    await on.client
      .resource(refs.deployments)
      .patch(
        on.api.scope,
        { namespace: place.namespace, name: 'db' },
        { type: 'merge', body: { spec: { template: { spec: { containers: [{ name: 'main', image: 'db:1' }] } } } } },
      )
    await ready()
    assert.deepEqual(await images(), { api: 'api:1', db: 'db:1' })
  })

  test('makes again what was removed behind its back', async () => {
    await on.client.resource(refs.deployments).delete(on.api.scope, { namespace: place.namespace, name: 'api' })
    await eventually('it is back', async () => (await images())['api'] === 'api:1')
    await ready()
  })

  test('keeps as many revisions as it is told to', async () => {
    place = await on.place('fourth')
    for (let at = 1; at <= 5; at++) {
      await bring([settings(String(at))])
      if (at === 1)
        await on.client.resource(applicationRef).patch(on.api.scope, place, { type: 'merge', body: { spec: { revisionHistoryLimit: 2 } } })
      await ready()
    }
    await eventually(
      'old ones go',
      async () => (await revisionsOf(on.api.scope, place)).map(({ spec }) => spec.revision).join() === '3,4,5',
    )
  })

  test('goes as one', async () => {
    const applications = on.client.resource(applicationRef)
    const gone = deleteApplication(on.api.scope, place, true)
    // Here nobody collects garbage.
    await eventually('it is going', async () => (await on.application(place))?.metadata?.deletionTimestamp !== undefined)
    await applications.patch(on.api.scope, place, { type: 'merge', body: { metadata: { finalizers: null } } })
    assert.equal(await gone, true)
    assert.equal(await on.application(place), undefined)
    assert.equal(await deleteApplication(on.api.scope, place, true), false)
  })
})

const cron = (suspend: boolean): KubeObject =>
  ({
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'nightly' },
    spec: {
      schedule: '0 3 * * *',
      suspend,
      jobTemplate: { spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'i' }] } } } },
    },
  }) as KubeObject
