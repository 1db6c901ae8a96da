import type { Scope } from '#base'
import { SampanError, isCancelled } from '#base'
import { Compacted, StoreFailed, StoreUnavailable, StoreUncertain } from '#store'
import { StatusError, statusError } from '#api'

/** Turns anything thrown into the one refusal that the client is sent. What nobody expected is logged once, with the audit id, and not shown. */
export function refusalOf(scope: Scope, error: unknown, auditId: string): StatusError {
  if (error instanceof StatusError) return error
  if (error instanceof SampanError && error.code === 'BODY_TOO_LARGE')
    return statusError.tooLarge('Request entity too large: limit is 3145728')
  if (error instanceof Compacted) return statusError.expired('The resourceVersion for the provided watch is too old.')
  if (error instanceof StoreFailed) {
    scope.log.error('the store refused a write', { error, auditId })
    return statusError.unavailable('the storage refused the request')
  }
  if (error instanceof StoreUnavailable) {
    scope.log.error('the store cannot be reached', { error, auditId })
    return statusError.unavailable('the storage cannot be reached')
  }
  if (error instanceof StoreUncertain) scope.log.error('it is not known whether a write happened', { error, auditId })
  if (isCancelled(error) || error instanceof StoreUncertain) {
    return new StatusError({
      code: 504,
      reason: 'Timeout',
      message: 'Timeout: request did not complete within the allotted timeout',
      details: {},
    })
  }
  scope.log.error('a request failed in an unexpected way', { error, auditId })
  return statusError.internal(`see the server log, audit id ${auditId}`)
}
