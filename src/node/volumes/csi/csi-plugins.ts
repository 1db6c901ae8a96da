import { type Scope, isCancelled, messageOf } from '#base'
import type { Client } from '#client'
import type { KubeletPaths } from '../../plugins/kubelet-paths.ts'
import type { PluginHandler } from '../../plugins/plugin-registry.ts'
import { PluginRefused } from '../../refusal.ts'
import type { DriverRegistry } from './driver-registry.ts'
import { grpcDriver } from './grpc-driver.ts'
import { followVolumeLimit } from './volume-limit.ts'

/** Takes CSI drivers that register at the node. A driver whose socket goes can mount nothing more; what is mounted stays. `node`: for as long as the agent runs. */
export function csiPlugins(node: Scope, client: Client, drivers: DriverRegistry, paths: KubeletPaths): PluginHandler {
  return {
    validate({ name, versions }) {
      if (drivers.isBuiltIn(name)) throw new PluginRefused(`the name ${name} is taken by a driver of the node itself`)
      if (!/^[a-z0-9A-Z]([-a-z0-9A-Z.]{0,61}[a-z0-9A-Z])?$/.test(name))
        throw new PluginRefused(`${JSON.stringify(name)} is not the name of a driver`)
      if (!versions.some((version) => /^v?1\.\d+(?:\.\d+)?$/.test(version)))
        throw new PluginRefused(`none of the versions [${versions.join(' ')}] of CSI driver ${name} is supported: 1.x is`)
    },
    async register(life, { name, endpoint }) {
      const driver = grpcDriver(endpoint, paths)
      const leave = (): void => {
        driver[Symbol.dispose]()
        // The agent's end is not the driver's.
        if (node.signal.aborted) return
        void drivers.unregister(node, name, driver).catch((error: unknown) => {
          if (!isCancelled(error))
            node.log.warn('the API could not be told that a driver has gone', { driver: name, error: messageOf(error) })
        })
      }
      try {
        await drivers.register(life, name, driver)
      } catch (error) {
        driver[Symbol.dispose]()
        throw error
      }
      if (life.signal.aborted) return leave()
      life.signal.addEventListener('abort', leave, { once: true })
      followVolumeLimit(life, client, name, (own) => drivers.tellAgain(own, name))
    },
  }
}
