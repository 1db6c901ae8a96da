import { existsSync, rmSync } from 'node:fs'
import { type Scope, rootScope, systemClock } from '#base'
import { type Progress, createProgress } from '#cli'
import { releaseGateway } from '#gateway'
import { releaseAnnouncements, releasePolicies, releaseRoutes } from '#network'
import { releaseHost, stopHost } from '#node'
import { releaseProxy, systemKernel } from '#proxy'
import { stopInBackground } from '../background/processes.ts'
import {
  type Instance,
  type NodePlace,
  announceInterface,
  clusterCidrs,
  familiesOf,
  netnsPath,
  policyTable,
  proxyTable,
  readInstance,
} from '../instance/instance.ts'
import { removeLocalAddress, removeNetwork } from '../instance/network.ts'
import { locate, stateDirOf } from '../instance/locate.ts'
import type { InstanceFlags } from '../program/flags.ts'
import { componentsOf, gatewayDir, hostOptions } from '../up/commands.ts'

const STOP_WITHIN_MS = 20_000

function newProgress(): Progress {
  return createProgress(systemClock, { write: (text) => process.stdout.write(text), isTTY: process.stdout.isTTY })
}

/** Agents first: they still report. */
async function stopComponents(scope: Scope, progress: Progress, stateDir: string, instance: Instance): Promise<void> {
  for (const { name } of componentsOf(instance).toReversed())
    await progress.step(`stop ${name}`, async (note) =>
      note((await stopInBackground(scope, stateDir, name, STOP_WITHIN_MS)) ? '' : 'did not run'),
    )
  // It serves on when the gateway was killed.
  if (instance.gateway === true) await releaseGateway(scope, gatewayDir(stateDir))
}

const onEachNode = async ({ nodes }: Instance, work: (index: number) => Promise<void>): Promise<void> => {
  await Promise.all(nodes.map((_, index) => work(index)))
}

/** `sampan down`: pods end as they would on a machine that is shut down; objects, volumes and images stay. */
export async function runDown(flags: InstanceFlags): Promise<void> {
  using scope = rootScope()
  const progress = newProgress()
  const { stateDir, instance } = locate(flags)
  await stopComponents(scope, progress, stateDir, instance)
  await progress.step('stop containers and containerd', () =>
    onEachNode(instance, (index) => stopHost(scope, hostOptions(stateDir, instance, index))),
  )
  await progress.step('take rules away', () => releaseNetwork(scope, instance))
}

/** `sampan reset`: exactly what was made, and nothing else. Works after any crash, and again. */
export async function runReset(flags: InstanceFlags): Promise<void> {
  using scope = rootScope()
  const progress = newProgress()
  const stateDir = stateDirOf(flags)
  const instance = readInstance(stateDir)
  if (instance === undefined) {
    progress.say(`there is no cluster in ${stateDir}: nothing to remove`)
    return
  }
  await stopComponents(scope, progress, stateDir, instance)
  await progress.step('remove containers, mounts, control groups', () =>
    onEachNode(instance, (index) => releaseHost(scope, hostOptions(stateDir, instance, index))),
  )
  await progress.step('remove rules and addresses', async () => {
    await releaseNetwork(scope, instance)
    removeNetwork(instance, stateDir)
  })
  await progress.step('remove data', () => rmSync(stateDir, { recursive: true, force: true }))
  if (instance.joined !== undefined)
    progress.say(
      `\nThe cluster still has the Node ${instance.nodes[0].name}. Where its server is: sampan node remove ${instance.nodes[0].name}`,
    )
}

async function releaseNetwork(scope: Scope, instance: Instance): Promise<void> {
  const podNetworks = clusterCidrs(instance)
  const fromNode = async (node: NodePlace, index: number): Promise<void> => {
    const netns = netnsPath(node)
    // A namespace takes everything in it away when it goes.
    if (netns !== undefined && !existsSync(netns)) return
    await releaseProxy(scope, systemKernel(netns), proxyTable(instance, index), familiesOf(instance))
    await releasePolicies(scope, policyTable(instance, index), netns, familiesOf(instance))
    await releaseAnnouncements(scope, announceInterface(node), netns)
    if (netns !== undefined) return
    await releaseRoutes(scope, { podNetworks })
    removeLocalAddress(instance.dnsAddress)
  }
  await Promise.all(instance.nodes.map(fromNode))
  // Those of this machine to the pods of its nodes.
  if (instance.network !== undefined) await releaseRoutes(scope, { podNetworks, device: instance.network })
}
