import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { refs } from '#api'
import { loadProject } from '#compose'
import { eventually } from '#testing/basics'
import { type Stage, conditionOf, imageOf, stage } from '../application/application.fixture.ts'
import { revisionsOf, rollback } from '../application/door.ts'
import { applicationRef } from '../application/objects.ts'
import { bringUp, takeDown } from './bring-up.ts'
import { type Converted, convertProject } from './convert.ts'

const project = (image: string, more = ''): Converted => {
  const text = `name: my_shop
services:
  web:
    image: ${image}
    environment: { GREETING: "${image}" }
    depends_on: { api: { condition: service_healthy } }
    configs: [settings]
    secrets: [password]
    ports: ["80:80"]
    volumes: ["data:/data"]
  api: { image: "api:1", scale: 2 }
${more}
configs: { settings: { content: "of ${image}" } }
secrets: { password: { environment: PASSWORD } }
volumes: { data: }
`
  const loaded = loadProject({
    files: { home: '/', read: (path) => (path === '/shop/compose.yaml' ? text : undefined) },
    folder: '/shop',
    environment: {},
    warn: () => undefined,
  })
  const converted = convertProject(loaded.model(), { read: () => undefined, variable: () => `password of ${image}`, isFile: () => false })
  assert.deepEqual(converted.refusals, [])
  return converted
}

describe('a Compose project where the cluster has applications', () => {
  let on: Stage
  before(async () => {
    on = await stage()
    await on.control()
  })
  after(() => on.close())

  const at = { namespace: 'my-shop', name: 'my-shop' }
  const up = async (converted: Converted): Promise<readonly string[]> => {
    const steps: string[] = []
    await bringUp(on.api.scope, converted, {
      client: on.client,
      namespace: 'my-shop',
      project: 'my_shop',
      wait: true,
      step: async (title, work) => {
        let note = ''
        const result = await work((text) => {
          note = text
        })
        steps.push(note === '' ? title : `${title}: ${note}`)
        return result
      },
    })
    return steps
  }
  const place = () => ({ client: on.client, ...at })
  const images = () => on.deployments(place(), imageOf)
  const secret = async (): Promise<string> => {
    const { items } = await on.client.resource(refs.secrets).list(on.api.scope, { namespace: 'my-shop' })
    return Buffer.from(Object.values(items.find(({ metadata }) => metadata?.name === 'password')?.data ?? {})[0] ?? '', 'base64').toString()
  }

  test('is one, whose services start in their order', async () => {
    assert.deepEqual(await up(project('web:1')), ['namespace', 'revision: 1', 'api is ready', 'web is ready', 'application: 3/3 pods'])
    const [revision] = await revisionsOf(on.api.scope, place())
    assert.equal(revision?.spec.door, 'Compose')
    assert.match(revision?.spec.manifests ?? '', /sampan\.io\/depends-on: Deployment\/api/)
    assert.equal((await up(project('web:1')))[1], 'revision: 1, as before')
  })

  test('goes back with its settings and its secrets, and keeps its volume', async () => {
    await up(project('web:2', '  worker: { image: "worker:1" }'))
    assert.deepEqual([await images(), await secret()], [{ api: 'api:1', web: 'web:2', worker: 'worker:1' }, 'password of web:2'])
    await rollback(on.api.scope, place(), { cause: '', dryRun: false })
    await eventually('it is back', async () => {
      const now = await on.application(place())
      return now?.status?.revision === 3 && conditionOf(now, 'Ready')?.status === 'True'
    })
    assert.deepEqual([await images(), await secret()], [{ api: 'api:1', web: 'web:1' }, 'password of web:1'])
  })

  test('goes away as one', async () => {
    const gone = takeDown(on.api.scope, on.client, 'my-shop', 'my_shop', false)
    // Here nobody collects garbage: what is left is removed by its labels.
    await eventually('it is going', async () => (await on.application(place()))?.metadata?.deletionTimestamp !== undefined)
    await on.client.resource(applicationRef).patch(on.api.scope, at, { type: 'merge', body: { metadata: { finalizers: null } } })
    assert.equal((await gone) > 3, true)
    assert.equal(await on.application(place()), undefined)
    const { items } = await on.client.resource(refs.persistentvolumeclaims).list(on.api.scope, { namespace: 'my-shop' })
    assert.deepEqual(
      items.map(({ metadata }) => metadata?.name),
      ['data'],
    )
  })
})
