import type { NodeState } from '../cluster/node-state.ts'
import { type FilterPlugin, refusal } from '../framework/plugin.ts'
import { type StorageView, classOf } from './storage.ts'

/** A node takes no more volumes of a driver than its CSINode says: those of the pods there, and those that are still attached. */
export function volumeLimits(view: StorageView): FilterPlugin {
  const name = 'NodeVolumeLimits'
  return {
    name,
    live: true,
    prepare: (_, pod) => {
      if (pod.claims.length === 0) return undefined
      const wanted = drivenVolumes(view, pod.namespace, pod.claims)
      if (wanted.size === 0) return undefined
      const drivers = new Set(wanted.values())
      const demanding = [...drivers].filter((driver) => view.mustBeInstalled(driver))
      const exceeded = refusal(name, 'node(s) exceed max volume count', false)
      return {
        kind: 'check',
        check: (node) => {
          const installed = view.driversOf(node.name)
          const missing = demanding.find((driver) => !installed.some((one) => one.name === driver))
          if (missing !== undefined) return refusal(name, `${missing} CSI driver is not installed on the node`, false)
          const limited = installed.filter((one) => drivers.has(one.name) && one.allocatable?.count !== undefined)
          if (limited.length === 0) return undefined
          const there = attachedVolumes(view, node)
          for (const { name: driver, allocatable } of limited) {
            const isOf = ([volume, by]: readonly [string, string]): boolean => by === driver && !there.has(volume)
            const before = [...there].filter(([, by]) => by === driver).length
            const added = [...wanted].filter(isOf).length
            if (added > 0 && before + added > (allocatable?.count ?? 0)) return exceeded
          }
          return undefined
        },
      }
    },
  }
}

/** Volumes of CSI drivers behind claims, each once, with their driver. What is not made yet counts under its claim's name. */
function drivenVolumes(view: StorageView, namespace: string, claims: readonly string[]): Map<string, string> {
  const found = new Map<string, string>()
  for (const name of claims) {
    const claim = view.claim(namespace, name)
    if (claim === undefined) continue
    const csi = view.volume(claim.spec?.volumeName ?? '')
    if (csi === undefined) {
      const driver = view.storageClass(classOf(claim))?.provisioner ?? ''
      if (driver !== '' && !driver.startsWith('kubernetes.io/')) found.set(`${driver}/${namespace}/${name}`, driver)
    } else if (csi.spec?.csi !== undefined) found.set(`${csi.spec.csi.driver}/${csi.spec.csi.volumeHandle}`, csi.spec.csi.driver)
  }
  return found
}

function attachedVolumes(view: StorageView, node: NodeState): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const pod of node.pods.values())
    for (const [volume, driver] of drivenVolumes(view, pod.namespace, pod.claims)) found.set(volume, driver)
  for (const { spec } of view.attachmentsOn(node.name)) {
    const csi = view.volume(spec.source.persistentVolumeName ?? '')?.spec?.csi
    if (csi !== undefined) found.set(`${csi.driver}/${csi.volumeHandle}`, csi.driver)
  }
  return found
}
