import { deepEqual } from '../../meta/deep.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '../../types/certificates-v1.gen.ts'
import { STATUS } from '../../workloads/workload.ts'

export type Request = CertificateSigningRequest
type Condition = CertificateSigningRequestCondition

const PATH = STATUS.child('conditions')
const FINAL = ['Approved', 'Denied', 'Failed'] as const
const DECISIONS: readonly string[] = ['Approved', 'Denied']

export function conditionsOf({ status }: Request): readonly Condition[] {
  return status?.conditions ?? []
}

/** What has been decided keeps its words, unless there is more or less of it than before. */
export function keepDecisions({ status }: Request, old: Request): void {
  if (status?.conditions === undefined) return
  for (const type of DECISIONS) {
    const before = conditionsOf(old).filter((condition) => condition.type === type)
    if (status.conditions.filter((condition) => condition.type === type).length !== before.length) continue
    status.conditions = status.conditions.map((condition) =>
      condition.type === type ? structuredClone(before.shift() ?? condition) : condition,
    )
  }
}

/** Fills in when a condition was last written and when it last changed. */
export function stampConditions(draft: Request, old: Request, now: string): void {
  for (const condition of draft.status?.conditions ?? []) {
    condition.lastUpdateTime ??= now
    const before = conditionsOf(old).find(({ type, status }) => type === condition.type && status === condition.status)
    condition.lastTransitionTime ??= before?.lastTransitionTime ?? now
  }
}

export function validateConditions(request: Request, errors: FieldErrors): void {
  const seen = new Set<string>()
  conditionsOf(request).forEach(({ type = '', status = '' }, at) => {
    const path = PATH.index(at)
    if (type === '') errors.push(fieldError.required(path.child('type')))
    const allowed = (FINAL as readonly string[]).includes(type) ? ['True'] : ['False', 'True', 'Unknown']
    if (status === '') errors.push(fieldError.required(path.child('status')))
    else if (!allowed.includes(status)) errors.push(fieldError.notSupported(path.child('status'), status, allowed))
    const other = DECISIONS.find((decision) => decision !== type)
    if (DECISIONS.includes(type) && other !== undefined && seen.has(other))
      errors.push(fieldError.invalid(PATH, type, 'Approved and Denied conditions are mutually exclusive'))
    if (seen.has(type)) errors.push(fieldError.duplicate(path.child('type'), type))
    seen.add(type)
  })
}

/** What has been decided stays; deciding has a path of its own. */
export function validateFinalConditions(request: Request, old: Request, isApproval: boolean, errors: FieldErrors): void {
  const pairs = FINAL.map((type) => {
    const of = (one: Request): readonly Condition[] => conditionsOf(one).filter((condition) => condition.type === type)
    return { type, now: of(request), before: of(old) }
  })
  const refuse = (type: string, what: string): unknown =>
    errors.push(fieldError.forbidden(PATH, `updates may not ${what} a condition of type ${JSON.stringify(type)}`))
  for (const { type, now, before } of pairs) if (now.length < before.length) refuse(type, 'remove')
  if (isApproval) return
  for (const { type, now, before } of pairs) {
    if (!DECISIONS.includes(type)) continue
    if (now.length > before.length) refuse(type, 'add')
    else if (now.length === before.length && !deepEqual(now, before)) refuse(type, 'modify')
  }
}
