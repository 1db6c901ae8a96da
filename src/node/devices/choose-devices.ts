import { PluginRefused } from '../refusal.ts'

export interface DeviceChoice {
  readonly resource: string
  readonly count: number
  /** What the container has of it from before; undefined: nothing. */
  readonly has: ReadonlySet<string> | undefined
  /** Undefined: no plugin of this resource has registered since the agent started. */
  readonly healthy: ReadonlySet<string> | undefined
  readonly inUse: ReadonlySet<string>
  /** Of the pod's init containers, which have ended when this container starts. */
  readonly reusable: ReadonlySet<string>
  /** How far a device is from where it is to be: nearer ones first, 0 is near. */
  readonly distance: (id: string) => number
  readonly prefer: (available: readonly string[], mustInclude: readonly string[], count: number) => Promise<readonly string[]>
}

/** The devices that a container gets anew: those of ended init containers first, then what the plugin prefers, then any that is free. Throws `PluginRefused`. */
export async function chooseDevices(choice: DeviceChoice): Promise<readonly string[]> {
  const { resource, count, has, healthy, inUse, reusable } = choice
  if (has !== undefined && has.size !== count)
    throw new PluginRefused(`the request for resource ${JSON.stringify(resource)} changed from ${has.size} to ${count}`)
  if (healthy === undefined) throw new PluginRefused(`cannot allocate unregistered device ${resource}`)
  if (healthy.size === 0) throw new PluginRefused(`no healthy devices present; cannot allocate unhealthy devices ${resource}`)
  if (has !== undefined && !has.isSubsetOf(healthy))
    throw new PluginRefused(`previously allocated devices are no longer healthy; cannot allocate unhealthy devices ${resource}`)
  if (has !== undefined || count === 0) return []
  const chosen = [...reusable].sort().slice(0, count)
  if (chosen.length === count) return chosen
  const available = [...healthy.difference(inUse)].filter((id) => !chosen.includes(id)).sort()
  const needed = count - chosen.length
  if (available.length < needed)
    throw new PluginRefused(`requested number of devices unavailable for ${resource}. Requested: ${needed}, Available: ${available.length}`)
  const near = available.filter((id) => choice.distance(id) === 0)
  // All that are near are taken before any other; the plugin chooses among those of which not all are needed.
  if (near.length < needed) chosen.push(...near)
  const open =
    near.length < needed ? available.filter((id) => choice.distance(id) > 0).sort((a, b) => choice.distance(a) - choice.distance(b)) : near
  const preferred = await choice.prefer([...open, ...chosen], chosen, count)
  const first = preferred.filter((id) => open.includes(id))
  return [...new Set([...chosen, ...first, ...open])].slice(0, count)
}
