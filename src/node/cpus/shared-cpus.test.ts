import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type CancellableScope, rootScope } from '#base'
import { type ManualClock, eventually, manualClock } from '#testing/basics'
import { testPod } from '../testing/node-harness.fixture.ts'
import { machineOf } from '../topology/topology.fixture.ts'
import { cpuOptions } from './cpu-policy.ts'
import { ExclusiveCpus } from './exclusive-cpus.ts'
import { type LiveContainer, SharedCpus } from './shared-cpus.ts'

const own = testPod('own', {
  containers: [{ name: 'c', resources: { requests: { cpu: '1', memory: '1Mi' }, limits: { cpu: '1', memory: '1Mi' } } }],
})
const [container = { name: '' }] = own.spec?.containers ?? []

describe('containers that run', () => {
  let dir: string
  let clock: ManualClock
  let scope: CancellableScope
  let cpus: ExclusiveCpus
  let shared: SharedCpus
  let live: LiveContainer[]
  let refuse: string
  const put = new Map<string, string | undefined>()
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'shared-'))
    clock = manualClock()
    scope = rootScope({ clock })
    live = [{ id: '1', podUid: 'uid-other', name: 'c' }]
    refuse = ''
    put.clear()
    cpus = new ExclusiveCpus({
      path: join(dir, 'cpus'),
      topology: machineOf({ cores: 4 }),
      options: cpuOptions(''),
      reservedCpus: undefined,
      reservedMilli: 1000,
      changed: () => shared.changed(),
    })
    const runtime = {
      updateContainerResources: async (_: unknown, id: string, resources: { readonly cpus?: string }): Promise<void> => {
        if (id === refuse) throw new Error('no')
        put.set(id, resources.cpus)
      },
    }
    shared = new SharedCpus(cpus, runtime, () => live)
    void shared.run(scope)
  })
  afterEach(() => {
    scope.cancel()
    rmSync(dir, { recursive: true })
  })

  test('leave processors that became one of them’s own, come back to them, and are found wherever an earlier agent has put them', async () => {
    await eventually('all', () => put.get('1') === '0-3')
    await cpus.allocate(scope, own, container, undefined)
    live.push({ id: '2', podUid: 'uid-own', name: 'c' })
    await eventually('moved away', () => put.get('1') === '0,2-3')
    assert.equal(shared.wanted('uid-own', 'c'), '1')
    await cpus.release(scope, own)
    await eventually('all', () => put.get('1') === '0-3')
  })

  test('that could not be moved are tried again', async () => {
    await eventually('all', () => put.get('1') === '0-3')
    refuse = '1'
    await cpus.allocate(scope, own, container, undefined)
    await new Promise((resolve) => setImmediate(resolve))
    refuse = ''
    await eventually('moved later', () => {
      clock.advance(1000)
      return put.get('1') === '0,2-3'
    })
  })
})
