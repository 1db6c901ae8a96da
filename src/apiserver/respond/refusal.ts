import { writeYaml, type HttpRequest, type HttpResponse } from '#base'
import { type KubeObject, type StatusError, builtInSchema, encodeProtobuf } from '#api'
import { jsonChunks, wantsPretty } from './json-text.ts'
import { type Encoding, JSON_TYPE, MEDIA_TYPE_OF, acceptClauses, encodingOf } from './media.ts'

/**
 * A refusal as a `Status` in the encoding that the client takes. When there is none that both know, or the form asked for is one that only
 * other objects have, it is JSON for people.
 */
export function refusalAnswer(request: HttpRequest, { status: refused, headers }: StatusError): HttpResponse {
  const { kind, apiVersion, metadata, status, message, reason, details, code } = refused
  const document = { kind, apiVersion, metadata, status, message, reason, details, code } as KubeObject
  const encoding = encodingFor(request.headers['accept'])
  const chunks =
    encoding === 'protobuf' || encoding === 'yaml'
      ? [encoding === 'yaml' ? Buffer.from(writeYaml(JSON.parse(JSON.stringify(document)))) : statusProtobuf(document)]
      : jsonChunks(Buffer.from(JSON.stringify(document)), encoding === undefined || wantsPretty(request))
  return { status: code, headers: { 'content-type': MEDIA_TYPE_OF[encoding ?? 'json'], ...headers }, body: { kind: 'bytes', chunks } }
}

/** Forms that an object can be asked for in (tables) mean nothing to a refusal. Undefined when no clause fits. */
function encodingFor(accept: string | readonly string[] | undefined): Encoding | undefined {
  if (accept === undefined || accept === JSON_TYPE || accept === '*/*' || accept === '') return 'json'
  for (const { type, params } of acceptClauses(typeof accept === 'string' ? accept : accept.join(','))) {
    const encoding = encodingOf(type)
    if (encoding !== undefined && !params.has('as') && !params.has('g') && !params.has('v')) return encoding
  }
  return undefined
}

export const statusProtobuf = (status: KubeObject): Uint8Array => encodeProtobuf(builtInSchema('', 'v1', 'Status'), status)
