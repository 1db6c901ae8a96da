import { type Http2Server, type ServerHttp2Session, type ServerHttp2Stream, createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { ProtobufReader } from '#base'
import { FrameReader, frame } from '#base/grpc'

/** A span as a collector of traces reads it. */
export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentId: string
  readonly name: string
  readonly kind: number
  readonly startNs: bigint
  readonly endNs: bigint
  readonly attributes: Readonly<Record<string, unknown>>
  readonly events: readonly string[]
  readonly links: readonly string[]
  /** 0 unset, 2 failed. */
  readonly status: number
  /** Of the process that sent it. */
  readonly resource: Readonly<Record<string, unknown>>
}

/** A collector as somebody else would write it: OTLP over gRPC, without TLS. */
export interface Collector {
  /** `127.0.0.1:PORT`. */
  readonly endpoint: string
  readonly spans: ReceivedSpan[]
  /** Which status it answers with. */
  status: number
  /** How many calls were answered with another one than OK. */
  refused: number
  close(): Promise<void>
}

const MOST_BYTES = 16 * 2 ** 20
const OK = 0

export async function startCollector(port = 0): Promise<Collector> {
  const server: Http2Server = createServer()
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session)).on('error', () => undefined)
  })
  const spans: ReceivedSpan[] = []
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const collector: Collector = {
    endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    status: OK,
    refused: 0,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const session of sessions) session.destroy()
      }),
  }
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    const reader = new FrameReader(MOST_BYTES)
    stream.on('error', () => undefined)
    stream.on('data', (chunk: Buffer) => {
      for (const message of reader.push(chunk)) {
        const isKnown = headers[':path'] === '/opentelemetry.proto.collector.trace.v1.TraceService/Export'
        const status = isKnown ? collector.status : 12
        if (status === OK) spans.push(...readExport(message))
        else collector.refused++
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': String(status), 'grpc-message': status === OK ? '' : 'no' }))
        stream.end(status === OK ? frame(new Uint8Array(0)) : undefined)
      }
    })
  })
  return collector
}

type Fields = Map<number, (bigint | number | Uint8Array)[]>

function fieldsOf(message: Uint8Array): Fields {
  const fields: Fields = new Map()
  const from = new ProtobufReader(message)
  while (!from.done) {
    const { number, wire } = from.tag()
    let value: bigint | number | Uint8Array = 0
    if (wire === 0) value = from.int()
    else if (wire === 1) value = from.fixed64()
    else if (wire === 2) value = from.bytes()
    else from.skip(wire)
    const known = fields.get(number)
    if (known === undefined) fields.set(number, [value])
    else known.push(value)
  }
  return fields
}

const messages = (fields: Fields, number: number): Fields[] => (fields.get(number) ?? []).map((one) => fieldsOf(one as Uint8Array))
const bytes = (fields: Fields, number: number): Buffer => Buffer.from((fields.get(number)?.[0] ?? new Uint8Array(0)) as Uint8Array)
const text = (fields: Fields, number: number): string => bytes(fields, number).toString()

function attributes(fields: Fields, number: number): Record<string, unknown> {
  return Object.fromEntries(
    messages(fields, number).map((one) => {
      const [value = new Map() as Fields] = messages(one, 2)
      return [text(one, 1), value.has(1) ? text(value, 1) : value.has(2) ? value.get(2)?.[0] === 1 : Number(value.get(3)?.[0] ?? 0)]
    }),
  )
}

function readExport(message: Uint8Array): ReceivedSpan[] {
  return messages(fieldsOf(message), 1).flatMap((ofResource) => {
    const [about = new Map() as Fields] = messages(ofResource, 1)
    const resource = attributes(about, 1)
    return messages(ofResource, 2).flatMap((ofScope) =>
      messages(ofScope, 2).map((span) => ({
        traceId: bytes(span, 1).toString('hex'),
        spanId: bytes(span, 2).toString('hex'),
        parentId: bytes(span, 4).toString('hex'),
        name: text(span, 5),
        kind: Number(span.get(6)?.[0] ?? 0),
        startNs: BigInt((span.get(7)?.[0] ?? 0) as bigint),
        endNs: BigInt((span.get(8)?.[0] ?? 0) as bigint),
        attributes: attributes(span, 9),
        events: messages(span, 11).map((event) => text(event, 2)),
        links: messages(span, 13).map((link) => bytes(link, 1).toString('hex')),
        status: Number(messages(span, 15)[0]?.get(3)?.[0] ?? 0),
        resource,
      })),
    )
  })
}
