import type { FieldErrors } from '#api'
import { Path, fieldError, statusError } from '#api'
import { isTrue } from '../router/request-info.ts'

const META_GROUP = 'meta.k8s.io'
export type FieldValidation = 'Ignore' | 'Warn' | 'Strict'

export interface WriteOptions {
  readonly dryRun: boolean
  readonly fieldManager: string
  readonly fieldValidation: FieldValidation
  /** Server-side apply only. */
  readonly force: boolean
}

const NO_OPTIONS: WriteOptions = { dryRun: false, fieldManager: '', fieldValidation: 'Warn', force: false }

type OptionsKind = 'CreateOptions' | 'UpdateOptions' | 'PatchOptions' | 'DeleteOptions' | 'ListOptions'

/** Throws `StatusError` 422 when the errors are not empty. */
export function refuseOptions(kind: OptionsKind, errors: FieldErrors): void {
  if (errors.length > 0) throw statusError.invalid({ group: META_GROUP, kind }, '', errors)
}

/** The options of a write, from its query. */
export function writeOptions(
  query: URLSearchParams,
  kind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions',
  patchType?: string,
): WriteOptions {
  if (query.size === 0 && patchType !== 'apply') return NO_OPTIONS
  const errors: FieldErrors = []
  const fieldManager = query.get('fieldManager') ?? ''
  const force = query.get('force')
  if (kind === 'PatchOptions' && patchType !== 'apply' && force !== null) {
    errors.push(fieldError.forbidden(Path.of('force'), 'may not be specified for non-apply patch'))
  }
  if (patchType === 'apply' && fieldManager === '') errors.push(fieldError.required(Path.of('fieldManager'), 'is required for apply patch'))
  else checkFieldManager(fieldManager, errors)
  const dryRun = readDryRun(query.getAll('dryRun'), errors)
  const validation = query.get('fieldValidation') ?? ''
  if (!['', 'Ignore', 'Warn', 'Strict'].includes(validation)) {
    errors.push(fieldError.notSupported(Path.of('fieldValidation'), validation, ['', 'Ignore', 'Strict', 'Warn']))
  }
  refuseOptions(kind, errors)
  return {
    dryRun,
    fieldManager,
    fieldValidation: validation === '' ? 'Warn' : (validation as FieldValidation),
    force: force !== null && isTrue(force),
  }
}

function checkFieldManager(manager: string, errors: FieldErrors): void {
  const path = Path.of('fieldManager')
  if (Buffer.byteLength(manager) > 128) errors.push(fieldError.tooLong(path, 128))
  let at = 0
  for (const character of manager) {
    if (!isPrint(character)) {
      const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
      errors.push(fieldError.invalid(path, manager, `invalid character U+${code} (at position ${at})`))
      return
    }
    at += Buffer.byteLength(character)
  }
}

/** What Go's unicode.IsPrint takes: letters, marks, numbers, punctuation, symbols and the ASCII space. */
const isPrint = (character: string): boolean => character === ' ' || /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(character)

export function readDryRun(values: readonly string[], errors: FieldErrors): boolean {
  if (values.length === 0) return false
  if (values.some((value) => value !== 'All')) errors.push(fieldError.notSupported(Path.of('dryRun'), values, ['All']))
  return true
}

/** Throws `StatusError` 400 in the words of Go's strconv. */
export function readInteger(text: string | null): number | undefined {
  if (text === null) return undefined
  const problem = /^[+-]?\d+$/.test(text) ? (BigInt.asIntN(64, BigInt(text)) === BigInt(text) ? undefined : OUT_OF_RANGE) : 'invalid syntax'
  if (problem !== undefined) throw statusError.badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: ${problem}`)
  return Number(text)
}

const OUT_OF_RANGE = 'value out of range'

/** Why a text is no revision, in the words of Go's strconv; undefined when it is one. */
export function revisionProblem(text: string): string | undefined {
  const problem = /^\d+$/.test(text) ? (BigInt.asUintN(64, BigInt(text)) === BigInt(text) ? undefined : OUT_OF_RANGE) : 'invalid syntax'
  return problem === undefined ? undefined : `strconv.ParseUint: parsing ${JSON.stringify(text)}: ${problem}`
}
