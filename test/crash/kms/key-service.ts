import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http2'
import { Code, ConnectError, type ConnectRouter, type ServiceImpl } from '@connectrpc/connect'
import { connectNodeAdapter } from '@connectrpc/connect-node'
import { type DescService, create, createFileRegistry } from '@bufbuild/protobuf'
import {
  type DescriptorProto,
  DescriptorProtoSchema,
  FieldDescriptorProtoSchema,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
  MethodDescriptorProtoSchema,
  ServiceDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt'

/**
 * A key service of its own process, spoken to as the KMS v2 API says (k8s.io/kms/apis/v2), with a gRPC library that the server does not use for it.
 *   node key-service.ts SOCKET KEYS     KEYS: a file with the names of the keys that there are, a line each; the last one is written with
 */
const [socket = '', keysFile = ''] = process.argv.slice(2)
const PACKAGE = 'v2'
const ANNOTATION = 'made-by.example.com'
const { BYTES, STRING, MESSAGE } = FieldDescriptorProto_Type

const field = (name: string, number: number, type: FieldDescriptorProto_Type, typeName = ''): ReturnType<typeof optional> =>
  optional(name, number, type, typeName, FieldDescriptorProto_Label.OPTIONAL)
function optional(name: string, number: number, type: FieldDescriptorProto_Type, typeName: string, label: FieldDescriptorProto_Label) {
  return create(FieldDescriptorProtoSchema, { name, number, type, label, ...(typeName === '' ? {} : { typeName }) })
}
const message = (name: string, ...fields: ReturnType<typeof optional>[]): DescriptorProto =>
  create(DescriptorProtoSchema, { name, field: fields })

/** `map<string, bytes> annotations` is a list of entries to protobuf. */
function withAnnotations(of: DescriptorProto, number: number): DescriptorProto {
  const entry = message('AnnotationsEntry', field('key', 1, STRING), field('value', 2, BYTES))
  entry.options = { mapEntry: true } as NonNullable<DescriptorProto['options']>
  of.nestedType.push(entry)
  of.field.push(optional('annotations', number, MESSAGE, `.${PACKAGE}.${of.name}.AnnotationsEntry`, FieldDescriptorProto_Label.REPEATED))
  return of
}

function keyManagement(): DescService {
  const method = (name: string): ReturnType<typeof create<typeof MethodDescriptorProtoSchema>> =>
    create(MethodDescriptorProtoSchema, { name, inputType: `.${PACKAGE}.${name}Request`, outputType: `.${PACKAGE}.${name}Response` })
  const file = create(FileDescriptorProtoSchema, {
    name: 'kms.proto',
    package: PACKAGE,
    syntax: 'proto3',
    messageType: [
      message('StatusRequest'),
      message('StatusResponse', field('version', 1, STRING), field('healthz', 2, STRING), field('key_id', 3, STRING)),
      withAnnotations(message('DecryptRequest', field('ciphertext', 1, BYTES), field('uid', 2, STRING), field('key_id', 3, STRING)), 4),
      message('DecryptResponse', field('plaintext', 1, BYTES)),
      message('EncryptRequest', field('plaintext', 1, BYTES), field('uid', 2, STRING)),
      withAnnotations(message('EncryptResponse', field('ciphertext', 1, BYTES), field('key_id', 2, STRING)), 3),
    ],
    service: [create(ServiceDescriptorProtoSchema, { name: 'KeyManagementService', method: ['Status', 'Decrypt', 'Encrypt'].map(method) })],
  })
  const service = createFileRegistry(file, () => undefined).getService(`${PACKAGE}.KeyManagementService`)
  if (service === undefined) throw new Error('the service is not described')
  return service
}

const keys = (): readonly string[] =>
  readFileSync(keysFile, 'utf8')
    .split('\n')
    .filter((name) => name !== '')
const secretOf = (name: string): Uint8Array => createHash('sha256').update(`secret of ${name}`).digest()

function seal(name: string, plain: Uint8Array): Uint8Array {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', secretOf(name), nonce)
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

function open(name: string, sealed: Uint8Array): Uint8Array {
  const cipher = createDecipheriv('aes-256-gcm', secretOf(name), sealed.subarray(0, 12)).setAuthTag(sealed.subarray(-16))
  return Buffer.concat([cipher.update(sealed.subarray(12, -16)), cipher.final()])
}

interface Asked {
  readonly ciphertext: Uint8Array
  readonly plaintext: Uint8Array
  readonly keyId: string
  readonly annotations: Readonly<Record<string, Uint8Array>>
}

function serve(router: ConnectRouter): void {
  const current = (): string => keys().at(-1) ?? ''
  const methods: Record<string, (asked: unknown) => object> = {
    status: () => ({ version: 'v2', healthz: 'ok', keyId: current() }),
    encrypt: (asked: unknown) => ({
      ciphertext: seal(current(), (asked as Asked).plaintext),
      keyId: current(),
      annotations: { [ANNOTATION]: Buffer.from('test') },
    }),
    decrypt(asked: unknown) {
      const { ciphertext, keyId, annotations } = asked as Asked
      if (!keys().includes(keyId)) throw new ConnectError(`there is no key ${keyId}`, Code.NotFound)
      if (Buffer.from(annotations[ANNOTATION] ?? []).toString() !== 'test')
        throw new ConnectError('not of this service', Code.InvalidArgument)
      return { plaintext: open(keyId, ciphertext) }
    },
  }
  router.service(keyManagement(), methods as ServiceImpl<DescService>)
}

if (existsSync(socket)) rmSync(socket)
createServer(connectNodeAdapter({ routes: serve })).listen(socket)
