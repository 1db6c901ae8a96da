import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { type core, refs } from '#api'
import { seededRandom } from '#base'
import type { Client } from '#client'
import { type MachineCluster, machineCluster, noMachineCluster, startCommand } from '#testing'
import { eventually, rounds } from '#testing/basics'
import { visitor } from '../e2e/shop.ts'
import { emptyNamespaces, inventory, mainProcesses } from './inventory.ts'

/** How often something is killed. */
const KILLS = rounds(6)
const VICTIMS = ['server', 'agent', 'containerd'] as const
const NAMESPACE = 'crash'
const LONGEST_DELAY_MS = 400
/** What was killed comes back at once; on a machine that does ten other things that may take a while. */
const BACK_WITHIN_MS = 240_000

describe('kill -9', { skip: noMachineCluster }, () => {
  let cluster: MachineCluster
  let client: Client
  before(async () => {
    cluster = await machineCluster('crash')
    await cluster.must('up')
    client = await cluster.client()
    await client.resource(refs.namespaces).create(cluster.scope, { metadata: { name: NAMESPACE } })
  })
  after(() => cluster.remove())

  it(`of server, agent and containerd, ${KILLS} times, loses no acknowledged object, ends no container and leaks nothing`, async (context) => {
    const { scope } = cluster
    const random = seededRandom(KILLS)
    const containers = await runningContainers(cluster)
    assert.ok(containers.length >= 6, `the example runs: ${containers.join(', ')}`)
    const processes = mainProcesses(cluster)
    assert.ok(processes.length >= containers.length, `they are processes: ${processes.join(', ')}`)
    const restarts = await restartCounts(cluster, client)
    // A pod of this quality of service has been there: its class keeps its control group.
    await comesAndGoes(cluster, client)
    const leavings = await inventory(cluster)
    const namespaces = emptyNamespaces()
    const acknowledged = new Map<string, string>()
    let slowestMs = 0
    for (let round = 0; round < KILLS; round++) {
      const victim = VICTIMS[round % VICTIMS.length] ?? 'server'
      const pid = await eventually(`${victim} runs`, () => cluster.pids()[victim], BACK_WITHIN_MS)
      const writer = new AbortController()
      const writing = write(cluster, client, `round-${round}`, acknowledged, writer.signal)
      await scope.sleep(random.float() * LONGEST_DELAY_MS)
      process.kill(pid, 'SIGKILL')
      const killedMs = performance.now()
      const isBack = async (): Promise<boolean> => {
        const now = cluster.pids()[victim]
        if (now === undefined || now === pid) return false
        if ((await client.raw(scope, { method: 'GET', path: '/readyz' })).status !== 200) return false
        return (await runningContainers(cluster)).length >= containers.length
      }
      await eventually(`${victim} is back and answers in round ${round}`, isBack, BACK_WITHIN_MS)
      slowestMs = Math.max(slowestMs, performance.now() - killedMs)
      writer.abort()
      await writing
      assert.deepEqual(await runningContainers(cluster), containers, `containers after ${victim} was killed in round ${round}`)
      assert.deepEqual(mainProcesses(cluster), processes, `processes after ${victim} was killed in round ${round}`)
      assert.equal((await visitor(cluster).get('/')).status, 200, `the storefront after ${victim} was killed`)
    }
    assert.ok(acknowledged.size > KILLS, `only ${acknowledged.size} objects were acknowledged`)
    const stored = await client.resource(refs.configmaps).list(scope, { namespace: NAMESPACE })
    const values = new Map(stored.items.map(({ metadata, data }) => [metadata?.name ?? '', data?.['value']]))
    for (const [name, value] of acknowledged) assert.equal(values.get(name), value, `${name} was acknowledged`)

    await comesAndGoes(cluster, client)
    assert.deepEqual(await restartCounts(cluster, client), restarts)
    assert.deepEqual(await runningContainers(cluster), containers)
    await eventually('as much on the machine as before', async () => {
      assert.deepEqual(await inventory(cluster), leavings)
      assert.deepEqual(
        emptyNamespaces().filter((one) => !namespaces.includes(one)),
        [],
      )
      return true
    })
    assert.equal((await cluster.sampan('status')).code, 0)
    context.diagnostic(`${KILLS} kills, ${acknowledged.size} acknowledged objects, slowest return ${Math.round(slowestMs)} ms`)
  })

  it(`of agent and containerd, ${KILLS} times while pods come and go, leaves exactly the pods that are wanted`, async (context) => {
    const { scope } = cluster
    const random = seededRandom(KILLS + 1)
    const pods = client.resource(refs.pods)
    const leavings = await inventory(cluster)
    const namespaces = emptyNamespaces()
    const others = (await pods.list(scope)).items.length
    let before: readonly string[] = []
    let slowestMs = 0
    for (let round = 0; round <= KILLS; round++) {
      const victim = round % 2 === 0 ? 'agent' : 'containerd'
      const pid = await eventually(`${victim} runs`, () => cluster.pids()[victim], BACK_WITHIN_MS)
      // The last round only takes away.
      const names = round === KILLS ? [] : [0, 1, 2].map((at) => `churn-${round}-${at}`)
      await Promise.all([
        ...names.map((name) => pods.create(scope, churned(name))),
        ...before.map((name) => pods.delete(scope, { namespace: NAMESPACE, name })),
      ])
      await scope.sleep(random.float() * LONGEST_DELAY_MS)
      process.kill(pid, 'SIGKILL')
      const killedMs = performance.now()
      const isAsWanted = async (): Promise<boolean> => {
        const { items } = await pods.list(scope, { namespace: NAMESPACE })
        const up = items.filter(({ status }) => status?.phase === 'Running').map(({ metadata }) => metadata?.name ?? '')
        return items.length === names.length && up.toSorted().join() === names.join()
      }
      await eventually(`exactly ${names.join(', ') || 'no pods'} after ${victim} was killed in round ${round}`, isAsWanted, BACK_WITHIN_MS)
      slowestMs = Math.max(slowestMs, performance.now() - killedMs)
      before = names
    }
    await eventually('nothing of them is left', async () => {
      assert.equal((await cluster.runtime.listPodSandboxes(scope)).length, others)
      assert.deepEqual(await inventory(cluster), leavings)
      assert.deepEqual(
        emptyNamespaces().filter((one) => !namespaces.includes(one)),
        [],
      )
      return true
    })
    context.diagnostic(`${KILLS + 1} kills, slowest return ${Math.round(slowestMs)} ms`)
  })

  it('of everything at once is mended by up', async () => {
    const containers = await runningContainers(cluster)
    const pids = cluster.pids()
    const supervisors = ['server', 'agent'].map((name) => Number(readFileSync(`${cluster.stateDir}/run/${name}.pid`, 'utf8')))
    for (const pid of [...supervisors, ...Object.values(pids)]) if (pid !== undefined) process.kill(pid, 'SIGKILL')
    await cluster.must('up')
    assert.deepEqual(await runningContainers(cluster), containers)
    assert.equal((await visitor(cluster).get('/')).status, 200)
  })

  it('of up itself, at any moment, is mended by the next up', async () => {
    await cluster.must('down')
    for (const seen of [/image layers/, /containerd/]) {
      const up = startCommand(process.execPath, [
        '--disable-warning=ExperimentalWarning',
        `${import.meta.dirname}/../../src/main/sampan.ts`,
        'up',
        '--name',
        cluster.name,
        '--state-dir',
        cluster.stateDir,
      ])
      await up.until(seen)
      await up.stop('SIGKILL')
    }
    await cluster.must('up')
    assert.equal((await visitor(cluster).get('/')).status, 200)
  })
})

