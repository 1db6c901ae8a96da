import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { rootScope } from '#base'
import type { core } from '#api'
import { manualClock } from '#testing/basics'
import { MemoryRuntime } from '../cri/memory/memory-runtime.ts'
import type { ContainerRuntime } from '../cri/runtime.ts'
import { type NodeHarness, deleted, nodeHarness, testPod } from '../testing/node-harness.fixture.ts'

/** Each of these changes the machine. */
const STEPS: readonly (keyof ContainerRuntime)[] = [
  'runPodSandbox',
  'createContainer',
  'startContainer',
  'stopContainer',
  'removeContainer',
  'stopPodSandbox',
  'removePodSandbox',
]

/** Where an agent dies: before its nth step is done, or when it is done and nobody has been told. */
interface Death {
  readonly step: number
  readonly when: 'before' | 'after'
}

interface Mortal {
  readonly runtime: ContainerRuntime
  /** The step at which it died. */
  readonly last: () => string | undefined
}

const LATE_MS = 60_000
const NEVER = new Promise<never>(() => undefined)

/** The runtime as an agent sees it that dies at a step: no answer comes after that, and nothing that it asks for is done. */
function mortal(runtime: MemoryRuntime, death: Death): Mortal {
  let taken = 0
  let last: string | undefined
  const through = new Proxy<ContainerRuntime>(runtime, {
    get(target, name: keyof ContainerRuntime) {
      const method = target[name].bind(target) as (...args: readonly unknown[]) => unknown
      if (!STEPS.includes(name)) return (...args: readonly unknown[]) => (last === undefined ? method(...args) : NEVER)
      return async (...args: readonly unknown[]) => {
        if (last !== undefined) return NEVER
        const isLast = ++taken === death.step
        if (isLast && death.when === 'before') {
          last = `${death.when} ${name}`
          return NEVER
        }
        const answer = await method(...args)
        if (isLast) last = `${death.when} ${name}`
        return last === undefined ? answer : NEVER
      }
    },
  })
  return { runtime: through, last: () => last }
}

const pod = testPod('web', {
  volumes: [
    { name: 'config', configMap: { name: 'settings' } },
    { name: 'room', emptyDir: {} },
    { name: 'keys', secret: { secretName: 'keys' } },
  ],
  initContainers: [{ name: 'first', image: 'init:1', volumeMounts: [{ name: 'room', mountPath: '/room' }] }],
  containers: [
    { name: 'main', image: 'app:1', volumeMounts: ['config', 'keys'].map((name) => ({ name, mountPath: `/etc/${name}` })) },
    { name: 'other', image: 'app:1' },
  ],
})

describe('an agent that dies between any two steps', () => {
  const root = mkdtempSync(join(tmpdir(), 'crash-points-'))
  after(() => rmSync(root, { recursive: true, force: true }))
  let machines = 0

  /** One machine, whose first agent dies; undefined when that agent got to the end of the pod's life. */
  async function life(death: Death, next: (machine: Machine) => Promise<void>): Promise<string | undefined> {
    const clock = manualClock()
    const dir = join(root, String(++machines))
    const memory = new MemoryRuntime()
    memory.addImage('app:1')
    memory.addImage('init:1')
    memory.processes.set('init:1', { exitsAfterMs: 1 })
    const { runtime, last } = mortal(memory, death)
    const agent = (own: ContainerRuntime): { scope: ReturnType<typeof rootScope>; node: NodeHarness } => {
      const scope = rootScope({ clock })
      const node = nodeHarness(scope, own, dir)
      node.configMaps.set('settings', { level: 'high' })
      node.secrets.set('keys', { key: 'secret' })
      return { scope, node }
    }
    const until = async (what: string, holds: () => boolean): Promise<void> => {
      const deadline = performance.now() + LATE_MS
      for (let turn = 0; !holds(); turn++) {
        if (performance.now() > deadline) throw new Error(`${last() ?? 'alive'}: did not happen: ${what}`)
        // Files take their time, and to look all the time would take it from them.
        await new Promise((resolve) => (turn % 20 < 19 ? setImmediate(resolve) : setTimeout(resolve, 1)))
        if (turn % 20 === 19) clock.advance(1000)
      }
    }
    const first = agent(runtime)
    await first.node.manager.start([])
    first.node.manager.set(pod)
    await until('running or dead', () => last() !== undefined || isUp(first.node))
    const ending = last() === undefined
    if (ending) {
      first.node.manager.set(deleted(pod))
      await until('gone or dead', () => last() !== undefined || first.node.manager.workers.length === 0)
    }
    first.scope.cancel()
    // The dead write no more.
    await Promise.all(first.node.manager.workers.map(({ upkeep }) => upkeep.end()))
    if (last() === undefined) return undefined
    const second = agent(memory)
    try {
      const status = first.node.status('web')
      const known: core.Pod = { ...(ending ? deleted(pod) : pod), ...(status && { status }) }
      // What the API has confirmed it does not have any more.
      const pods = first.node.confirmed.length > 0 ? [] : [known]
      await next({ node: second.node, memory, known: pods, ending, until })
      await until('no worker', () => second.node.manager.workers.length === 0)
      assert.deepEqual([await memory.listPodSandboxes(), await memory.listContainers()], [[], []], `${last()}`)
      for (const folder of ['pods', 'logs', 'memory'].map((name) => join(dir, name)))
        assert.deepEqual(readdirSync(folder), [], `${last()}: ${folder}`)
    } finally {
      second.scope.cancel()
    }
    return last()
  }

  async function everyDeath(next: (machine: Machine) => Promise<void>): Promise<void> {
    for (const when of ['before', 'after'] as const) {
      const seen: string[] = []
      for (let step = 1; ; step++) {
        const last = await life({ step, when }, next)
        if (last === undefined) break
        seen.push(last)
      }
      for (const step of STEPS) assert.ok(seen.includes(`${when} ${step}`), `no death ${when} ${step}: ${seen.join(', ')}`)
    }
  }

  test('leaves to the next one what that needs: the pod runs once, and goes without a trace', () =>
    everyDeath(async ({ node, memory, known, ending, until }) => {
      await node.manager.start(known)
      if (ending) return
      await until('running', () => isUp(node))
      const running = (await memory.listContainers()).filter(({ state }) => state === 'running')
      assert.deepEqual(running.map(({ name, attempt }) => `${name} ${attempt}`).sort(), ['main 0', 'other 0'])
      assert.deepEqual(
        node.status('web')?.containerStatuses?.map(({ restartCount }) => restartCount),
        [0, 0],
      )
      assert.deepEqual((await memory.listPodSandboxes()).filter(({ ready }) => ready).length, 1)
      node.manager.set(deleted(pod))
    }))

  test('leaves nothing of a pod that was taken away meanwhile', () => everyDeath(({ node }) => node.manager.start([])))
})

interface Machine {
  readonly node: NodeHarness
  readonly memory: MemoryRuntime
  /** What the API has at the start of the second agent. */
  readonly known: readonly core.Pod[]
  /** The pod was being deleted when the first one died. */
  readonly ending: boolean
  readonly until: (what: string, holds: () => boolean) => Promise<void>
}

const isUp = (node: NodeHarness): boolean =>
  node.status('web')?.containerStatuses?.every(({ ready }) => ready) === true && node.status('web')?.phase === 'Running'
