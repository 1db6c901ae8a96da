import { type Attributes, type EndedSpan, ProtobufWriter, type SpanContext, type SpanKind, WIRE } from '#base'

/** What all spans of a process have in common. */
export interface TraceOrigin {
  readonly attributes: Attributes
  /** Who made them. */
  readonly library: string
}

const KINDS: Readonly<Record<SpanKind, number>> = { internal: 1, server: 2, client: 3 }
const ERROR = 2
/** In `flags` of a span, as in its header. */
const SAMPLED = 1

/** Spans as an `ExportTraceServiceRequest` of OTLP. The writer goes backwards: the last field of a message comes first. */
export function exportRequest(origin: TraceOrigin, spans: readonly EndedSpan[]): Uint8Array {
  const to = new ProtobufWriter()
  part(to, 1, () => {
    part(to, 2, () => {
      for (const span of spans.toReversed()) part(to, 2, () => writeSpan(to, span))
      part(to, 1, () => text(to, 1, origin.library))
    })
    part(to, 1, () => attributes(to, 1, origin.attributes))
  })
  return to.finish()
}

function writeSpan(to: ProtobufWriter, span: EndedSpan): void {
  const { context, failure, link } = span
  to.fixed32(context.sampled ? SAMPLED : 0)
  to.tag(16, WIRE.fixed32)
  if (failure !== undefined) {
    part(to, 15, () => {
      number(to, 3, ERROR)
      text(to, 2, failure)
    })
  }
  if (link !== undefined) part(to, 13, () => writeLink(to, link))
  number(to, 12, span.droppedEvents)
  for (const event of span.events.toReversed()) {
    part(to, 11, () => {
      attributes(to, 3, event.attributes)
      text(to, 2, event.name)
      time(to, 1, event.atMs)
    })
  }
  attributes(to, 9, span.attributes)
  time(to, 8, span.endMs)
  time(to, 7, span.startMs)
  number(to, 6, KINDS[span.kind])
  text(to, 5, span.name)
  if (span.parentId !== '') bytes(to, 4, Buffer.from(span.parentId, 'hex'))
  text(to, 3, context.state)
  writeIds(to, context)
}

function writeLink(to: ProtobufWriter, link: SpanContext): void {
  text(to, 3, link.state)
  writeIds(to, link)
}

function writeIds(to: ProtobufWriter, { traceId, spanId }: SpanContext): void {
  bytes(to, 2, Buffer.from(spanId, 'hex'))
  bytes(to, 1, Buffer.from(traceId, 'hex'))
}

function attributes(to: ProtobufWriter, field: number, values: Attributes): void {
  for (const [key, value] of Object.entries(values).toReversed()) {
    part(to, field, () => {
      part(to, 2, () => {
        if (typeof value === 'string') {
          to.string(value)
          to.tag(1, WIRE.bytes)
        } else if (typeof value === 'boolean') {
          to.bool(value)
          to.tag(2, WIRE.varint)
        } else if (Number.isSafeInteger(value)) {
          to.int(value)
          to.tag(3, WIRE.varint)
        } else {
          to.double(value)
          to.tag(4, WIRE.fixed64)
        }
      })
      text(to, 1, key)
    })
  }
}

function part(to: ProtobufWriter, field: number, write: () => void): void {
  to.message(write)
  to.tag(field, WIRE.bytes)
}
function text(to: ProtobufWriter, field: number, value: string): void {
  if (value === '') return
  to.string(value)
  to.tag(field, WIRE.bytes)
}
function bytes(to: ProtobufWriter, field: number, value: Uint8Array): void {
  to.bytes(value)
  to.tag(field, WIRE.bytes)
}
function number(to: ProtobufWriter, field: number, value: number): void {
  if (value === 0) return
  to.uint(value)
  to.tag(field, WIRE.varint)
}

const NS_PER_MS = 1e6

/** Nanoseconds since the epoch. */
function time(to: ProtobufWriter, field: number, ms: number): void {
  to.fixed64(BigInt(Math.round(ms * NS_PER_MS)))
  to.tag(field, WIRE.fixed64)
}
