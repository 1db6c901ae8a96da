import { type Scope, isCancelled, messageOf } from '#base'
import { PluginRefused } from '../../refusal.ts'
import type { CsiNode } from './csi-node.ts'
import type { GrpcDriver } from './grpc-driver.ts'
import type { NodeDriver, NodeDrivers } from './node-driver.ts'

type Registered = NodeDriver & Pick<GrpcDriver, 'info'>

/** The drivers of this node: built-in ones, and those that have registered. */
export class DriverRegistry implements NodeDrivers {
  readonly #node: CsiNode
  readonly #builtIn: ReadonlyMap<string, NodeDriver>
  readonly #registered = new Map<string, Registered>()

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
  async register(scope: Scope, name: string, driver: Registered): Promise<void> {
    await this.#tell(scope, name, driver)
    this.#registered.set(name, driver)
  }

  async tellAgain(scope: Scope, name: string): Promise<void> {
    const driver = this.#registered.get(name)
    if (driver === undefined) return
    try {
      await this.#tell(scope, name, driver)
    } catch (error) {
      if (isCancelled(error)) throw error
      scope.log.warn('a driver could not be asked for its limit', { driver: name, error: messageOf(error) })
    }
  }

  /** Only if it is still this one that has the name. */
  async unregister(scope: Scope, name: string, driver: NodeDriver): Promise<void> {
    if (this.#registered.get(name) !== driver) return
    this.#registered.delete(name)
    await this.#node.uninstall(scope, name)
  }

  async #tell(scope: Scope, name: string, driver: Registered): Promise<void> {
    const on = await driver.info(scope)
    if (on.nodeId === '') throw new PluginRefused(`CSI driver ${name} has no id for this node`)
    await this.#node.install(scope, { ...on, name })
  }
}
