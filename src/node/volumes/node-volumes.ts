import { type Scope, isCancelled, messageOf } from '#base'
import type { core } from '#api'
import type { Client } from '#client'
import { csiObjects } from '../api/csi-objects.ts'
import type { ObjectSource } from '../objects.ts'
import type { KubeletPaths } from '../plugins/kubelet-paths.ts'
import type { PluginHandler } from '../plugins/plugin-registry.ts'
import { CsiNode, type DriverOnNode } from './csi/csi-node.ts'
import { csiPlugins } from './csi/csi-plugins.ts'
import { DriverRegistry } from './csi/driver-registry.ts'
import { DriverVolumes } from './csi/driver-volumes.ts'
import { LOCAL_DRIVER, localDriver } from './local/local-driver.ts'
import { LocalVolumes } from './local/local-volumes.ts'

export interface NodeVolumesOptions {
  readonly nodeName: string
  readonly rootDir: string
  readonly podsDir: string
  readonly storageDir: string
  readonly paths: KubeletPaths
  readonly reportInUse: (scope: Scope) => Promise<void>
  readonly record: (pod: core.Pod, type: 'Normal' | 'Warning', reason: string, message: string) => void
}

/** What sees to the persistent volumes of a node. */
export interface NodeVolumes {
  readonly driven: DriverVolumes
  readonly local: LocalVolumes
  /** Takes CSI drivers that register. */
  readonly csiPlugins: PluginHandler
  /** Before pods are followed: reads what there was when the agent ended. */
  recover(scope: Scope): Promise<void>
  /** Once the Node is there. Ends with the scope. */
  run(scope: Scope): Promise<void>
}

const FIRST_RETRY_MS = 500
const LONGEST_RETRY_MS = 60_000

export function nodeVolumes(scope: Scope, client: Client, objects: ObjectSource, options: NodeVolumesOptions): NodeVolumes {
  const { nodeName, storageDir } = options
  const local = new LocalVolumes(storageDir)
  const node = new CsiNode(client, nodeName)
  const drivers = new DriverRegistry(node, new Map([[LOCAL_DRIVER, localDriver(local)]]))
  const driven = new DriverVolumes({ ...options, drivers, objects: csiObjects(client, objects) })
  return {
    driven,
    local,
    csiPlugins: csiPlugins(scope, client, drivers, options.paths),
    recover: async (own) => {
      await local.recover(own)
      await driven.recover()
    },
    async run(own) {
      const builtIn = { name: LOCAL_DRIVER, nodeId: nodeName, topology: { 'kubernetes.io/hostname': nodeName }, mostVolumes: 0 }
      await Promise.all([announce(own, node, builtIn), driven.run(own)])
    },
  }
}

async function announce(scope: Scope, node: CsiNode, driver: DriverOnNode): Promise<void> {
  for (let delayMs = FIRST_RETRY_MS; !scope.signal.aborted; delayMs = Math.min(delayMs * 2, LONGEST_RETRY_MS)) {
    try {
      return await node.install(scope, driver)
    } catch (error) {
      if (isCancelled(error)) return
      scope.log.warn('the API could not be told which volumes this node has', { error: messageOf(error) })
      await scope.sleep(delayMs).catch(() => undefined)
    }
  }
}
