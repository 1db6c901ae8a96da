import { messageOf } from '#base'
import { type KubeObject, parseFieldSelector, parseLabelSelector, statusError } from '#api'
import type { RequestContext } from '../context.ts'
import type { SpecialHandler } from '../special-handler.ts'
import { answerList, answerObject } from './answered.ts'

const STORE = 'etcd-0'

/** `componentstatuses`: how the store does. Controllers and scheduler answer for themselves, wherever they run. */
export const componentStatus: SpecialHandler = async (context, { resource, name }) => {
  if (name === '') return answerList(context, resource, isSelected(context.info.query) ? [untyped(await storeStatus(context))] : [])
  if (name !== STORE) throw statusError.notFound({ group: '', plural: 'componentstatus' }, name)
  return answerObject(context, resource, await storeStatus(context))
}

/** In a list the kind is said once. */
function untyped({ kind: _, apiVersion: __, ...rest }: KubeObject): KubeObject {
  return rest
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
