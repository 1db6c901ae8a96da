import { SampanError } from '#base'
import { type FilesystemType, isFilesystemType } from './filesystems.ts'

/** Why a volume or a snapshot cannot be what was asked for. */
export type VolumeRefusal = 'no-room' | 'invalid' | 'not-found' | 'in-use' | 'exists'

export class VolumeRefused extends SampanError {
  readonly code = 'VOLUME_REFUSED'
  readonly refusal: VolumeRefusal
  constructor(refusal: VolumeRefusal, message: string) {
    super(message)
    this.refusal = refusal
  }
}

/** `image`: a file of the volume's size, shown as a block device. `directory`: a folder, which nothing keeps from growing. */
export type VolumeKind = 'image' | 'directory'

/** What is asked of the node. */
export interface VolumeWish {
  readonly sizeBytes: number
  readonly kind: VolumeKind
  /** Pods see the device itself. */
  readonly block: boolean
  /** Of images without `block`; absent: what the node likes best. */
  readonly fsType?: FilesystemType
  readonly source?: { readonly volume: string } | { readonly snapshot: string }
  /** Who wants it: kept for those who look after volumes that nobody knows any more. */
  readonly owner: VolumeOwner
}
export interface VolumeOwner {
  readonly namespace: string
  readonly name: string
  readonly uid: string
}

/** What lies beside the data. */
export interface VolumeRecord extends Omit<VolumeWish, 'source'> {
  readonly id: string
  /** Its PersistentVolume is there: from then on it goes only when it is told to. */
  readonly kept: boolean
  /** How much of the image its file system has; another number than the size: it is to be grown when it is mounted next. */
  readonly filesystemBytes?: number
}

export interface SnapshotRecord {
  readonly id: string
  readonly volume: string
  readonly sizeBytes: number
  readonly block: boolean
  readonly fsType?: FilesystemType
  readonly filesystemBytes?: number
  readonly madeAtMs: number
}

const LARGEST_BYTES = 2 ** 50

export const isVolumeId = (id: string): boolean => /^[a-z0-9][a-z0-9-]{0,99}$/.test(id)

/** Reads what a caller of the node's API has sent. Throws `VolumeRefused`. */
export function readWish(body: unknown): VolumeWish {
  const invalid = (what: string): never => {
    throw new VolumeRefused('invalid', what)
  }
  if (typeof body !== 'object' || body === null) return invalid('a volume is described by a JSON object')
  const { sizeBytes, kind, block = false, fsType, source, owner } = body as Readonly<Record<string, unknown>>
  if (kind !== 'image' && kind !== 'directory') return invalid('kind is image or directory')
  if (typeof block !== 'boolean') return invalid('block is true or false')
  if (kind === 'directory' && block) return invalid('a directory cannot be a block device')
  if (fsType !== undefined && (typeof fsType !== 'string' || !isFilesystemType(fsType))) return invalid('fsType is ext4 or xfs')
  return {
    sizeBytes: readSize(sizeBytes),
    kind,
    block,
    ...(fsType === undefined ? {} : { fsType }),
    ...(source === undefined ? {} : { source: readSource(source) }),
    owner: readOwner(owner),
  }
}

export function readSize(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= LARGEST_BYTES) return value
  throw new VolumeRefused('invalid', 'sizeBytes is a whole number of bytes, at most 1 PiB')
}

function readSource(value: unknown): NonNullable<VolumeWish['source']> {
  const { volume, snapshot } = (value ?? {}) as { readonly volume?: unknown; readonly snapshot?: unknown }
  if (typeof volume === 'string' && isVolumeId(volume) && snapshot === undefined) return { volume }
  if (typeof snapshot === 'string' && isVolumeId(snapshot) && volume === undefined) return { snapshot }
  throw new VolumeRefused('invalid', 'source names a volume or a snapshot')
}

function readOwner(value: unknown): VolumeOwner {
  const { namespace, name, uid } = (value ?? {}) as Readonly<Record<string, unknown>>
  if (typeof namespace === 'string' && typeof name === 'string' && typeof uid === 'string') return { namespace, name, uid }
  throw new VolumeRefused('invalid', 'owner has namespace, name and uid')
}
