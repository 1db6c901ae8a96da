import { UserError, messageOf, readJson } from '#base'
import { type KubeObject, decodeProtobuf, normalizeObject, openEnvelope, schemaOf } from '#api'
import { type Engine, TranslatedStore } from '#store'

const MAGIC = Buffer.from('k8s\0')
const NEWLINE = 0x0a
/** Which addresses and ports kube-apiserver has given out: of no kind that is served, and not read here. */
const RANGES = '/registry/ranges/'

/**
 * A store that kube-apiserver may have written too. Its protobuf is read by the field table of the built-in kinds, and its JSON, which
 * ends in a newline that ours never has, is brought into the order that the caches count on. Written is our JSON, which it reads.
 */
export function readingForeignValues(engine: Engine): Engine {
  return new TranslatedStore(engine, readForeignValue)
}

/** The same array when it is one of ours. Throws a `UserError` that names the key when it cannot be read. */
export function readForeignValue(key: string, value: Uint8Array): Uint8Array {
  if (value.length === 0 || key.startsWith(RANGES)) return value
  const isProtobuf = MAGIC.every((byte, at) => value[at] === byte)
  if (!isProtobuf && value.at(-1) !== NEWLINE) return value
  try {
    const object = isProtobuf ? fromProtobuf(value) : (readJson(value).value as KubeObject)
    return canonical(object)
  } catch (error) {
    throw new UserError(
      `the stored value of ${key} cannot be read: ${messageOf(error)}`,
      'let kube-apiserver write it anew with --storage-media-type=application/json, or remove it',
    )
  }
}

function fromProtobuf(value: Uint8Array): KubeObject {
  const { apiVersion, kind } = openEnvelope(value)
  const schema = schemaOfKind(apiVersion, kind)
  if (schema === undefined) throw new Error(`it is protobuf of ${apiVersion} ${kind}, which is not a kind that is known here`)
  return decodeProtobuf(schema, value).object
}

function canonical(object: KubeObject): Uint8Array {
  const { kind, apiVersion, metadata, ...rest } = object as KubeObject & Readonly<Record<string, unknown>>
  const schema = schemaOfKind(apiVersion ?? '', kind ?? '')
  const ordered = { kind, apiVersion, metadata, ...rest } as KubeObject
  return Buffer.from(JSON.stringify(schema === undefined ? ordered : normalizeObject(schema, ordered)))
}

function schemaOfKind(apiVersion: string, kind: string): ReturnType<typeof schemaOf> {
  const slash = apiVersion.indexOf('/')
  return slash === -1 ? schemaOf('', apiVersion, kind) : schemaOf(apiVersion.slice(0, slash), apiVersion.slice(slash + 1), kind)
}
