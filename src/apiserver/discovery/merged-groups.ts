import { ADDED_PRIORITY, BUILT_IN_PRIORITIES, CUSTOM_PRIORITY, UNANNOUNCED } from '../aggregation/priorities.ts'
import type { Aggregator } from '../aggregation/aggregator.ts'
import { byVersion } from '../aggregation/remote-services.ts'
import type { Catalog } from '../registry/catalog.ts'
import { type AnnouncedGroup, announced } from './discovery-documents.ts'

/** What other servers behind this one serve. */
export type RemoteGroups = Pick<Aggregator, 'version' | 'groups' | 'openApiParts'>
export const NO_REMOTE_GROUPS: RemoteGroups = { version: 0, groups: () => [], openApiParts: () => [] }

/** All groups but the core one, in the order in which they are announced: whoever has the higher priority first, then by name. */
export function mergedGroups(catalog: Catalog, remotes: RemoteGroups): readonly AnnouncedGroup[] {
  const local = catalog.groups.filter(({ group }) => group !== '').map(announced)
  const remote = remotes.groups()
  if (remote.length === 0) return local
  const entries = new Map(
    local.map(({ group, versions }) => [
      group,
      {
        priority: priorityOf(group, versions[0]?.version ?? '', catalog.isCustom(group))[0],
        versions: versions.map((one) => ({ ...one, priority: priorityOf(group, one.version, catalog.isCustom(group))[1] })),
      },
    ]),
  )
  for (const { group, priority, versions } of remote) {
    const more = versions.map(({ version, priority: rank, discovered }) => ({ version, priority: rank, document: discovered }))
    const known = entries.get(group)
    const kept = known?.versions.filter(({ version }) => !more.some((one) => one.version === version)) ?? []
    entries.set(group, { priority: Math.max(priority, known?.priority ?? 0), versions: [...kept, ...more].sort(byVersion) })
  }
  return [...entries]
    .sort(([a, { priority: x }], [b, { priority: y }]) => y - x || (a < b ? -1 : 1))
    .map(([group, { versions }]) => ({ group, versions }))
}

function priorityOf(group: string, version: string, isCustom: boolean): readonly [group: number, version: number] {
  if (group === UNANNOUNCED) return [Number.POSITIVE_INFINITY, 0]
  return BUILT_IN_PRIORITIES[`${group}/${version}`] ?? (isCustom ? CUSTOM_PRIORITY : ADDED_PRIORITY)
}
