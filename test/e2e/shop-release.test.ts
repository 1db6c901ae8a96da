import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { refs } from '#api'
import { type Release, releaseRef } from '#delivery'
import type { Client } from '#client'
import { type MachineCluster, machineCluster, noMachineCluster, runCommand, startCommand } from '#testing'
import { eventually } from '#testing/basics'
import { noGateway } from './gateway/stage.ts'

const SHOP = join(import.meta.dirname, '../../examples/shop')
const VISITORS_PER_SECOND = 40
const OVER_WITHIN_MS = 300_000

/** What docs/guides/first-release.md tells a new user to do, on a cluster of its own. The tests build on each other, in this order. */
describe('the shop is released', { skip: noMachineCluster || (noGateway() ?? false) }, () => {
  let cluster: MachineCluster
  let client: Client
  before(async () => {
    cluster = await machineCluster('ship')
    await cluster.must('up', '--gateway', '--delivery')
    client = await cluster.client()
  })
  after(() => cluster.remove())

  const release = (name: string): Promise<Release> => client.resource(releaseRef).get(cluster.scope, { namespace: 'shop', name })
  const over = (name: string): Promise<NonNullable<Release['status']>> =>
    eventually(
      `the release ${name} to end`,
      async () => {
        const { status } = await release(name)
        return status !== undefined && ['Succeeded', 'RolledBack', 'Refused'].includes(status.phase) ? status : undefined
      },
      OVER_WITHIN_MS,
    )
  const url = (): string => `http://${cluster.instance.nodes[0].address}/`
  /** By status: what visitors got while something was done. */
  const visited = async (during: () => Promise<void>): Promise<Readonly<Record<string, number>>> => {
    const visitors = startCommand(process.execPath, ['--no-warnings', join(SHOP, 'visitors.ts'), url(), String(VISITORS_PER_SECOND)])
    try {
      await visitors.until(/visitors a second/)
      await during()
    } finally {
      await visitors.stop()
    }
    return JSON.parse(visitors.stdout.trim().split('\n').at(-1) ?? '') as Record<string, number>
  }
  const faults = async (): Promise<string | undefined> => {
    const { spec } = await client.resource(refs.deployments).get(cluster.scope, { namespace: 'shop', name: 'storefront' })
    return spec?.template.spec?.containers[0]?.env?.find(({ name }) => name === 'FAULTS_PERCENT')?.value
  }

  it('is reached by way of the gateway', async () => {
    await cluster.mustKubectl(['apply', '-f', join(SHOP, 'release/ingress.yaml')])
    await eventually('the storefront', async () => (await runCommand('curl', ['--silent', url()])).stdout.includes('Deck teapot'))
  })

  it('a version with errors that no probe sees is taken back, and nobody else is touched', async (t) => {
    const seen = await visited(async () => {
      await cluster.must('release', 'start', '-f', join(SHOP, 'release/broken.yaml'))
      const { phase, reason, message } = await over('broken')
      t.diagnostic(message)
      assert.deepEqual([phase, reason], ['RolledBack', 'Worse'])
    })
    t.diagnostic(JSON.stringify(seen))
    assert.deepEqual(Object.keys(seen).sort(), ['200', '500'])
    assert.ok((seen['500'] ?? 0) < (seen['200'] ?? 0) * 0.1)
    assert.equal(await faults(), undefined)
    assert.match(await cluster.must('release', 'status', 'broken', '-n', 'shop'), /broken: RolledBack \(Worse\)/)
    // What stood beside is gone, and the route is as it was.
    const { metadata } = await client.resource(refs.ingresses).get(cluster.scope, { namespace: 'shop', name: 'storefront' })
    assert.equal(metadata?.annotations?.['sampan.io/service-weight'], undefined)
  })

  it('a version that is as good takes the place of the old one, and no visitor sees an error', async (t) => {
    const seen = await visited(async () => {
      await cluster.must('release', 'start', '-f', join(SHOP, 'release/better.yaml'))
      const { phase, message } = await over('better')
      t.diagnostic(message)
      assert.equal(phase, 'Succeeded')
    })
    t.diagnostic(JSON.stringify(seen))
    assert.deepEqual(Object.keys(seen), ['200'])
    assert.equal(await faults(), '0')
    const record = JSON.parse(await cluster.must('release', 'export', 'better', '-n', 'shop')) as { readonly name?: string }
    assert.ok(JSON.stringify(record).includes('better'))
  })

  it('goes back to a version of before by hand', async () => {
    await cluster.mustKubectl(['-n', 'shop', 'rollout', 'undo', 'deployment/storefront'])
    await cluster.mustKubectl(['-n', 'shop', 'rollout', 'status', 'deployment/storefront', '--timeout=120s'])
    assert.equal(await faults(), undefined)
  })
})
