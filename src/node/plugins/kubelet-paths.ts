import { join } from 'node:path'

/** Where drivers that run as pods expect the kubelet's directory, whatever node they are on. */
const KUBELET_DIR = '/var/lib/kubelet'

/**
 * A node keeps its directory where it was told to, several of them on one machine. Pods know it as `/var/lib/kubelet`: so their hostPath
 * volumes below that lead to the directory of their node, and the paths that their drivers name are below it.
 */
export interface KubeletPaths {
  /** A path as a driver says it → the path on the node. */
  readonly onNode: (path: string) => string
  /** A path on the node → as its drivers see it. */
  readonly inDrivers: (path: string) => string
}

export function kubeletPaths(rootDir: string): KubeletPaths {
  const moved = (path: string, from: string, to: string): string =>
    path === from || path.startsWith(`${from}/`) ? join(to, path.slice(from.length)) : path
  return {
    onNode: (path) => moved(path, KUBELET_DIR, rootDir),
    inDrivers: (path) => moved(path, rootDir, KUBELET_DIR),
  }
}
