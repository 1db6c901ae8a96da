import { join } from 'node:path'
import { type Scope, UserError, messageOf, readFileIfThere, readYamlDocuments, writePrivateFile, writeYaml } from '#base'
import { builtInResources } from '#api'
import { type Cipher, type Engine, EncryptedStore, type EncryptionRule, IDENTITY, aesCbc, aesGcm } from '#store'

const FILE = 'encryption.yaml'
const KEY_BYTES = 32

/**
 * The store with its Secrets encrypted: by the keys of the file that is named, else by one that is made at the first start and lies
 * beside the database, readable for its owner alone.
 */
export async function withEncryption(
  scope: Scope,
  engine: Engine,
  options: { readonly stateDir: string; readonly file: string | undefined },
): Promise<Engine> {
  const file = options.file ?? join(options.stateDir, FILE)
  let text = readFileIfThere(file)
  if (text === undefined) {
    if (options.file !== undefined)
      throw new UserError(`the encryption configuration ${file} cannot be read`, 'give --encryption-provider-config an existing file')
    text = newConfiguration(scope)
    writePrivateFile(scope.random, file, text)
  }
  const store = new EncryptedStore(engine, parseEncryption(scope, text, file))
  const renewed = await store.renew(scope)
  if (renewed > 0) scope.log.info('stored values have been encrypted anew', { values: renewed })
  return store
}

function newConfiguration(scope: Scope): string {
  const secret = Buffer.from(scope.random.bytes(KEY_BYTES)).toString('base64')
  return writeYaml({
    apiVersion: API_VERSION,
    kind: 'EncryptionConfiguration',
    resources: [{ resources: ['secrets'], providers: [{ aesgcm: { keys: [{ name: 'key1', secret }] } }, { identity: {} }] }],
  })
}

const API_VERSION = 'apiserver.config.k8s.io/v1'
type Values = Readonly<Record<string, unknown>>

/** Reads an EncryptionConfiguration. Throws `UserError` that names what is wrong and where. */
export function parseEncryption(scope: Scope, text: string, file: string): EncryptionRule[] {
  const refuse = (what: string): never => {
    throw new UserError(`${file}: ${what}`, 'see https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/')
  }
  const [document] = documentsOf(text, refuse)
  const config = (document ?? {}) as Values
  if (config['apiVersion'] !== API_VERSION || config['kind'] !== 'EncryptionConfiguration')
    refuse(`apiVersion must be ${API_VERSION} and kind EncryptionConfiguration`)
  return listOf(config['resources']).map((item, at) => {
    const path = `resources[${at}]`
    const resources = listOf(item['resources'] as unknown, true).map(String)
    const [first, ...more] = listOf(item['providers']).flatMap((provider, index) =>
      ciphersOf(scope, provider, `${path}.providers[${index}]`, refuse),
    )
    if (resources.length === 0) refuse(`${path}.resources: at least one is needed`)
    if (first === undefined) return refuse(`${path}.providers: at least one is needed`)
    return { prefixes: resources.flatMap((resource) => prefixesOf(resource, `${path}.resources`, refuse)), ciphers: [first, ...more] }
  })
}

function documentsOf(text: string, refuse: (what: string) => never): readonly unknown[] {
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

function ciphersOf(scope: Scope, provider: Values, path: string, refuse: (what: string) => never): readonly Cipher[] {
  const [kind, ...others] = Object.keys(provider)
  if (kind === undefined || others.length > 0) return refuse(`${path}: name one provider`)
  if (kind === 'identity') return [IDENTITY]
  if (kind !== 'aesgcm' && kind !== 'aescbc') return refuse(`${path}: ${kind} is not supported here, use aesgcm, aescbc or identity`)
  const make = kind === 'aesgcm' ? aesGcm : aesCbc
  const keys = listOf((provider[kind] as Values | null)?.['keys'])
  if (keys.length === 0) refuse(`${path}.${kind}.keys: at least one is needed`)
  return keys.map(({ name, secret }, at) => {
    if (typeof name !== 'string' || name === '' || name.includes(':')) return refuse(`${path}.${kind}.keys[${at}].name: a text without ":"`)
    const bytes = Buffer.from(typeof secret === 'string' ? secret : '', 'base64')
    if (![16, 24, 32].includes(bytes.length)) return refuse(`${path}.${kind}.keys[${at}].secret: 16, 24 or 32 bytes in base64`)
    return make({ name, secret: bytes }, (count) => scope.random.bytes(count))
  })
}

/** `secrets`, `widgets.example.com`, `*.apps`, `*.` for all core kinds, `*.*` for everything. */
function prefixesOf(resource: string, path: string, refuse: (what: string) => never): readonly string[] {
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
