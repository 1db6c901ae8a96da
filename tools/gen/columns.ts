import type { Input } from './input.ts'
import { table } from './table.ts'

/** Columns by `group/version/plural`; their descriptions stand once in a list and are referred to by place. */
export function columnsFile(input: Input): string {
  const descriptions: string[] = []
  const places = new Map<string, number>()
  const place = (text: string): number => {
    const known = places.get(text)
    if (known !== undefined) return known
    places.set(text, descriptions.length)
    return descriptions.push(text) - 1
  }
  const columns = Object.entries(input.columns).map(([resource, definitions]) => [
    resource,
    definitions.map((column) => [column.name, column.type, column.format, column.priority, place(column.description)]),
  ])
  return table({ descriptions, columns: Object.fromEntries(columns) as Record<string, unknown> })
}
