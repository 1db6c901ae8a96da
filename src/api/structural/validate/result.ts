import { type FieldError, type FieldErrors, FIELD_ERROR_TYPES, fieldError } from '../../meta/field-error.ts'
import { Path } from '../../meta/path.ts'

/** What a schema finds wrong with a value. `at` is the place as messages name it: `spec.l[0]`, empty for the value itself. */
export interface Finding {
  /** Undefined for what is said of the value as a whole, without its place. */
  readonly at: string | undefined
  readonly type: FieldError['type']
  readonly message: string
}

/** One look at a value: what is wrong, and how many rules were looked at, by which the nearest of several schemas is chosen. */
export class Result {
  readonly findings: Finding[] = []
  matches = 0

  get isValid(): boolean {
    return this.findings.length === 0
  }
  add(finding: Finding): this {
    this.findings.push(finding)
    return this
  }
  merge(other: Result): this {
    this.findings.push(...other.findings)
    this.matches += other.matches
    return this
  }
}

/** Findings as field errors below a path; without one the place alone is the field. */
export function pushFindings(result: Result, path: Path | undefined, errors: FieldErrors): void {
  for (const { at, type, message } of result.findings) errors.push({ type, message, field: fieldOf(path, at) })
}

function fieldOf(path: Path | undefined, at: string | undefined): string {
  const place = (at ?? '').replace(/^\./, '')
  if (path === undefined) return at === undefined ? '<nil>' : place === '' ? '<nil>' : place
  return place === '' ? path.toString() : path.child(place).toString()
}

/** The words of these findings are those of go-openapi. */
const PLACE = Path.of('')
const finding = (at: string | undefined, { type, message }: FieldError): Finding => ({ at, type, message })
export const say = {
  type: (at: string, wanted: string, value: unknown): Finding =>
    finding(at, { ...fieldError.typeInvalid(PLACE, value, `${at} in body must be of type ${wanted}: ${JSON.stringify(value)}`) }),
  invalid: (at: string, value: unknown, rule: string): Finding => finding(at, fieldError.invalid(PLACE, value, `${at} in body ${rule}`)),
  plain: (at: string, value: unknown, text: string): Finding => finding(at, fieldError.invalid(PLACE, value, text)),
  whole: (text: string): Finding => finding(undefined, fieldError.invalid(PLACE, '', text)),
  required: (at: string): Finding => finding(at, fieldError.required(PLACE)),
  tooLong: (at: string, max: number): Finding => finding(at, fieldError.tooLong(PLACE, max)),
  tooMany: (at: string, actual: number, max: number): Finding => finding(at, fieldError.tooMany(PLACE, actual, max)),
  notSupported: (at: string, value: unknown, allowed: readonly unknown[]): Finding =>
    finding(
      at,
      fieldError.notSupported(
        PLACE,
        value,
        allowed.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))),
      ),
    ),
  forbiddenProperty: (at: string, name: string): Finding => ({
    at,
    type: FIELD_ERROR_TYPES.invalid,
    message: `Invalid value: "": ${at}.${name} in body is a forbidden property`,
  }),
}
