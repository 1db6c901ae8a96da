import type { HttpResponse } from '#base'
import { type KubeObject, type Resource, apiVersionOf, builtInSchema, encodeObject, encodeProtobuf } from '#api'
import { encoded, includeObject, objectBytesAnswer } from '../../respond/objects.ts'
import { tableColumns, tableHead, tableRow } from '../../respond/table.ts'
import type { RequestContext } from '../context.ts'

/** Objects of a kind that is not stored, as a list or a table. */
export function answerList(context: RequestContext, resource: Resource, items: readonly KubeObject[]): HttpResponse {
  const accepted = context.accepted(true)
  if (accepted.form === 'Table') return encoded(context, accepted, 200, tableOf(context, resource, items))
  const document = { kind: resource.listKind, apiVersion: apiVersionOf(resource), metadata: {}, items: [...items] }
  const binary = (): Uint8Array => encodeProtobuf(builtInSchema(resource.group, resource.version, resource.listKind), document)
  return encoded(context, accepted, 200, Buffer.from(JSON.stringify(document)), resource.typedItems ? undefined : binary)
}

export function answerObject(context: RequestContext, resource: Resource, object: KubeObject): HttpResponse {
  const accepted = context.accepted(false)
  if (accepted.form === 'Table') return encoded(context, accepted, 200, tableOf(context, resource, [object]))
  return objectBytesAnswer(context, resource.schema, 200, object)
}

function tableOf(context: RequestContext, resource: Resource, items: readonly KubeObject[]): Buffer {
  const { formVersion } = context.accepted(true)
  const include = includeObject(context.info.query)
  const now = context.scope.clock.now()
  const bytesOf = (object: KubeObject): Buffer => Buffer.from(encodeObject(resource.schema, object).bytes)
  const rows = items.map((item) => tableRow(resource, item, bytesOf(item), include, formVersion, now))
  const head = tableHead(formVersion, '', { continue: '', remaining: undefined }, tableColumns(resource))
  return Buffer.from(`${head}${rows.join(',')}]}`)
}
