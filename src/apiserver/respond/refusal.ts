import { writeYaml, type HttpRequest, type HttpResponse } from '#base'
import { type KubeObject, type StatusError, builtInSchema, encodeProtobuf } from '#api'
import { type Encoding, JSON_TYPE, MEDIA_TYPE_OF, acceptClauses, encodingOf } from './media.ts'

/** A refusal as a `Status` in the encoding that the client takes; in JSON when there is none that both know. */
export function refusalAnswer(request: HttpRequest, { status: refused, headers }: StatusError): HttpResponse {
  const { kind, apiVersion, metadata, status, message, reason, details, code } = refused
  const document = { kind, apiVersion, metadata, status, message, reason, details, code }
  const encoding = encodingFor(request.headers['accept'])
  return {
    status: code,
    headers: { 'content-type': MEDIA_TYPE_OF[encoding], ...headers },
    body: { kind: 'bytes', chunks: [bytesOf(encoding, document as KubeObject)] },
  }
}

/** Forms that an object can be asked for in (tables) mean nothing to a refusal. */
function encodingFor(accept: string | readonly string[] | undefined): Encoding {
  if (accept === undefined || accept === JSON_TYPE || accept === '*/*') return 'json'
  for (const { type, params } of acceptClauses(typeof accept === 'string' ? accept : accept.join(','))) {
    const encoding = encodingOf(type)
    if (encoding !== undefined && !params.has('as') && !params.has('g') && !params.has('v')) return encoding
  }
  return 'json'
}

export function bytesOf(encoding: Encoding, status: KubeObject): Uint8Array {
  switch (encoding) {
    case 'protobuf':
      return encodeProtobuf(builtInSchema('', 'v1', 'Status'), status)
    case 'yaml':
      return Buffer.from(writeYaml(JSON.parse(JSON.stringify(status))))
    default:
      return Buffer.from(JSON.stringify(status))
  }
}
