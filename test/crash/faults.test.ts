import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type core, refs } from '#api'
import type { Client } from '#client'
import { type MachineCluster, machineCluster, noMachineCluster } from '#testing'
import { eventually as eventuallyWithin, rounds } from '#testing/basics'
import { visitor } from '../e2e/shop.ts'
import { inventoryOfReplaced } from './inventory.ts'
import { kill, killAll, processesOfContainer, processesWith, supervisorOf } from './victims.ts'

const NAMESPACE = 'faults'
/** Of each a pod, since a second end of the same one soon after the first would have to wait before its next start. */
const VICTIMS = { ofShim: 'victim-of-shim', ofSilence: 'victim-of-silence' } as const
/** What was harmed is whole again at once; on a machine that does ten other things that may take a while. */
const BACK_WITHIN_MS = 240_000
const eventually = <T>(what: string, look: () => Promise<T | undefined | false> | T | undefined | false): Promise<T> =>
  eventuallyWithin(what, look, BACK_WITHIN_MS)
/** How long the API server is away: a minute, when more than one round is asked for. */
const AWAY_MS = rounds(1) > 1 ? 60_000 : 3000

/** What breaks, and what tells that it is whole again, beside what must hold after every fault: the shop answers, a new pod runs. */
interface Fault {
  readonly what: string
  harm(): Promise<void>
  isMended?(): Promise<boolean>
}

