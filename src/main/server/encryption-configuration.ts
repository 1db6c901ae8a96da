import { UserError, messageOf, readYamlDocuments } from '#base'
import { builtInResources, parseDuration } from '#api'

/** Which values are kept how, before any cipher has been made: the first provider writes, all of them read. */
export interface EncryptionPlan {
  /** Keys under one of these prefixes, each ending in a slash. */
  readonly prefixes: readonly string[]
  readonly providers: readonly Provider[]
}

export type Provider =
  | { readonly kind: 'identity' }
  | { readonly kind: KeyKind; readonly name: string; readonly secret: Uint8Array }
  | { readonly kind: 'kms'; readonly name: string; readonly socketPath: string; readonly timeoutMs: number }
type KeyKind = 'aescbc' | 'aesgcm' | 'secretbox'

export const API_VERSION = 'apiserver.config.k8s.io/v1'
const AES_KEY_BYTES = [16, 24, 32]
const KEY_BYTES: Readonly<Record<KeyKind, readonly number[]>> = { aescbc: AES_KEY_BYTES, aesgcm: AES_KEY_BYTES, secretbox: [32] }
const KMS_FIELDS = new Set(['apiVersion', 'name', 'endpoint', 'timeout'])
const KMS_TIMEOUT = '3s'
const KMS_V1 = 'version v1 of the KMS API is not served any more by default, and not here: use apiVersion v2'

type Values = Readonly<Record<string, unknown>>
type Refuse = (what: string) => never

/** Reads an EncryptionConfiguration. Throws `UserError` that names what is wrong and where. */
export function parseEncryption(text: string, file: string): readonly EncryptionPlan[] {
  const refuse: Refuse = (what) => {
    throw new UserError(`${file}: ${what}`, 'see https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/')
  }
  const [document] = documentsOf(text, refuse)
  const config = (document ?? {}) as Values
  if (config['apiVersion'] !== API_VERSION || config['kind'] !== 'EncryptionConfiguration')
    refuse(`apiVersion must be ${API_VERSION} and kind EncryptionConfiguration`)
  const kmsNames = new Set<string>()
  return listOf(config['resources']).map((item, at) => {
    const path = `resources[${at}]`
    const resources = listOf(item['resources'] as unknown, true).map(String)
    const providers = listOf(item['providers']).flatMap((provider, index) =>
      providersOf(provider, `${path}.providers[${index}]`, kmsNames, refuse),
    )
    if (resources.length === 0) refuse(`${path}.resources: at least one is needed`)
    if (providers.length === 0) refuse(`${path}.providers: at least one is needed`)
    return { prefixes: resources.flatMap((resource) => prefixesOf(resource, `${path}.resources`, refuse)), providers }
  })
}

function documentsOf(text: string, refuse: Refuse): readonly unknown[] {
  try {
    return readYamlDocuments(text)
  } catch (error) {
    return refuse(messageOf(error))
  }
}

function listOf(value: unknown, texts?: true): readonly Values[]
function listOf(value: unknown, texts = false): readonly unknown[] {
  return Array.isArray(value) ? value.filter((item) => texts || (typeof item === 'object' && item !== null)) : []
}

function providersOf(provider: Values, path: string, kmsNames: Set<string>, refuse: Refuse): readonly Provider[] {
  const [kind, ...others] = Object.keys(provider)
  if (kind === undefined || others.length > 0) return refuse(`${path}: name one provider`)
  const options = (provider[kind] ?? {}) as Values
  switch (kind) {
    case 'identity':
      return [{ kind }]
    case 'aescbc':
    case 'aesgcm':
    case 'secretbox':
      return keysOf(kind, options, `${path}.${kind}.keys`, refuse)
    case 'kms':
      return [kmsOf(options, `${path}.kms`, kmsNames, refuse)]
    default:
      return refuse(`${path}: there is no provider ${kind}, only aesgcm, aescbc, secretbox, kms and identity`)
  }
}

function keysOf(kind: KeyKind, options: Values, path: string, refuse: Refuse): readonly Provider[] {
  const keys = listOf(options['keys'])
  if (keys.length === 0) refuse(`${path}: at least one is needed`)
  return keys.map(({ name, secret }, at) => {
    if (typeof name !== 'string' || name === '' || name.includes(':')) return refuse(`${path}[${at}].name: a text without ":"`)
    const bytes = Buffer.from(typeof secret === 'string' ? secret : '', 'base64')
    const lengths = KEY_BYTES[kind]
    if (!lengths.includes(bytes.length)) return refuse(`${path}[${at}].secret: ${lengths.join(' or ')} bytes in base64`)
    return { kind, name, secret: bytes }
  })
}

function kmsOf(options: Values, path: string, names: Set<string>, refuse: Refuse): Provider {
  const { name, endpoint, apiVersion = 'v1', timeout = KMS_TIMEOUT } = options
  if (apiVersion === 'v1') refuse(`${path}.apiVersion: ${KMS_V1}`)
  if (apiVersion !== 'v2') refuse(`${path}.apiVersion: unsupported apiVersion ${String(apiVersion)} for KMS provider, use v2`)
  const unknown = Object.keys(options).find((field) => !KMS_FIELDS.has(field))
  if (unknown !== undefined) refuse(`${path}.${unknown}: ${unknown === 'cachesize' ? 'cachesize is not supported in v2' : 'unknown field'}`)
  if (typeof name !== 'string' || name === '' || name.includes(':')) return refuse(`${path}.name: a text without ":"`)
  if (names.has(name)) refuse(`${path}.name: duplicate KMS provider name ${name}, names must be unique`)
  names.add(name)
  const socketPath = typeof endpoint === 'string' ? /^unix:(?:\/\/)?(\/.+)$/.exec(endpoint)?.[1] : undefined
  if (socketPath === undefined) return refuse(`${path}.endpoint: the path of a unix socket is needed, as in unix:///run/kms.sock`)
  const timeoutMs = typeof timeout === 'string' ? parseDuration(timeout) : 'a duration is needed, as in 3s'
  if (typeof timeoutMs === 'string') return refuse(`${path}.timeout: ${timeoutMs}`)
  if (timeoutMs <= 0) refuse(`${path}.timeout: timeout should be a positive value`)
  // An at sign stands for a name that lies in no folder.
  return { kind: 'kms', name, socketPath: socketPath.startsWith('/@') ? socketPath.slice(1) : socketPath, timeoutMs }
}

/** `secrets`, `widgets.example.com`, `*.apps`, `*.` for all core kinds, `*.*` for everything. */
function prefixesOf(resource: string, path: string, refuse: Refuse): readonly string[] {
  if (resource === '*.*') return ['/registry/']
  const dot = resource.indexOf('.')
  const [plural, group] = dot === -1 ? [resource, ''] : [resource.slice(0, dot), resource.slice(dot + 1)]
  const stored = builtInResources().flatMap((one) =>
    one.storage !== undefined && one.group === group && (plural === '*' || one.plural === plural) ? [`${one.storage.prefix}/`] : [],
  )
  if (stored.length > 0) return [...new Set(stored)]
  if (group === '') return refuse(`${path}: there is no resource ${resource}`)
  return [plural === '*' ? `/registry/${group}/` : `/registry/${group}/${plural}/`]
}