async function runningContainers({ scope, runtime }: MachineCluster): Promise<readonly string[]> {
  return (await runtime.listContainers(scope))
    .filter(({ state }) => state === 'running')
    .map(({ id }) => id)
    .sort()
}

async function restartCounts({ scope }: MachineCluster, client: Client): Promise<Record<string, number>> {
  const pods = await client.resource(refs.pods).list(scope, { namespace: 'shop' })
  return Object.fromEntries(
    pods.items.map(({ metadata, status }) => [metadata?.name ?? '', status?.containerStatuses?.[0]?.restartCount ?? -1]),
  )
}

/** Creates objects one after the other; notes those that the server has said yes to. */
async function write(
  { scope }: MachineCluster,
  client: Client,
  prefix: string,
  acknowledged: Map<string, string>,
  signal: AbortSignal,
): Promise<void> {
  for (let at = 0; !signal.aborted && at < 2000; at++) {
    const name = `${prefix}-${at}`
    const object: core.ConfigMap = { metadata: { name, namespace: NAMESPACE }, data: { value: `${at}` } }
    try {
      await client.resource(refs.configmaps).create(scope, object)
      acknowledged.set(name, `${at}`)
    } catch {
      // The server is away: nothing was promised.
      await scope.sleep(20)
    }
  }
}

/** A new pod: scheduled, started, and taken away again. */
async function comesAndGoes({ scope, runtime }: MachineCluster, client: Client): Promise<void> {
  const pods = client.resource(refs.pods)
  const name = { namespace: NAMESPACE, name: 'after' }
  const pod: core.Pod = {
    metadata: name,
    spec: {
      terminationGracePeriodSeconds: 1,
      automountServiceAccountToken: false,
      containers: [{ name: 'pause', image: 'sampan.local/pause:1', imagePullPolicy: 'IfNotPresent' }],
    },
  }
  await eventually(
    'its service account',
    async () => await client.resource(refs.serviceaccounts).get(scope, { namespace: NAMESPACE, name: 'default' }),
  )
  await pods.create(scope, pod)
  await eventually('a new pod runs', async () => (await pods.get(scope, name)).status?.phase === 'Running')
  await pods.delete(scope, name)
  await eventually('it goes', async () => (await pods.list(scope, { namespace: NAMESPACE })).items.length === 0)
  const others = (await pods.list(scope)).items.length
  await eventually('its sandbox goes', async () => (await runtime.listPodSandboxes(scope)).length === others)
}

/** A pod with something of everything that a node makes for one: mounts, a token, memory, a control group with limits, an address. */
const churned = (name: string): core.Pod => ({
  metadata: { namespace: NAMESPACE, name },
  spec: {
    terminationGracePeriodSeconds: 1,
    volumes: [{ name: 'memory', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } }],
    containers: [
      {
        name: 'pause',
        image: 'sampan.local/pause:1',
        imagePullPolicy: 'IfNotPresent',
        resources: { limits: { memory: '16Mi' } },
        volumeMounts: [{ name: 'memory', mountPath: '/memory' }],
      },
    ],
  },
})
