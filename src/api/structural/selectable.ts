import type { Resource } from '../resource.ts'
import type { SelectableField } from '../types/apiextensions-v1.gen.ts'
import { parseJsonPath } from './json-path.ts'

/** Field selectors by the path without its first dot. */
export function customSelectable(fields: readonly SelectableField[] | undefined): Resource['selectable'] {
  const selectable: Record<string, Resource['selectable'][string]> = {}
  for (const { jsonPath } of fields ?? []) {
    const path = parseJsonPath(jsonPath)
    if (path !== undefined) selectable[jsonPath.replace(/^\./, '')] = (object) => selectorText(path.find(object)[0])
  }
  return selectable
}

function selectorText(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''
}
