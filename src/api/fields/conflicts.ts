import { REASONS, type StatusCause, StatusError } from '../meta/status.ts'
import { pathsOf } from './set/field-set.ts'
import { idOf, type Manager } from './managers.ts'
import type { OwnershipConflict } from './ownership.ts'

/** The refusal of an apply that would change what others own. */
export function applyConflict(conflicts: readonly OwnershipConflict[]): StatusError {
  const sorted = [...conflicts]
    .sort((a, b) => (idOf(a.manager) < idOf(b.manager) ? -1 : 1))
    .map(({ manager, fields }) => ({ who: describe(manager), paths: pathsOf(fields) }))
  const causes: StatusCause[] = sorted.flatMap(({ who, paths }) =>
    paths.map((path) => ({ reason: 'FieldManagerConflict', message: `conflict with ${who}`, field: path })),
  )
  return new StatusError({ code: 409, reason: REASONS.conflict, message: message(sorted, causes), details: { causes } })
}

function message(conflicts: readonly { who: string; paths: string[] }[], causes: readonly StatusCause[]): string {
  const [only] = causes
  if (only !== undefined && causes.length === 1) return `Apply failed with 1 conflict: ${only.message}: ${only.field}`
  const parts = conflicts.map(({ who, paths }) => [`conflicts with ${who}:`, ...paths.map((path) => `- ${path}`)].join('\n'))
  return `Apply failed with ${causes.length} conflicts: ${parts.join('\n')}`
}

function describe({ name, operation, apiVersion, subresource }: Manager): string {
  const who = subresource === '' ? JSON.stringify(name) : `${JSON.stringify(name)} with subresource ${JSON.stringify(subresource)}`
  return operation === 'Update' ? `${who} using ${apiVersion}` : who
}
