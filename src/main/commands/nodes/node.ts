import { type Scope, UserError, rootScope } from '#base'
import { type core, isNodeReady, isNotFound, parseDuration, refs } from '#api'
import { formatTable } from '#cli'
import type { Client } from '#client'
import { NODE_REMOVED } from '#node'
import { nodeSelectorMatches } from '#scheduler'
import type { DrainFlags, NodeFlags } from '../../program/flags.ts'
import { connectAsAdministrator } from '../../instance/connect.ts'
import { locate } from '../../instance/locate.ts'
import { type DrainPreview, emptyNode, previewDrain, setSchedulable } from '../../nodes/drain-node.ts'
import { type Blocker, boundVolumes, nameOf } from '../../nodes/plan-drain.ts'

/** `sampan cordon` and `uncordon`: whether new pods come to the node. */
export async function runCordon(nodeName: string, flags: NodeFlags, schedulable: boolean): Promise<void> {
  using scope = rootScope()
  const client = await administrator(scope, flags)
  await nodeOf(scope, client, nodeName)
  await setSchedulable(scope, client, nodeName, schedulable)
  console.log(`the node ${nodeName} ${schedulable ? 'takes new pods again' : 'takes no new pods'}`)
}

/** `sampan drain`: the node takes no new pods, and those that it has go elsewhere. */
export async function runDrain(nodeName: string, flags: DrainFlags): Promise<void> {
  using scope = rootScope()
  const client = await administrator(scope, flags)
  const node = await nodeOf(scope, client, nodeName)
  const preview = await previewDrain(scope, client, nodeName, flags)
  if (flags.preview) return show(preview)
  await drain(scope, client, node, preview, flags)
  console.log(`the node ${nodeName} is empty but for what stays, and takes no new pods`)
}

/** `sampan node remove`: drained, and then no node of the cluster any more. What it has left is removed on its machine, by `sampan reset`. */
export async function runNodeRemove(nodeName: string, flags: DrainFlags): Promise<void> {
  using scope = rootScope()
  if (flags.kubeconfig === undefined && locate(flags).instance.nodes.some(({ name }) => name === nodeName))
    throw new UserError(
      `${nodeName} is a node of this machine, and comes back with sampan up`,
      'drain it (sampan drain), or remove the cluster (sampan reset)',
    )
  const client = await administrator(scope, flags)
  const node = await nodeOf(scope, client, nodeName)
  const preview = await previewDrain(scope, client, nodeName, flags)
  const lost = await volumesOf(scope, client, nodeName)
  if (flags.preview) {
    show(preview)
    for (const { metadata, spec } of lost)
      console.log(`the data of the volume ${metadata?.name ?? ''} (${claimOf(spec)}) lies on the node, and goes with it`)
    return
  }
  if (lost.length > 0 && !flags.force)
    throw new UserError(
      `the data of ${lost.length} volumes lies on the node, and would go with it: ${lost.map(({ spec }) => claimOf(spec)).join(', ')}`,
      'copy what is to be kept, then add --force',
    )
  await drain(scope, client, node, preview, flags)
  // Its agent, if it lives, reads this and does not make the Node anew.
  await client
    .resource(refs.nodes)
    .patch(scope, { name: nodeName }, { type: 'merge', body: { metadata: { annotations: { [NODE_REMOVED]: 'true' } } } })
  await client.resource(refs.nodes).delete(scope, { name: nodeName }, { preconditions: { uid: node.metadata?.uid ?? '' } })
  console.log(`the node ${nodeName} is no node of the cluster any more; on its machine, sampan reset removes what it has left`)
}

async function drain(scope: Scope, client: Client, node: core.Node, preview: DrainPreview, flags: DrainFlags): Promise<void> {
  const timeoutMs = parseDuration(flags.timeout)
  if (typeof timeoutMs === 'string')
    throw new UserError(`not a duration: ${flags.timeout}`, 'give --timeout as in 90s or 10m; 0 is for ever')
  refuseBlocked(preview)
  const name = node.metadata?.name ?? ''
  await setSchedulable(scope, client, name, false)
  const isReady = isNodeReady(node)
  if (!isReady) console.log(`the node ${name} is silent: its pods are told to end, and nobody waits for them`)
  await emptyNode(scope, client, preview.fates, { timeoutMs, waitForEnd: isReady, onGone: (pod) => console.log(`  gone  ${nameOf(pod)}`) })
}

const OPTION: Readonly<Record<Blocker['allowedBy'], string>> = { force: '--force', deleteEmptydirData: '--delete-emptydir-data' }

function refuseBlocked({ fates }: DrainPreview): void {
  const blocked = fates.flatMap(({ pod, blockers }) => blockers.map((blocker) => ({ pod, blocker })))
  if (blocked.length === 0) return
  const options = [...new Set(blocked.map(({ blocker }) => OPTION[blocker.allowedBy]))]
  throw new UserError(
    `nothing was done; in the way are:\n${blocked.map(({ pod, blocker }) => `  ${nameOf(pod)}: ${blocker.what}`).join('\n')}`,
    `add ${options.join(' and ')} if that may be`,
  )
}

/** The exit code is 1 when a drain would not begin. */
function show({ fates, blocked }: DrainPreview): void {
  const rows = fates.map(({ pod, fate, why, blockers, fits, inTheWay }) => {
    const problems = [...blockers.map(({ allowedBy }) => `needs ${OPTION[allowedBy]}`), ...inTheWay]
    return [nameOf(pod), fate, why, fits.join(', '), problems.join('; ')]
  })
  console.log(rows.length === 0 ? 'The node has no pods.' : formatTable(['POD', 'FATE', 'WHY', 'FITS ON', 'IN THE WAY'], rows))
  if (blocked) process.exitCode = 1
}

async function volumesOf(scope: Scope, client: Client, nodeName: string): Promise<readonly core.PersistentVolume[]> {
  const [volumes, nodes] = await Promise.all([client.resource(refs.persistentvolumes).list(scope), client.resource(refs.nodes).list(scope)])
  const inUse = volumes.items.filter(({ status }) => status?.phase === 'Bound')
  return boundVolumes(inUse, nodes.items, nodeName, (selector, { metadata }) =>
    nodeSelectorMatches(selector, metadata?.name ?? '', metadata?.labels ?? {}),
  )
}

const claimOf = (spec: core.PersistentVolumeSpec | undefined): string =>
  `claim ${spec?.claimRef?.namespace ?? ''}/${spec?.claimRef?.name ?? ''}`

const administrator = (scope: Scope, flags: NodeFlags): Promise<Client> => connectAsAdministrator(scope, flags, 'sampan')

async function nodeOf(scope: Scope, client: Client, name: string): Promise<core.Node> {
  try {
    return await client.resource(refs.nodes).get(scope, { name })
  } catch (error) {
    if (isNotFound(error)) throw new UserError(`there is no node ${name}`, 'see those there are with: sampan kubectl get nodes')
    throw error
  }
}
