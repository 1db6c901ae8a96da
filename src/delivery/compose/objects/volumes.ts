import type { core } from '#api'
import { type Dict, type Value, childDict, isDict } from '#compose'
import { dictsOf, type Findings, isTrue, objectName, textOf, textsOf } from '../reader.ts'

export interface Mounts {
  readonly volumes: core.Volume[]
  readonly mounts: core.VolumeMount[]
  /** Names of the claims that are mounted. */
  readonly claims: string[]
}

export interface MountContext {
  readonly model: Dict
  readonly findings: Findings
  /** Whether there is a file at a path of this machine. */
  isFile(path: string): boolean
}

/** What a service mounts: named volumes, folders of the node, memory, configs and secrets. */
export function mountsOf(name: string, service: Dict, context: MountContext): Mounts {
  const made: Mounts = { volumes: [], mounts: [], claims: [] }
  const add = (volume: Omit<core.Volume, 'name'>, mount: Omit<core.VolumeMount, 'name'>): void => {
    const id = `v${made.volumes.length}`
    made.volumes.push({ name: id, ...volume })
    made.mounts.push({ name: id, ...mount })
  }
  for (const [at, volume] of dictsOf(service['volumes']).entries()) addVolume(volume, ['services', name, 'volumes', `[${at}]`])
  for (const path of textsOf(service['tmpfs'])) addMemory(path)
  const shared = textOf(service['shm_size'])
  if (shared !== undefined) add({ emptyDir: { medium: 'Memory', sizeLimit: shared } }, { mountPath: '/dev/shm' })
  for (const kind of ['configs', 'secrets'] as const) for (const file of dictsOf(service[kind])) addFile(kind, file)
  return made

  function addVolume(volume: Dict, path: readonly string[]): void {
    const target = textOf(volume['target']) ?? ''
    const mount = { mountPath: target, ...(isTrue(volume['read_only']) ? { readOnly: true } : {}) }
    const source = textOf(volume['source'])
    if (!target.startsWith('/')) return context.findings.refuse(path, `mounts need an absolute path in the container: ${target}`)
    switch (volume['type']) {
      case 'volume':
        if (source === undefined) return add({ emptyDir: {} }, mount)
        return addClaim(source, volume, mount, path)
      case 'bind':
        return addBind(source ?? '', volume, mount, path)
      case 'tmpfs': {
        const size = textOf(childDict(volume, 'tmpfs')['size'])
        return add({ emptyDir: { medium: 'Memory', ...(size === undefined ? {} : { sizeLimit: size }) } }, mount)
      }
      case 'image':
        return add({ image: { reference: source ?? '' } }, { ...mount, ...subPath(childDict(volume, 'image')) })
      default:
        return context.findings.refuse(path, `mounts of type ${String(volume['type'])} are not there`)
    }
  }

  function addClaim(source: string, volume: Dict, mount: Omit<core.VolumeMount, 'name'>, path: readonly string[]): void {
    const claimName = objectName(source)
    if (claimName === undefined) return context.findings.refuse(path, `no name for a claim: ${source}`)
    made.claims.push(claimName)
    add({ persistentVolumeClaim: { claimName } }, { ...mount, ...subPath(childDict(volume, 'volume')) })
  }

  function addBind(source: string, volume: Dict, mount: Omit<core.VolumeMount, 'name'>, path: readonly string[]): void {
    if (!source.startsWith('/')) return context.findings.refuse(path, `not a path of a Linux node: ${source}`)
    const propagation = textOf(childDict(volume, 'bind')['propagation'])
    const known = propagation === undefined ? undefined : PROPAGATIONS[propagation]
    if (propagation !== undefined && known === undefined)
      context.findings.refuse(path, `mount propagation ${propagation} is not one of the kubelet's`)
    context.findings.note(path, `${source} is the path on whichever node the container runs`)
    const type = context.isFile(source) ? 'File' : isTrue(childDict(volume, 'bind')['create_host_path']) ? 'DirectoryOrCreate' : ''
    add({ hostPath: { path: source, type } }, { ...mount, ...(known === undefined ? {} : { mountPropagation: known }) })
  }

  function addMemory(spec: string): void {
    const [mountPath = '', options = ''] = spec.split(':')
    const size = /(?:^|,)size=(\d+[kmg]?)/i.exec(options)?.[1]
    add(
      {
        emptyDir: {
          medium: 'Memory',
          ...(size === undefined ? {} : { sizeLimit: size.replace(/[kmg]$/i, (unit) => `${unit.toUpperCase()}i`) }),
        },
      },
      { mountPath },
    )
  }

  function addFile(kind: 'configs' | 'secrets', file: Dict): void {
    const source = textOf(file['source']) ?? ''
    const definition = childDict(childDict(context.model, kind), source)
    const object = fileObjectName(definition, source)
    const key = isTrue(definition['external']) ? undefined : fileKey(source)
    const target = textOf(file['target']) ?? source
    const mountPath = target.startsWith('/') ? target : kind === 'secrets' ? `/run/secrets/${target}` : `/${target}`
    const mode = textOf(file['mode'])
    const items = [{ key: key ?? source, path: 'file', ...(mode === undefined ? {} : { mode: Number.parseInt(mode, 8) }) }]
    if (file['uid'] !== undefined || file['gid'] !== undefined)
      context.findings.refuse(['services', name, kind], `${source}: files of ${kind} belong to root: use \`mode\``)
    add(kind === 'configs' ? { configMap: { name: object, items } } : { secret: { secretName: object, items } }, {
      mountPath,
      subPath: 'file',
      readOnly: true,
    })
  }
}

