import type { Column } from '../resource.ts'
import type { KubeObject } from '../meta/object.ts'
import { ageOf } from '../schema/age.ts'
import { columnFacts } from '../schema/registered.ts'
import { canonicalTime } from '../schema/decode/times.ts'
import type { CustomResourceColumnDefinition } from '../types/apiextensions-v1.gen.ts'
import { parseJsonPath } from './json-path.ts'

type Cell = string | number | boolean | null

/** The columns of a custom resource: its name, then what its definition says, or its age when that says nothing. */
export function customColumns(definitions: readonly CustomResourceColumnDefinition[] | undefined): Column<KubeObject>[] {
  const known = columnFacts('', 'v1', 'configmaps') ?? []
  const described = (name: string): string => known.find((column) => column.name === name)?.description ?? ''
  const name: Column<KubeObject> = {
    name: 'Name',
    type: 'string',
    format: 'name',
    description: described('Name'),
    priority: 0,
    cell: (object) => object.metadata?.name ?? '',
  }
  const own = definitions === undefined || definitions.length === 0 ? [ageColumn(described('Age'))] : definitions
  return [name, ...own.map(columnOf)]
}

const ageColumn = (description: string): CustomResourceColumnDefinition => ({
  name: 'Age',
  type: 'date',
  description,
  jsonPath: '.metadata.creationTimestamp',
})

function columnOf(definition: CustomResourceColumnDefinition): Column<KubeObject> {
  const { name, format = '', description = '', priority = 0, jsonPath } = definition
  const type = definition.type as Column<KubeObject>['type']
  const path = parseJsonPath(jsonPath)
  return {
    name,
    type,
    format,
    description: description === '' ? `Custom resource definition column (in JSONPath format): ${jsonPath}` : description,
    priority,
    cell: (object, now) => {
      const value = path?.find(object)[0]
      return value === undefined ? null : cellOf(type, value, now)
    },
  }
}

/** A value that is not of the column's type is no value. */
function cellOf(type: Column<KubeObject>['type'], value: unknown, now: number): Cell {
  switch (type) {
    case 'string':
      return value === null ? '<no value>' : textOf(value)
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null
    case 'number':
      return typeof value === 'number' ? value : null
    case 'boolean':
      return typeof value === 'boolean' ? value : null
    case 'date':
      return typeof value === 'string' ? dateCell(value, now) : null
    default:
      return type satisfies never
  }
}

export function textOf(value: unknown): string {
  if (value === null) return '<nil>'
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function dateCell(value: string, now: number): string {
  if (value === '' || value === 'null') return '<unknown>'
  try {
    return ageOf(canonicalTime(value), now)
  } catch {
    return '<invalid>'
  }
}
