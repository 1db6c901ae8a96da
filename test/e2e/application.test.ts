import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { refs } from '#api'
import type { Client } from '#client'
import { type Application, applicationRef } from '#delivery'
import { running } from '#main'
import { type MachineCluster, commandOutput, machineCluster, noMachineCluster } from '#testing'
import { eventually } from '#testing/basics'

const ASK = join(import.meta.dirname, 'inside/ask.ts')
const COMPOSE = join(import.meta.dirname, 'testdata/shop.compose.yaml')
const NAMESPACE = 'stall'

/** An application that comes by the door of Compose, through its life. The tests build on each other, in this order. */
describe('applications of a cluster on this machine', { skip: noMachineCluster }, () => {
  let cluster: MachineCluster
  let client: Client
  let folder: string
  before(async () => {
    cluster = await machineCluster('apps')
    folder = mkdtempSync(join(tmpdir(), 'sampan-apps-'))
    await cluster.must('up', '--delivery')
    client = await cluster.client()
  })
  after(async () => {
    await cluster.remove()
    rmSync(folder, { recursive: true })
  })

  const application = (): Promise<Application> =>
    client.resource(applicationRef).get(cluster.scope, { namespace: NAMESPACE, name: NAMESPACE })
  const app = (command: string, ...args: readonly string[]): Promise<string> => cluster.must('app', command, NAMESPACE, ...args)
  /** Those that are not on their way out. */
  const pods = async (): Promise<number> => {
    const { items } = await client.resource(refs.pods).list(cluster.scope, { namespace: NAMESPACE })
    return items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined).length
  }
  const storefronts = async () =>
    (await client.resource(refs.deployments).get(cluster.scope, { namespace: NAMESPACE, name: 'storefront' })).spec?.replicas
  const isServed = async (): Promise<boolean> => {
    const { spec } = await client.resource(refs.services).get(cluster.scope, { namespace: NAMESPACE, name: 'storefront-published' })
    const answer = await commandOutput(...cluster.inside(ASK, 'http', `http://${spec?.clusterIP ?? ''}:8088/`))
    return (JSON.parse(answer) as { readonly status: number }).status === 200
  }

  it('are made by compose up, in the order of its dependencies, and serve', async () => {
    assert.match(await cluster.must('status'), /delivery +running/)
    assert.match(await cluster.must('compose', '-f', COMPOSE, 'up', '--timeout', '180'), /revision .*1/)
    const { status } = await application()
    assert.equal(status?.conditions?.find(({ type }) => type === 'Ready')?.status, 'True')
    assert.equal(status?.pods?.ready, await pods())
    assert.equal(await isServed(), true)
    assert.match(await cluster.must('app', 'list'), /stall +stall +Running +1 +(\d+)\/\1 +True +AllReady/)
    assert.match(await cluster.must('compose', '-f', COMPOSE, 'up', '--timeout', '180'), /revision .*1, as before/)
  })

  it('go to the next revision, and back while the controllers are killed', async () => {
    const changed = join(folder, 'compose.yaml')
    writeFileSync(changed, readFileSync(COMPOSE, 'utf8').replace('aliyun.scale: "2"', 'aliyun.scale: "3"'))
    await cluster.must('compose', '-f', changed, 'up', '--timeout', '180')
    assert.equal(await storefronts(), 3)
    assert.match(await app('rollback', '--dry-run'), /spec\.replicas: 3 -> 2[^]*nothing was done/)
    assert.match(await app('rollback', '--detach', '--cause', 'two are enough'), /revision 3 of stall/)
    process.kill(running(cluster.stateDir, 'delivery')?.pid ?? assert.fail('no delivery'), 'SIGKILL')
    await eventually(
      'it is back',
      async () => {
        const { status } = await application()
        return status?.revision === 3 && status.conditions?.find(({ type }) => type === 'Ready')?.status === 'True'
      },
      60_000,
    )
    assert.equal(await storefronts(), 2)
    assert.equal(await isServed(), true)
    assert.match(await app('history'), /3 .*kubernetes-admin +Rollback +present +two are enough; says what 1 said/)
  })

  it('are suspended and resumed as one', async () => {
    const before = await pods()
    await app('suspend')
    await eventually('no pods', async () => (await pods()) === 0, 60_000)
    assert.match(await app('status'), /suspended, 0\/0 pods/)
    await app('resume')
    assert.equal(await pods(), before)
    assert.equal(await isServed(), true)
  })

  it('go as one', async () => {
    await app('delete')
    await eventually('all is gone', async () => (await pods()) === 0, 60_000)
    assert.match(await cluster.must('app', 'list'), /no applications/)
    assert.equal((await client.resource(refs.services).list(cluster.scope, { namespace: NAMESPACE })).items.length, 0)
  })
})