describe('a node that is harmed', { skip: noMachineCluster }, () => {
  let cluster: MachineCluster
  let client: Client
  before(async () => {
    cluster = await machineCluster('faults')
    await cluster.must('up')
    client = await cluster.client()
    await client.resource(refs.namespaces).create(cluster.scope, { metadata: { name: NAMESPACE } })
    await eventually('its service account', () =>
      client.resource(refs.serviceaccounts).get(cluster.scope, { namespace: NAMESPACE, name: 'default' }),
    )
    for (const name of Object.values(VICTIMS)) {
      await client.resource(refs.pods).create(cluster.scope, pause(name))
      await eventually(`the ${name} runs`, async () => isReady(await pod(name)))
    }
  })
  after(async () => {
    client?.close()
    await cluster?.remove()
  })

  const pod = (name: string, namespace = NAMESPACE): Promise<core.Pod> => client.resource(refs.pods).get(cluster.scope, { namespace, name })
  const restartsOf = (found: core.Pod): number => found.status?.containerStatuses?.[0]?.restartCount ?? 0
  const runningContainer = async (name: string): Promise<{ readonly id: string; readonly sandboxId: string }> => {
    const found = (await cluster.runtime.listContainers(cluster.scope)).find(
      ({ labels, state }) => labels['io.kubernetes.pod.name'] === name && state === 'running',
    )
    assert.ok(found !== undefined, `a container of ${name} runs`)
    return found
  }
  const endContainerOf = async (name: string): Promise<void> => {
    killAll(processesOfContainer((await runningContainer(name)).id))
  }

  const faults: readonly Fault[] = [
    {
      what: 'the agent is killed, and with it proxy and DNS',
      harm: async () => kill(cluster.pids().agent),
    },
    { what: 'containerd is killed', harm: async () => kill(cluster.pids().containerd) },
    {
      what: "a pod's shim is killed",
      harm: async () => {
        const { sandboxId } = await runningContainer(VICTIMS.ofShim)
        killAll(processesWith('containerd-shim', sandboxId))
      },
      isMended: async () => isReady(await pod(VICTIMS.ofShim)) && restartsOf(await pod(VICTIMS.ofShim)) > 0,
    },
  ]
  for (const { what, harm, isMended } of faults)
    it(`is whole again by itself, and nothing is left over: ${what}`, async (context) => {
      const asBefore = await taken()
      await harm()
      context.diagnostic(`${what}: whole after ${Math.round(await wholeAgain(isMended))} ms`)
      await asBefore()
    })

  it('goes on while the API server is away, and tells what happened when that is back', async (context) => {
    const asBefore = await taken()
    const restarts = restartsOf(await pod(VICTIMS.ofSilence))
    const { id } = await runningContainer(VICTIMS.ofSilence)
    kill(supervisorOf(cluster, 'server'))
    kill(cluster.pids().server)
    await endContainerOf(VICTIMS.ofSilence)
    await eventually('the victim runs again, though nobody can be told', async () => (await runningContainer(VICTIMS.ofSilence)).id !== id)
    assert.equal((await visitor(cluster).get('/')).status, 200)
    await cluster.scope.sleep(AWAY_MS)
    assert.equal((await visitor(cluster).get('/')).status, 200)
    await cluster.must('up')
    const ms = await wholeAgain(async () => restartsOf(await pod(VICTIMS.ofSilence)) > restarts && isReady(await pod(VICTIMS.ofSilence)))
    context.diagnostic(`the API server is away for ${AWAY_MS} ms: whole ${Math.round(ms)} ms after it is back`)
    await asBefore()
  })

  it('says that an image is gone when it needs it, and starts what waited when it is there again', async (context) => {
    const asBefore = await taken()
    const [shown] = (await client.resource(refs.pods).list(cluster.scope, { namespace: 'shop' })).items
    const name = shown?.metadata?.name ?? ''
    const now = (): Promise<core.Pod> => pod(name, 'shop')
    const image = shown?.spec?.containers[0]?.image ?? ''
    noRegistry(cluster, image.slice(0, image.indexOf('/')))
    await cluster.runtime.removeImage(cluster.scope, image)
    await endContainerOf(name)
    await eventually('it waits for its image', async () =>
      ['ErrImagePull', 'ImagePullBackOff'].includes((await now()).status?.containerStatuses?.[0]?.state?.waiting?.reason ?? ''),
    )
    await cluster.must('up')
    const ms = await wholeAgain(async () => isReady(await now()))
    context.diagnostic(`an image is deleted under a pod that ends then: whole ${Math.round(ms)} ms after it is there again`)
    await asBefore()
  })

  /** How long it takes until the shop answers, what was harmed is whole and a new pod has come and gone. */
  async function wholeAgain(isMended?: () => Promise<boolean>): Promise<number> {
    const startMs = performance.now()
    const pods = client.resource(refs.pods)
    const fresh = { namespace: NAMESPACE, name: 'fresh' }
    await eventually('a new pod is taken', () => pods.create(cluster.scope, pause(fresh.name)))
    await eventually('a new pod runs', async () => isReady(await pods.get(cluster.scope, fresh)))
    await eventually('the shop answers', async () => (await visitor(cluster).get('/')).status === 200)
    await eventually('what was harmed is whole', () => isMended?.() ?? true)
    const ms = performance.now() - startMs
    await pods.delete(cluster.scope, fresh)
    await eventually('the new pod is gone', async () =>
      (await pods.list(cluster.scope, { namespace: NAMESPACE })).items.every(({ metadata }) => metadata?.name !== fresh.name),
    )
    return ms
  }

  /** Counts what is on the machine now; what is returned waits until there is as much again. */
  async function taken(): Promise<() => Promise<void>> {
    const before = await inventoryOfReplaced(cluster)
    assert.deepEqual(before.superfluous, [])
    return async () => {
      await eventually('as much on the machine as before', async () => {
        assert.deepEqual(await inventoryOfReplaced(cluster), before)
        return true
      })
    }
  }
})

/** Says at once that a registry is not there, instead of after some attempts to find its address. */
function noRegistry({ layout }: MachineCluster, name: string): void {
  const folder = join(layout.registriesDir, name)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'hosts.toml'), 'server = "http://127.0.0.1:1"\n')
}

const isReady = ({ status }: core.Pod): boolean => status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') === true

const pause = (name: string): core.Pod => ({
  metadata: { namespace: NAMESPACE, name },
  spec: {
    terminationGracePeriodSeconds: 1,
    automountServiceAccountToken: false,
    containers: [{ name: 'pause', image: 'sampan.local/pause:1', imagePullPolicy: 'IfNotPresent' }],
  },
})
