import type { Scope } from '#base'
import { isNotFound, refs } from '#api'
import type { Client } from '#client'
import { MODE } from '#network'
import { isSupervised, lastLines, startInBackground, stopInBackground } from '../background/processes.ts'
import type { Instance } from '../instance/instance.ts'
import { CLUSTER_FACTS } from '../join/cluster-facts.ts'
import { agentOf, componentCommand } from './commands.ts'
import { within } from './within.ts'

const STOP_WITHIN_MS = 20_000
const SWITCHED_WITHIN_MS = 120_000
const POLL_MS = 20

/**
 * Has the nodes of a cluster that runs send as the instance says now, one after the other: pods go on, and each pair of nodes agrees on the way at every moment.
 * Who joins later reads it, too. It goes on where it was broken off.
 */
export async function switchNetwork(
  scope: Scope,
  client: Client,
  stateDir: string,
  instance: Instance,
  note: (text: string) => void,
): Promise<void> {
  const body = { data: { networkMode: instance.networkMode } }
  await client
    .resource(refs.configmaps)
    .patch(scope, CLUSTER_FACTS, { type: 'merge', body })
    .catch((error: unknown) => {
      if (!isNotFound(error)) throw error
    })
  for (const [index, { name }] of instance.nodes.entries()) {
    const component = agentOf(index)
    const sends = async (within: Scope): Promise<string | undefined> =>
      (await client.resource(refs.nodes).get(within, { name })).metadata?.annotations?.[MODE]
    // One that does not run starts so.
    if (!isSupervised(stateDir, component.name) || (await sends(scope)) === instance.networkMode) continue
    note(name)
    await stopInBackground(scope, stateDir, component.name, STOP_WITHIN_MS)
    await startInBackground(scope, stateDir, component.name, componentCommand(component, stateDir, instance))
    if (instance.nodes.length === 1) continue
    await within(
      scope,
      SWITCHED_WITHIN_MS,
      `the node ${name} does not send as ${instance.networkMode}`,
      () => lastLines(stateDir, component.name),
      async (limited) => {
        while ((await sends(limited)) !== instance.networkMode) await limited.sleep(POLL_MS)
      },
    )
  }
  note(`${instance.networkMode} on ${instance.nodes.length}`)
}
