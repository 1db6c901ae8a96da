import { type Scope } from '#base'
import { RuntimeError } from '../runtime.ts'
import type { FileView } from '../runtime.ts'
import type { Channel } from '../grpc/channel.ts'
import { methodsOf } from '../grpc/descriptors.ts'

/** containerd's snapshot service: CRI shows an image's files to containers only. Field numbers of api/services/snapshots/v1 and api/types. */
const SERVICE_TABLE = {
  ViewSnapshotRequest: { snapshotter: [1, 'string'], key: [2, 'string'], parent: [3, 'string'], labels: [4, 'map<string,string>'] },
  KeyRequest: { snapshotter: [1, 'string'], key: [2, 'string'] },
  Mount: { type: [1, 'string'], source: [2, 'string'], target: [3, 'string'], options: [4, 'string', 'repeated'] },
  MountsResponse: { mounts: [1, 'Mount', 'repeated'] },
  Empty: {},
  Snapshots: {
    service: {
      View: ['ViewSnapshotRequest', 'MountsResponse', ''],
      Mounts: ['KeyRequest', 'MountsResponse', ''],
      Remove: ['KeyRequest', 'Empty', ''],
    },
  },
} as const

const SNAPSHOTTER = 'overlayfs'
const IN_NAMESPACE = { timeoutMs: 120_000, headers: { 'containerd-namespace': 'k8s.io' } }

interface Mounts {
  readonly mounts: readonly { readonly type: string; readonly source: string; readonly options: readonly string[] }[]
}

export interface ImageFiles {
  view(scope: Scope, chainId: string, key: string): Promise<FileView>
  drop(scope: Scope, key: string): Promise<void>
}

/** Views of images' files: snapshots that are kept (marked as roots of containerd's garbage collection) until they are dropped. */
export function containerdImages(channel: Channel): ImageFiles {
  const methods = methodsOf('containerd.services.snapshots.v1', SERVICE_TABLE)
  const call = async (scope: Scope, name: string, request: object): Promise<unknown> =>
    channel.unary(scope, methods.get(`Snapshots/${name}`), request, IN_NAMESPACE)
  const at = (key: string): object => ({ snapshotter: SNAPSHOTTER, key })
  const mountsOf = async (scope: Scope, key: string): Promise<Mounts> => (await call(scope, 'Mounts', at(key))) as Mounts
  return {
    async view(scope, chainId, key) {
      const labels = { 'containerd.io/gc.root': 'sampan' }
      const { mounts } = await mountsOf(scope, key).catch(async (error: unknown) => {
        if (!(error instanceof RuntimeError) || error.failure !== 'not-found') throw error
        return (await call(scope, 'View', { ...at(key), parent: chainId, labels })) as Mounts
      })
      const [mount] = mounts
      if (mount === undefined || mounts.length > 1) throw new RuntimeError('failed', `the image's files take ${mounts.length} mounts`)
      return { type: mount.type, source: mount.source, options: mount.options }
    },
    async drop(scope, key) {
      await call(scope, 'Remove', at(key)).catch((error: unknown) => {
        if (!(error instanceof RuntimeError) || error.failure !== 'not-found') throw error
      })
    },
  }
}
