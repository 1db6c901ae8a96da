import type { Scope } from '#base'
import type { core } from '#api'
import { podField, resourceField } from '../containers/downward.ts'
import type { ObjectSource } from '../objects.ts'
import type { NodeSettings } from '../settings.ts'

export interface PayloadFile {
  readonly data: Uint8Array
  readonly mode: number
  /** Its owner, where that is not root. */
  readonly uid?: number
}
/** Path below the volume → file. */
export type Payload = ReadonlyMap<string, PayloadFile>

export interface PayloadContext {
  readonly pod: core.Pod
  readonly podIps: readonly string[]
  readonly objects: ObjectSource
  readonly settings: NodeSettings
  /** Told when something in the payload has to be written anew by then. */
  readonly renewBy: (atMs: number) => void
}

const DEFAULT_MODE = 0o644
const PRIVATE_MODE = 0o600

/** The files of a configMap, secret, downwardAPI or projected volume. Throws an Error whose message says what is missing. */
export async function payloadOf(scope: Scope, context: PayloadContext, volume: core.Volume): Promise<Payload> {
  const files = new Map<string, PayloadFile>()
  const { configMap, secret, downwardAPI, projected } = volume
  if (configMap !== undefined) await addConfigMap(scope, context, files, configMap, configMap.defaultMode)
  if (secret !== undefined) await addSecret(scope, context, files, { ...secret, name: secret.secretName }, secret.defaultMode)
  if (downwardAPI !== undefined) addDownward(context, files, downwardAPI.items, downwardAPI.defaultMode)
  for (const source of projected?.sources ?? []) await addProjection(scope, context, files, source, projected?.defaultMode)
  for (const path of files.keys()) {
    if (path.startsWith('/') || path.split('/').some((part) => part === '..' || part === ''))
      throw new Error(`the path ${JSON.stringify(path)} leaves the volume`)
  }
  return files
}

async function addProjection(
  scope: Scope,
  context: PayloadContext,
  files: Map<string, PayloadFile>,
  source: core.VolumeProjection,
  mode: number | undefined,
): Promise<void> {
  const { serviceAccountToken: wanted } = source
  if (source.configMap !== undefined) return addConfigMap(scope, context, files, source.configMap, mode)
  if (source.secret !== undefined) return addSecret(scope, context, files, source.secret, mode)
  if (source.downwardAPI !== undefined) return addDownward(context, files, source.downwardAPI.items, mode)
  if (wanted !== undefined) {
    const { token, renewAtMs } = await context.objects.serviceAccountToken(
      scope,
      context.pod,
      wanted.audience,
      wanted.expirationSeconds ?? 3600,
    )
    context.renewBy(renewAtMs)
    const uid = commonUser(context.pod)
    const isPrivate = uid !== undefined || context.pod.spec?.securityContext?.fsGroup !== undefined
    files.set(wanted.path, {
      data: Buffer.from(token),
      mode: isPrivate ? PRIVATE_MODE : (mode ?? DEFAULT_MODE),
      ...(uid === undefined ? {} : { uid }),
    })
    return
  }
  throw new Error(`projected volume source ${Object.keys(source).join(', ')} is not supported by this node`)
}

interface ObjectProjection {
  readonly name?: string | undefined
  readonly items?: core.KeyToPath[] | undefined
  readonly optional?: boolean | undefined
}

async function addConfigMap(
  scope: Scope,
  { pod, objects }: PayloadContext,
  files: Map<string, PayloadFile>,
  { name = '', items, optional }: ObjectProjection,
  mode: number | undefined,
): Promise<void> {
  const found = await objects.configMap(scope, pod, name)
  if (found === undefined) {
    if (optional === true) return
    throw new Error(`configmap "${name}" not found`)
  }
  const data = new Map<string, Uint8Array>()
  for (const [key, value] of Object.entries(found.data ?? {})) data.set(key, Buffer.from(value))
  for (const [key, value] of Object.entries(found.binaryData ?? {})) data.set(key, Buffer.from(value, 'base64'))
  addKeys(files, data, items, optional, mode, 'configmap')
}

async function addSecret(
  scope: Scope,
  { pod, objects }: PayloadContext,
  files: Map<string, PayloadFile>,
  { name = '', items, optional }: ObjectProjection,
  mode: number | undefined,
): Promise<void> {
  const found = await objects.secret(scope, pod, name)
  if (found === undefined) {
    if (optional === true) return
    throw new Error(`secret "${name}" not found`)
  }
  addKeys(
    files,
    new Map(Object.entries(found.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64')])),
    items,
    optional,
    mode,
    'secret',
  )
}

function addKeys(
  files: Map<string, PayloadFile>,
  data: ReadonlyMap<string, Uint8Array>,
  items: readonly core.KeyToPath[] | undefined,
  optional: boolean | undefined,
  mode: number | undefined,
  kind: string,
): void {
  if (items === undefined || items.length === 0) {
    for (const [key, bytes] of data) files.set(key, { data: bytes, mode: mode ?? DEFAULT_MODE })
    return
  }
  for (const item of items) {
    const bytes = data.get(item.key)
    if (bytes === undefined) {
      if (optional === true) continue
      throw new Error(
        kind === 'secret' ? `references non-existent secret key: ${item.key}` : `configmap references non-existent config key: ${item.key}`,
      )
    }
    files.set(item.path, { data: bytes, mode: item.mode ?? mode ?? DEFAULT_MODE })
  }
}

function addDownward(
  { pod, podIps, settings }: PayloadContext,
  files: Map<string, PayloadFile>,
  items: readonly core.DownwardAPIVolumeFile[] | null | undefined,
  mode: number | undefined,
): void {
  for (const { path, fieldRef, resourceFieldRef, mode: own } of items ?? []) {
    const value =
      fieldRef !== undefined
        ? podField(pod, fieldRef.fieldPath, { nodeIps: settings.nodeIps, podIps })
        : resourceFieldRef === undefined
          ? undefined
          : resourceField(pod, resourceFieldRef, undefined, settings)
    if (value === undefined) throw new Error(`unsupported field ${fieldRef?.fieldPath ?? resourceFieldRef?.resource ?? ''}`)
    files.set(path, { data: Buffer.from(value), mode: own ?? mode ?? DEFAULT_MODE })
  }
}

/** The user that all containers run as, when the pod says so of each. */
function commonUser(pod: core.Pod): number | undefined {
  const shared = pod.spec?.securityContext?.runAsUser
  const users = new Set(
    [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].map(
      (container) => container.securityContext?.runAsUser ?? shared,
    ),
  )
  return users.size === 1 ? [...users][0] : undefined
}
