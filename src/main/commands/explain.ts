import { type Scope, UserError } from '#base'
import type { ResourceRef } from '#api'
import { formatTable } from '#cli'
import { type Client, discover } from '#client'
import { createInformers } from '#reconcile'
import { type Explanation, explain } from '#scheduler'
import type { ExplainFlags } from '../program/flags.ts'
import { asAdministrator } from '../instance/connect.ts'
import { schedulerFile } from './parts.ts'

/** `sampan explain pod NAME`: why a pod is on its node, or on none. */
export async function runExplain(kind: string, name: string, flags: ExplainFlags): Promise<void> {
  if (kind !== 'pod' && kind !== 'pods') throw new UserError(`only pods can be explained, not ${kind}`, 'sampan explain pod NAME')
  await asAdministrator(flags, 'sampan-explain', async (scope, client) => {
    const config = flags.config === undefined ? {} : { config: schedulerFile(flags.config).config }
    const explanation = await ask(scope, client, { namespace: flags.namespace, name }, config)
    console.log(flags.output === 'json' ? JSON.stringify(explanation, undefined, 2) : textOf(explanation))
  })
}

async function ask(
  scope: Scope,
  client: Client,
  of: { readonly namespace: string; readonly name: string },
  config: Pick<Parameters<typeof explain>[1], 'config'>,
): Promise<Explanation> {
  using reading = scope.child()
  const { resources } = await discover(reading, client)
  const served = new Set(resources.map(({ ref }) => `${ref.group}/${ref.plural}`))
  const isServed = (ref: ResourceRef): boolean => served.has(`${ref.group}/${ref.plural}`)
  return await explain(reading, { informers: createInformers(client), isServed, ...config }, of)
}

/** Nodes that fit with their scores, best first; then the others with all that is against them. */
export function textOf({ pod, placedOn, general, nodes, change }: Explanation): string {
  const fits = nodes.filter(({ refusals }) => refusals.length === 0 && general === undefined)
  const plugins = [...new Set(fits.flatMap(({ scores }) => Object.keys(scores)))]
  const rows = [...fits]
    .sort((a, b) => b.total - a.total || (a.name < b.name ? -1 : 1))
    .map(({ name, scores, total }) => [
      `${name}${name === placedOn ? ' *' : ''}`,
      String(total),
      ...plugins.map((plugin) => String(scores[plugin] ?? 0)),
    ])
  const refused = nodes
    .filter(({ refusals }) => refusals.length > 0)
    .map(({ name, refusals }) => [
      `${name}${name === placedOn ? ' *' : ''}`,
      refusals.map(({ plugin, reasons }) => `${reasons.join(', ')} (${plugin})`).join('; '),
    ])
  const parts = [
    placedOn === undefined ? `${pod} has no node.` : `${pod} is on ${placedOn} (*). How it would be decided now:`,
    ...(general === undefined ? [] : [`No node will do: ${general}.`]),
    ...(rows.length === 0 ? [] : [formatTable(['NODE', 'SCORE', ...plugins.map((plugin) => plugin.toUpperCase())], rows)]),
    ...(refused.length === 0 ? [] : [formatTable(['NODE', 'WHY NOT'], refused)]),
    ...(change === undefined
      ? []
      : [`The least that would let it go to ${change.node}:\n${change.steps.map((step) => `  - ${step}`).join('\n')}`]),
    ...(nodes.length === 0 ? ['There are no nodes.'] : []),
  ]
  return parts.join('\n\n')
}
