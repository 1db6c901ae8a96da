import { createCipheriv, createDecipheriv, createHash } from 'node:crypto'
import { type Http2Server, type ServerHttp2Session, type ServerHttp2Stream, createServer } from 'node:http2'
import { FrameReader, frame } from '#base/grpc'
import { bytes, fields, message, readAnnotation, text, writeAnnotations } from './plugin.ts'

/** A key service of version 2 as somebody else would write it: a process of its own in life, with keys that are made of their names. */
export interface FakePlugin {
  /** The key that it writes with. */
  keyId: string
  healthz: string
  version: string
  /** Refuses everything while it is set. */
  refuses: boolean
  readonly calls: Record<'Status' | 'Encrypt' | 'Decrypt', number>
  close(): Promise<void>
}

const ANNOTATION = 'version.encryption.example.com'

export async function startPlugin(socketPath: string): Promise<FakePlugin> {
  const server: Http2Server = createServer()
  const sessions = new Set<ServerHttp2Session>()
  const plugin: FakePlugin = {
    keyId: 'key-1',
    healthz: 'ok',
    version: 'v2',
    refuses: false,
    calls: { Status: 0, Encrypt: 0, Decrypt: 0 },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const session of sessions) session.destroy()
      }),
  }
  server.on('session', (session) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session)).on('error', () => undefined)
  })
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    const reader = new FrameReader(2 ** 20)
    stream.on('error', () => undefined)
    stream.on('data', (chunk: Buffer) => {
      for (const request of reader.push(chunk)) {
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
        let status = plugin.refuses ? '14' : '0'
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status, ...(status === '0' ? {} : { 'grpc-message': 'no' }) }))
        try {
          const answer = plugin.refuses ? undefined : answerTo(plugin, String(headers[':path']), request)
          stream.end(answer === undefined ? undefined : frame(answer))
        } catch {
          status = '3'
          stream.end()
        }
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(socketPath, resolve))
  return plugin
}

function answerTo(plugin: FakePlugin, path: string, request: Uint8Array): Uint8Array {
  const parts: Record<number, Uint8Array> = {}
  const annotations: Record<string, Uint8Array> = {}
  fields(request, (field, from) => {
    if (field === 4) readAnnotation(from.message(), annotations)
    else parts[field] = from.bytes()
    return true
  })
  switch (path) {
    case '/v2.KeyManagementService/Status':
      plugin.calls.Status++
      return message((to) => {
        text(to, 3, plugin.keyId)
        text(to, 2, plugin.healthz)
        text(to, 1, plugin.version)
      })
    case '/v2.KeyManagementService/Encrypt':
      plugin.calls.Encrypt++
      return message((to) => {
        writeAnnotations(to, 3, { [ANNOTATION]: Buffer.from('1') })
        text(to, 2, plugin.keyId)
        bytes(to, 1, sealed(plugin.keyId, parts[1] ?? new Uint8Array(0)))
      })
    case '/v2.KeyManagementService/Decrypt': {
      plugin.calls.Decrypt++
      if (Buffer.from(annotations[ANNOTATION] ?? []).toString() !== '1') throw new Error('the annotation is missing')
      const secret = opened(Buffer.from(parts[3] ?? []).toString(), parts[1] ?? new Uint8Array(0))
      return message((to) => bytes(to, 1, secret))
    }
    default:
      throw new Error(`no method ${path}`)
  }
}

const keyOf = (keyId: string): Uint8Array => createHash('sha256').update(`key of ${keyId}`).digest()
const nonce = new Uint8Array(12)

function sealed(keyId: string, secret: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', keyOf(keyId), nonce)
  return Buffer.concat([cipher.update(secret), cipher.final(), cipher.getAuthTag()])
}
function opened(keyId: string, bytesOf: Uint8Array): Uint8Array {
  const cipher = createDecipheriv('aes-256-gcm', keyOf(keyId), nonce)
  cipher.setAuthTag(bytesOf.subarray(-16))
  return Buffer.concat([cipher.update(bytesOf.subarray(0, -16)), cipher.final()])
}
