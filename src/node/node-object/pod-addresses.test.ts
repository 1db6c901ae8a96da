import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { rootScope } from '#base'
import { manualClock } from '#testing/basics'
import type { ContainerRuntime, SandboxSpec } from '../cri/runtime.ts'
import { StartRefused } from '../refusal.ts'
import { awaitingAddresses } from './pod-addresses.ts'

const sandbox = (name: string, network: SandboxSpec['namespaces']['network']): SandboxSpec =>
  ({ name, namespaces: { network } }) as SandboxSpec
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
}

describe('sandboxes before pods can have addresses', () => {
  function world() {
    const made: string[] = []
    const clock = manualClock()
    const { promise, resolve } = Promise.withResolvers<void>()
    const runtime = { runPodSandbox: async (_: unknown, { name }: SandboxSpec) => (made.push(name), name) } as Partial<ContainerRuntime>
    return { made, clock, given: resolve, runtime: awaitingAddresses(runtime as ContainerRuntime, promise), scope: rootScope({ clock }) }
  }

  it('wait, unless they have the network of the node', async () => {
    const { made, given, runtime, scope } = world()
    const own = runtime.runPodSandbox(scope, sandbox('own', 'pod'))
    await runtime.runPodSandbox(scope, sandbox('host', 'node'))
    await turns()
    assert.deepEqual(made, ['host'])
    given()
    await own
    await runtime.runPodSandbox(scope, sandbox('later', 'pod'))
    assert.deepEqual(made, ['host', 'own', 'later'])
  })

  it('are refused after a while, so that somebody hears why, and made when they are tried again', async () => {
    const { made, clock, given, runtime, scope } = world()
    const refused = assert.rejects(
      runtime.runPodSandbox(scope, sandbox('a', 'pod')),
      (error) => error instanceof StartRefused && error.reason === 'NetworkNotReady',
    )
    await turns()
    clock.advance(60_000)
    await refused
    given()
    await runtime.runPodSandbox(scope, sandbox('a', 'pod'))
    assert.deepEqual(made, ['a'])
  })

  it('end with their scope', async () => {
    const { runtime, scope } = world()
    const ended = assert.rejects(runtime.runPodSandbox(scope, sandbox('a', 'pod')))
    scope.cancel()
    await ended
  })
})
