import type { HttpResponse } from '#base'
import { messageOf } from '#base'
import {
  type KubeObject,
  type Resource,
  builtInSchema,
  encodeObject,
  encodeProtobuf,
  parseFieldSelector,
  parseLabelSelector,
  statusError,
} from '#api'
import { encoded, includeObject, objectBytesAnswer } from '../../respond/objects.ts'
import { tableColumns, tableHead, tableRow } from '../../respond/table.ts'
import type { RequestContext } from '../context.ts'
import type { SpecialHandler } from '../special-handler.ts'

const STORE = 'etcd-0'

/** `componentstatuses`: how the store does. Controllers and scheduler answer for themselves, wherever they run. */
export const componentStatus: SpecialHandler = async (context, { resource, name }) => {
  if (name === '') return list(context, resource)
  if (name !== STORE) throw statusError.notFound({ group: '', plural: 'componentstatus' }, name)
  return objectBytesAnswer(context, resource.schema, 200, await storeStatus(context))
}

async function list(context: RequestContext, resource: Resource): Promise<HttpResponse> {
  const accepted = context.accepted(true)
  const items = isSelected(context.info.query) ? [await storeStatus(context)] : []
  if (accepted.form === 'Table') {
    const include = includeObject(context.info.query)
    const rows = items.map((item) =>
      tableRow(resource, item, bytesOf(resource, item), include, accepted.formVersion, context.scope.clock.now()),
    )
    const head = tableHead(accepted.formVersion, '', { continue: '', remaining: undefined }, tableColumns(resource))
    return encoded(context, accepted, 200, Buffer.from(`${head}${rows.join(',')}]}`))
  }
  const document = { kind: 'ComponentStatusList', apiVersion: 'v1', metadata: {}, items }
  return encoded(context, accepted, 200, Buffer.from(JSON.stringify(document)), () =>
    encodeProtobuf(builtInSchema('', 'v1', 'ComponentStatusList'), document),
  )
}

function isSelected(query: URLSearchParams): boolean {
  const fields = parseFieldSelector(query.get('fieldSelector') ?? '')
  const unknown = fields.find(({ path }) => path !== 'metadata.name' && path !== 'metadata.namespace')
  if (unknown !== undefined)
    throw statusError.badRequest(
      `${JSON.stringify(unknown.path)} is not a known field selector: only "metadata.name", "metadata.namespace"`,
    )
  const fits = fields.every(({ path, operator, value }) => ((path === 'metadata.name' ? STORE : '') === value) === (operator !== '!='))
  return fits && parseLabelSelector(query.get('labelSelector') ?? '').matches({})
}

async function storeStatus(context: RequestContext): Promise<KubeObject> {
  let problem: string | undefined
  try {
    await context.core.engine.get('/registry/health')
  } catch (error) {
    problem = messageOf(error)
  }
  const condition = { type: 'Healthy', status: problem === undefined ? 'True' : 'False', message: problem ?? 'ok' }
  return { kind: 'ComponentStatus', apiVersion: 'v1', metadata: { name: STORE }, conditions: [condition] } as KubeObject
}

const bytesOf = (resource: Resource, object: KubeObject): Buffer => Buffer.from(encodeObject(resource.schema, object).bytes)
