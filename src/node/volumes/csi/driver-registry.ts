import type { Scope } from '#base'
import type { NodeDriver, NodeDrivers } from './node-driver.ts'
import type { CsiNode, DriverOnNode } from './csi-node.ts'

/** The drivers of this node: built-in ones, and those that have registered. */
export class DriverRegistry implements NodeDrivers {
  readonly #node: CsiNode
  readonly #builtIn: ReadonlyMap<string, NodeDriver>
  readonly #registered = new Map<string, NodeDriver>()

  constructor(node: CsiNode, builtIn: ReadonlyMap<string, NodeDriver>) {
    this.#node = node
    this.#builtIn = builtIn
  }

  get(name: string): NodeDriver {
    const found = this.#builtIn.get(name) ?? this.#registered.get(name)
    if (found === undefined) throw new Error(`driver name ${name} not found in the list of registered CSI drivers`)
    return found
  }
  isBuiltIn(name: string): boolean {
    return this.#builtIn.has(name)
  }

  /** Resolves when the API knows of the driver, and pods can use it. */
  async register(scope: Scope, driver: NodeDriver, on: DriverOnNode): Promise<void> {
    await this.#node.install(scope, on)
    this.#registered.set(on.name, driver)
  }

  /** Only if it is still this one that has the name. */
  async unregister(scope: Scope, name: string, driver: NodeDriver): Promise<void> {
    if (this.#registered.get(name) !== driver) return
    this.#registered.delete(name)
    await this.#node.uninstall(scope, name)
  }
}
