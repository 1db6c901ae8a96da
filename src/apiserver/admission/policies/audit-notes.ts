import type { AdmissionRequest } from '../../contract.ts'

const FAILURE = 'validation.policy.admission.k8s.io/validation_failure'

interface Failure {
  readonly message: string
  readonly policy: string
  readonly binding: string
  readonly expressionIndex: number
  readonly validationActions: readonly string[]
}

/** What the audit log is told by the policies of one request. */
export class AuditNotes {
  readonly #values = new Map<string, Set<string>>()
  #failure: Failure | undefined

  add(key: string, value: string): void {
    const values = this.#values.get(key) ?? new Set()
    values.add(value)
    this.#values.set(key, values)
  }
  /** The first one is told. */
  failure(failure: Failure): void {
    this.#failure ??= failure
  }
  write(request: AdmissionRequest): void {
    for (const [key, values] of this.#values) request.annotate?.(key, [...values].join(', '))
    if (this.#failure !== undefined) request.annotate?.(FAILURE, JSON.stringify([this.#failure]))
  }
}
