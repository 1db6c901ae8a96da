import { readFileSync } from 'node:fs'
import type { Scope } from '#base'
import { isNotFound, refs } from '#api'
import type { Client } from '#client'
import { MODE } from '#network'
import { isSupervised, lastLines, running, startInBackground, stopInBackground } from '../background/processes.ts'
import { type Instance, wayBetweenNodes } from '../instance/instance.ts'
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
  const way = wayBetweenNodes(instance.networkMode)
  const wait = async (index: number, name: string, what: string, isSo: (sends: string | undefined) => boolean): Promise<void> =>
    await within(
      scope,
      SWITCHED_WITHIN_MS,
      `the node ${name} does not ${what}`,
      () => lastLines(stateDir, agentOf(index).name),
      async (limited) => {
        while (!isSo(await sending(limited, client, name))) await limited.sleep(POLL_MS)
      },
    )
  const supervised = instance.nodes.flatMap(({ name }, index) => (isSupervised(stateDir, agentOf(index).name) ? [{ index, name }] : []))
  // Others send to a node that has said nothing yet as they do themselves: before the first one changes, each says what it can take.
  if (supervised.length > 1)
    for (const { index, name } of supervised) await wait(index, name, 'say how it sends', (sends) => sends !== undefined)
  // One that does not run starts so.
  for (const { index, name } of supervised) {
    const component = agentOf(index)
    const isSo =
      instance.nodes.length > 1 ? (await sending(scope, client, name)) === way : wasTold(stateDir, component.name) === instance.networkMode
    if (isSo) continue
    note(name)
    await stopInBackground(scope, stateDir, component.name, STOP_WITHIN_MS)
    await startInBackground(scope, stateDir, component.name, componentCommand(component, stateDir, instance))
    if (instance.nodes.length > 1) await wait(index, name, `send as ${way}`, (sends) => sends === way)
  }
  note(`${instance.networkMode} on ${instance.nodes.length}`)
}

/** The mode that an agent was started with: one that is alone says nothing. */
function wasTold(stateDir: string, name: string): string | undefined {
  const pid = running(stateDir, name)?.pid
  if (pid === undefined) return undefined
  const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  return words[words.indexOf('--network') + 1]
}

/** As the node itself has said last; undefined as long as it is alone. */
const sending = async (scope: Scope, client: Client, name: string): Promise<string | undefined> =>
  (await client.resource(refs.nodes).get(scope, { name })).metadata?.annotations?.[MODE]
