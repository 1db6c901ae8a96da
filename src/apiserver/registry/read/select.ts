import { parseFieldSelector, parseLabelSelector, statusError } from '#api'
import { SampanError } from '#base'
import { CONVERTED_SLOT, type FieldRequirement, NAMESPACE_SLOT, NAME_SLOT, type Selection } from '../../watchcache/lists/selection.ts'
import type { View } from '../view.ts'

/** Selectors as they were written. */
export interface Selectors {
  readonly labels: ReturnType<typeof parseLabelSelector> | undefined
  readonly fields: ReturnType<typeof parseFieldSelector>
}

/** Throws `StatusError` 400 for selectors that cannot be read. */
export function readSelectors(query: URLSearchParams): Selectors {
  const labelText = query.get('labelSelector') ?? ''
  const fieldText = query.get('fieldSelector') ?? ''
  return {
    labels: labelText === '' ? undefined : asBadRequest(() => parseLabelSelector(labelText)),
    fields: fieldText === '' ? [] : asBadRequest(() => parseFieldSelector(fieldText)),
  }
}

/** The objects that the selectors are about. Throws `StatusError` 400 for fields by which the kind cannot be selected. */
export function selectionOf(view: View, namespace: string, { labels, fields: asked }: Selectors): Selection {
  const fields = asked.flatMap((field) => requirement(view, field))
  // One name or one namespace is a matter of the key, not of a search.
  const name = fields.find((field) => field.slot === NAME_SLOT && field.equal)?.value ?? ''
  const inNamespace = namespace !== '' ? namespace : (fields.find((field) => field.slot === NAMESPACE_SLOT && field.equal)?.value ?? '')
  return {
    namespace: view.resource.namespaced ? inNamespace : '',
    name,
    labels: labels === undefined || labels.requirements.length === 0 ? undefined : labels,
    fields,
  }
}

function requirement(view: View, field: { readonly path: string; readonly operator: string; readonly value: string }): FieldRequirement[] {
  const { path, value } = field
  // A term with nothing on either side asks for nothing.
  if (path === '' && value === '') return []
  const equal = field.operator !== '!='
  if (path === 'metadata.name') return [{ path, equal, value, slot: NAME_SLOT }]
  if (path === 'metadata.namespace' && mayHaveNamespace(view)) return [{ path, equal, value, slot: NAMESPACE_SLOT }]
  const stored = view.resource.conversion?.fields?.[path] ?? path
  const read = Object.hasOwn(view.resource.selectable, path) ? view.resource.selectable[path] : undefined
  if (read !== undefined && view.resource.conversion?.webhook !== undefined)
    return [{ path, equal, value, slot: CONVERTED_SLOT, convertedValue: (entry) => read(view.object(entry)) }]
  const slot = read === undefined ? undefined : view.cache.fieldSlot(stored)
  if (slot === undefined) throw statusError.badRequest(unknownField(view, path))
  return [{ path: stored, equal, value, slot }]
}

/** Kinds of the cluster that have selectable fields of their own, and custom ones, know no namespace. */
function mayHaveNamespace({ resource }: View): boolean {
  return resource.namespaced || (Object.keys(resource.selectable).length === 0 && !resource.typedItems)
}

function unknownField(view: View, path: string): string {
  const { selectable, typedItems, kind, group, version } = view.resource
  if (kind === 'Job' && group === 'batch') return `field label ${JSON.stringify(path)} not supported for Job`
  const own = Object.keys(selectable)
  if (kind === 'ResourceSlice' && group === 'resource.k8s.io')
    return `field label not supported for ${group}/${version}, Kind=${kind}: ${path}`
  if (own.length > 0 || typedItems) return `field label not supported: ${path}`
  const known = ['metadata.name', 'metadata.namespace', ...own].map((one) => JSON.stringify(one)).join(', ')
  return `${JSON.stringify(path)} is not a known field selector: only ${known}`
}

function asBadRequest<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof SampanError && error.code !== 'API_STATUS') throw statusError.badRequest(error.message)
    throw error
  }
}