const PROPAGATIONS: Readonly<Record<string, string>> = {
  rslave: 'HostToContainer',
  rshared: 'Bidirectional',
  rprivate: 'None',
  private: 'None',
}

const subPath = (options: Dict): { readonly subPath?: string } => {
  const path = textOf(options['subpath'])
  return path === undefined ? {} : { subPath: path }
}

export function fileObjectName(definition: Dict, source: string): string {
  return objectName(isTrue(definition['external']) ? (textOf(definition['name']) ?? source) : source) ?? source
}

/** The key in a ConfigMap or Secret under which the file lies. */
export const fileKey = (source: string): string => source.replaceAll(/[^-._a-zA-Z0-9]/g, '-')

/** Claims for the named volumes that services mount. External ones are there already. */
export function claimOf(
  name: string,
  definition: Value | undefined,
  isShared: boolean,
  findings: Findings,
): core.PersistentVolumeClaim | undefined {
  const given = isDict(definition) ? definition : undefined
  if (given !== undefined && isTrue(given['external'])) return undefined
  const driver = given === undefined ? undefined : textOf(given['driver'])
  if (driver !== undefined && driver !== 'local')
    findings.refuse(['volumes', name], `driver ${driver}: name a storage class by the label io.kubernetes.storage-class`)
  const options = given === undefined ? {} : childDict(given, 'driver_opts')
  if (Object.keys(options).length > 0)
    findings.refuse(['volumes', name], 'driver_opts: make a PersistentVolume for it, and the volume external')
  const labels = given === undefined ? {} : childDict(given, 'labels')
  const storageClassName = textOf((labels as Dict)['io.kubernetes.storage-class'])
  const size = textOf((labels as Dict)['io.kubernetes.storage-size']) ?? DEFAULT_SIZE
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: objectName(name) ?? name },
    spec: {
      accessModes: [isShared ? 'ReadWriteMany' : 'ReadWriteOnce'],
      resources: { requests: { storage: size } },
      ...(storageClassName === undefined ? {} : { storageClassName }),
    },
  }
}

/** Compose volumes have no size; a claim has to. */
const DEFAULT_SIZE = '1Gi'
