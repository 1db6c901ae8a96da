import columnTable from './columns.gen.json' with { type: 'json' }
import type { ResourceFact } from './resource-facts.ts'
import resourceTable from './resources.gen.json' with { type: 'json' }

/** What discovery and tables say of the built-in resources. */

export const resourceFacts: readonly ResourceFact[] = resourceTable.resources as readonly ResourceFact[]

export interface ColumnFact {
  readonly name: string
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date'
  readonly format: string
  readonly priority: number
  readonly description: string
}

export function resourceFact(group: string, version: string, plural: string): ResourceFact | undefined {
  return resourceFacts.find((fact) => fact.plural === plural && fact.group === group && fact.version === version)
}

/** The columns of a resource's table; undefined for resources that are never shown as one. */
export function columnFacts(group: string, version: string, plural: string): readonly ColumnFact[] | undefined {
  const rows = (columnTable.columns as unknown as Readonly<Record<string, readonly ColumnRow[]>>)[
    `${group === '' ? '' : `${group}/`}${version}/${plural}`
  ]
  return rows?.map(([name, type, format, priority, description]) => ({
    name,
    type,
    format,
    priority,
    description: columnTable.descriptions[description] ?? '',
  }))
}

/** The last member is the description's place in the list of descriptions. */
type ColumnRow = readonly [name: string, type: ColumnFact['type'], format: string, priority: number, description: number]
