import { type KubeObject, apiVersionOf, builtInSchema, encodeProtobuf, metaSchema } from '#api'
import type { View } from '../registry/view.ts'
import type { Shape } from '../watchcache/frames.ts'
import { bookmarkObject, convert } from './shapes.ts'
import { partialBytes } from './table.ts'

/** How watches show the objects of a view in protobuf: frames of a four-byte length and a `WatchEvent`. */
export function protobufShape(view: View): Shape {
  const { resource } = view
  const encode = (object: KubeObject): Uint8Array =>
    encodeProtobuf(resource.schema, { ...object, kind: resource.kind, apiVersion: apiVersionOf(resource) })
  return {
    id: `protobuf/${resource.group}/${resource.version}`,
    event: (type, entry, bytes) => frame(type, encode(convert(view, entry, bytes))),
    prepare: (scope, entry) => view.prepare(scope, [entry]),
    bookmark: (revision, end) => frame('BOOKMARK', encode(bookmarkObject(resource, revision, end))),
    error: errorFrame,
  }
}

/** Metadata on its own, of any kind. */
export function protobufPartialShape(view: View, version: string): Shape {
  const schema = metaSchema('PartialObjectMetadata')
  const encode = (bytes: Buffer): Uint8Array => encodeProtobuf(schema, JSON.parse(bytes.toString()) as KubeObject)
  return {
    id: `protobuf/partial/${version}`,
    event: (type, _entry, bytes) => frame(type, encode(partialBytes(view.resource, bytes, version))),
    bookmark: (revision, end) => {
      const { metadata } = bookmarkObject(view.resource, revision, end)
      return frame(
        'BOOKMARK',
        encodeProtobuf(schema, {
          kind: 'PartialObjectMetadata',
          apiVersion: `meta.k8s.io/${version}`,
          ...(metadata === undefined ? {} : { metadata }),
        }),
      )
    },
    error: errorFrame,
  }
}

const errorFrame = (status: unknown): Buffer => frame('ERROR', encodeProtobuf(builtInSchema('', 'v1', 'Status'), status as KubeObject))

/** `WatchEvent { type = 1, object = 2 { raw = 1 } }` behind its length. */
function frame(type: string, object: Uint8Array): Buffer {
  const raw = field(1, object)
  const event = Buffer.concat([field(1, Buffer.from(type)), field(2, raw)])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(event.length)
  return Buffer.concat([length, event])
}

const BYTES = 2

function field(number: number, bytes: Uint8Array): Buffer {
  const head = [(number << 3) | BYTES]
  let left = bytes.length
  for (; left > 0x7f; left >>>= 7) head.push((left & 0x7f) | 0x80)
  head.push(left)
  return Buffer.concat([Buffer.from(head), bytes])
}
