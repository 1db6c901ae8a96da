import type { ResourceRef } from '#api'

/** `/api/v1/namespaces/x/pods`, `/apis/apps/v1/deployments/…`. A namespace is left out where none is given (all namespaces, cluster scope). */
export function resourcePath(ref: ResourceRef, namespace: string | undefined, name?: string, subresource?: string): string {
  const root = ref.group === '' ? `/api/${ref.version}` : `/apis/${ref.group}/${ref.version}`
  const inside = ref.namespaced && namespace !== undefined && namespace !== '' ? `/namespaces/${encodeURIComponent(namespace)}` : ''
  const tail = name === undefined ? '' : `/${encodeURIComponent(name)}`
  return `${root}${inside}/${ref.plural}${tail}${subresource === undefined ? '' : `/${subresource}`}`
}

type QueryValue = string | number | boolean | undefined

/** `?a=b&c=d` of what is given; empty when nothing is. */
export function queryOf(values: Readonly<Record<string, QueryValue>>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(values)) if (value !== undefined && value !== '') query.set(name, String(value))
  const text = query.toString()
  return text === '' ? '' : `?${text}`
}
