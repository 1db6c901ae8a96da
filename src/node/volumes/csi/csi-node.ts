import type { Scope } from '#base'
import { type core, isAlreadyExists, isConflict, isNotFound, refs, type storage } from '#api'
import type { Client } from '#client'
import { Turns } from '../../turns.ts'

/** What a driver says of itself on this node. */
export interface DriverOnNode {
  readonly name: string
  readonly nodeId: string
  readonly topology: Readonly<Record<string, string>>
  /** Most volumes that the node can have of it; 0 is no limit. */
  readonly mostVolumes: number
}

const NODE_IDS = 'csi.volume.kubernetes.io/nodeid'
const TRIES = 5

/** Keeps what the API knows of the node's drivers: the CSINode, the Node's annotation and its topology labels. */
export class CsiNode {
  readonly #client: Client
  readonly #nodeName: string
  readonly #turns = new Turns()

  constructor(client: Client, nodeName: string) {
    this.#client = client
    this.#nodeName = nodeName
  }

  /** Throws when the driver's topology is not what the Node says already. */
  install(scope: Scope, driver: DriverOnNode): Promise<void> {
    return this.#turns.take('', async () => {
      await this.#writeNode(scope, driver.name, driver)
      await this.#writeDrivers(scope, (drivers) => {
        const told = driverOf(driver)
        const before = drivers.find(({ name }) => name === driver.name)
        return before !== undefined && isSame(before, told) ? drivers : [...drivers.filter(({ name }) => name !== driver.name), told]
      })
    })
  }

  uninstall(scope: Scope, name: string): Promise<void> {
    return this.#turns.take('', async () => {
      await this.#writeDrivers(scope, (drivers) =>
        drivers.some((one) => one.name === name) ? drivers.filter((one) => one.name !== name) : drivers,
      )
      await this.#writeNode(scope, name, undefined)
    })
  }

  async #writeDrivers(scope: Scope, change: (drivers: storage.CSINodeDriver[]) => storage.CSINodeDriver[]): Promise<void> {
    const nodes = this.#client.resource(refs.csinodes)
    for (let tries = 1; ; tries++) {
      try {
        const found = await nodes.get(scope, { name: this.#nodeName }).catch((error: unknown) => {
          if (isNotFound(error)) return undefined
          throw error
        })
        if (found === undefined) return void (await nodes.create(scope, await this.#fresh(scope, change([]))))
        const drivers = change(found.spec.drivers)
        if (drivers !== found.spec.drivers) await nodes.update(scope, { ...found, spec: { ...found.spec, drivers } })
        return
      } catch (error) {
        if (tries === TRIES || !(isConflict(error) || isAlreadyExists(error))) throw error
      }
    }
  }

  async #fresh(scope: Scope, drivers: storage.CSINodeDriver[]): Promise<storage.CSINode> {
    const { metadata } = await this.#node(scope)
    const owner = { apiVersion: 'v1', kind: 'Node', name: this.#nodeName, uid: metadata?.uid ?? '' }
    return { metadata: { name: this.#nodeName, ownerReferences: [owner] }, spec: { drivers } }
  }

  async #writeNode(scope: Scope, name: string, driver: DriverOnNode | undefined): Promise<void> {
    const { metadata } = await this.#node(scope)
    const ids = readIds(metadata?.annotations?.[NODE_IDS])
    const labels = metadata?.labels ?? {}
    const missing: Record<string, string> = {}
    for (const [key, value] of Object.entries(driver?.topology ?? {})) {
      if (labels[key] === undefined) missing[key] = value
      else if (labels[key] !== value)
        throw new Error(
          `detected topology value collision: driver reported "${key}":"${value}" but existing label is "${key}":"${labels[key]}"`,
        )
    }
    if (ids.get(name) === driver?.nodeId && Object.keys(missing).length === 0) return
    if (driver === undefined) ids.delete(name)
    else ids.set(name, driver.nodeId)
    const annotations = { [NODE_IDS]: ids.size === 0 ? null : JSON.stringify(Object.fromEntries(ids)) }
    const body = { metadata: { annotations, labels: missing } }
    await this.#client.resource(refs.nodes).patch(scope, { name: this.#nodeName }, { type: 'merge', body })
  }

  #node(scope: Scope): Promise<core.Node> {
    return this.#client.resource(refs.nodes).get(scope, { name: this.#nodeName })
  }
}

function readIds(text: string | undefined): Map<string, string> {
  try {
    return new Map(Object.entries(JSON.parse(text ?? '{}') as Record<string, string>))
  } catch {
    // Somebody else's words: written anew.
    return new Map()
  }
}

const LARGEST_COUNT = 2 ** 31 - 1

function driverOf({ name, nodeId, topology, mostVolumes }: DriverOnNode): storage.CSINodeDriver {
  const topologyKeys = Object.keys(topology).sort()
  const limit = mostVolumes > 0 ? { allocatable: { count: Math.min(mostVolumes, LARGEST_COUNT) } } : {}
  return { name, nodeID: nodeId, topologyKeys, ...limit }
}

function isSame(one: storage.CSINodeDriver, other: storage.CSINodeDriver): boolean {
  const keys = (driver: storage.CSINodeDriver): string => [...(driver.topologyKeys ?? [])].sort().join()
  return one.nodeID === other.nodeID && keys(one) === keys(other) && one.allocatable?.count === other.allocatable?.count
}
