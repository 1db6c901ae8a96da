import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { type Socket, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type CancellableScope, rootScope } from '#base'
import { serveRegistration } from '../testing/fake-plugin.fixture.ts'
import { kubeletPaths } from './kubelet-paths.ts'
import { type Plugin, PluginRegistry } from './plugin-registry.ts'

async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!holds()) {
    assert.ok(performance.now() < deadline, 'it did not happen')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

describe('the plugins of a node', () => {
  let scope: CancellableScope
  let rootDir: string
  let dir: string
  const taken = new Map<string, Plugin>()
  const log: string[] = []
  let fails = 0
  before(async () => {
    scope = rootScope()
    rootDir = await mkdtemp(join(tmpdir(), 'plugins-'))
    dir = join(rootDir, 'plugins_registry')
    const registry = new PluginRegistry(dir, kubeletPaths(rootDir), {
      CSIPlugin: {
        validate(plugin) {
          if (!plugin.versions.includes('1.0.0')) throw new Error(`no version of ${plugin.versions.join()} is known`)
        },
        async register(life, plugin) {
          if (fails-- > 0) throw new Error('not now')
          taken.set(plugin.name, plugin)
          log.push(`+${plugin.name}`)
          life.signal.addEventListener('abort', () => {
            log.push(`-${plugin.name}`)
            taken.delete(plugin.name)
          })
        },
      },
    })
    void registry.run(scope)
  })
  after(async () => {
    scope.cancel()
    await rm(rootDir, { recursive: true })
  })

  it('are registered when their sockets appear, also in folders, with the endpoint as it is on the node', async () => {
    using own = scope.child()
    const endpoint = '/var/lib/kubelet/plugins/a/csi.sock'
    const { told } = await serveRegistration(own, join(dir, 'a', 'reg.sock'), {
      type: 'CSIPlugin',
      name: 'a',
      endpoint,
      supportedVersions: ['1.0.0'],
    })
    await until(() => told.length === 1)
    assert.deepEqual(told, [{ pluginRegistered: true, error: '' }])
    assert.deepEqual(taken.get('a'), { name: 'a', endpoint: join(rootDir, 'plugins/a/csi.sock'), versions: ['1.0.0'] })
  })

  it('are gone with their socket, and come anew when it is made anew', async () => {
    const path = join(dir, 'b.sock')
    const first = scope.child()
    await serveRegistration(first, path, { type: 'CSIPlugin', name: 'b', supportedVersions: ['1.0.0'] })
    await until(() => taken.has('b'))
    assert.equal(taken.get('b')?.endpoint, path)
    using second = scope.child()
    first.cancel()
    await until(() => !taken.has('b'))
    const { told } = await serveRegistration(second, path, { type: 'CSIPlugin', name: 'b', supportedVersions: ['1.0.0'] })
    await until(() => told.length === 1)
    assert.deepEqual(
      log.filter((line) => line.endsWith('b')),
      ['+b', '-b', '+b'],
    )
  })

  it('are told why they are not taken', async () => {
    using own = scope.child()
    const { told } = await serveRegistration(own, join(dir, 'c.sock'), { type: 'CSIPlugin', name: 'c', supportedVersions: ['9'] })
    const { told: unknown } = await serveRegistration(own, join(dir, 'd.sock'), { type: 'Tin', name: 'd' })
    await until(() => told.length > 0 && unknown.length > 0)
    assert.deepEqual(told[0], {
      pluginRegistered: false,
      error: 'RegisterPlugin error -- plugin validation failed with err: no version of 9 is known',
    })
    assert.equal(unknown[0]?.error, `RegisterPlugin error -- no handler registered for plugin type: Tin at socket ${join(dir, 'd.sock')}`)
  })

  it('are tried again when they could not be taken', async () => {
    using own = scope.child()
    fails = 1
    const { told } = await serveRegistration(own, join(dir, 'e.sock'), { type: 'CSIPlugin', name: 'e', supportedVersions: ['1.0.0'] })
    await until(() => told.length === 2)
    assert.deepEqual(told[1], { pluginRegistered: true, error: '' })
  })

  it('keep nobody waiting when they do not answer', async () => {
    using own = scope.child()
    const callers = new Set<Socket>()
    const mute = createServer((socket) => callers.add(socket))
    await new Promise<void>((resolve) => mute.listen(join(dir, 'a-mute.sock'), resolve))
    own.signal.addEventListener('abort', () => {
      mute.close()
      for (const socket of callers) socket.destroy()
    })
    const { told } = await serveRegistration(own, join(dir, 'f.sock'), { type: 'CSIPlugin', name: 'f', supportedVersions: ['1.0.0'] })
    await until(() => told.length === 1)
  })
})
