import assert from 'node:assert/strict'
import { type TestContext, describe, test } from 'node:test'
import { refs } from '#api'
import { type Client, createClient, inProcessTransport } from '#client'
import { type TestApiServer, testApiServer } from '#testing'
import { applicationRef, revisionRef } from '../application/objects.ts'
import { installKinds } from './install-kinds.ts'
import { platformParts } from './parts.ts'

const kinds = platformParts.flatMap((part) => part.kinds)

async function platform(t: TestContext): Promise<{ readonly api: TestApiServer; readonly client: Client }> {
  const api = await testApiServer()
  t.after(() => api.close())
  return { api, client: createClient({ transport: inProcessTransport(api.server.handler) }) }
}

describe('the kinds of the platform', () => {
  test('are served once they are installed, and installing them again changes nothing', async (t) => {
    const { api, client } = await platform(t)
    const definitions = client.resource(refs.customresourcedefinitions)
    const versions = async (): Promise<readonly unknown[]> =>
      (await definitions.list(api.scope)).items.map(({ metadata }) => metadata?.resourceVersion)
    await installKinds(api.scope, client, kinds)
    assert.deepEqual((await client.resource(applicationRef).list(api.scope)).items, [])
    const before = await versions()
    await installKinds(api.scope, client, kinds)
    assert.deepEqual(await versions(), before)
    for (const { status } of (await definitions.list(api.scope)).items)
      assert.equal(
        status?.conditions?.find(({ type }) => type === 'NonStructuralSchema'),
        undefined,
      )
  })

  test('are brought up to date where an older form of them is there', async (t) => {
    const { api, client } = await platform(t)
    const older = kinds.map((kind) => ({ ...kind, spec: { ...kind.spec, names: { ...kind.spec.names, shortNames: [] } } }))
    await installKinds(api.scope, client, older)
    await installKinds(api.scope, client, kinds)
    const { spec } = await client.resource(refs.customresourcedefinitions).get(api.scope, { name: 'applications.delivery.sampan.io' })
    assert.deepEqual(
      spec.names.shortNames,
      kinds.find(({ metadata }) => metadata?.name?.startsWith('applications.'))?.spec.names.shortNames,
    )
  })

  test('keep revisions from being changed, and names from being what no label can be', async (t) => {
    const { api, client } = await platform(t)
    await installKinds(api.scope, client, kinds)
    const revisions = client.resource(revisionRef)
    const spec = {
      application: 'shop',
      revision: 1,
      author: 'me',
      door: 'Manifests',
      cause: '',
      manifests: 'a: 1\n',
      sealed: 0,
      digest: `sha256:${'0'.repeat(64)}`,
    }
    const made = await revisions.create(api.scope, { metadata: { name: 'shop-1', namespace: 'default' }, spec })
    await assert.rejects(revisions.update(api.scope, { ...made, spec: { ...spec, manifests: 'a: 2\n' } }), /a revision does not change/)
    await assert.rejects(
      revisions.create(api.scope, { metadata: { name: 'shop-3', namespace: 'default' }, spec: { ...spec, revision: 2 } }),
      /called by its application and its number/,
    )
    const applications = client.resource(applicationRef)
    for (const name of ['a'.repeat(53), 'dotted.name'])
      await assert.rejects(
        applications.create(api.scope, { metadata: { name, namespace: 'default' }, spec: { revision: 1 } }),
        /it is a label of its parts/,
      )
    const { spec: defaulted } = await applications.create(api.scope, {
      metadata: { name: 'shop', namespace: 'default' },
      spec: { revision: 1 },
    })
    assert.deepEqual(defaulted, { revision: 1, mode: 'Running', revisionHistoryLimit: 10 })
  })
})
