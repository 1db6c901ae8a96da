import type { AdmissionRequest, Authorizer, ObjectReader } from '../../contract.ts'

/** A request of a node: what it writes must be its own. */
export interface NodeWrite {
  readonly node: string
  readonly request: AdmissionRequest
  readonly reader: ObjectReader
  readonly authorizer: Authorizer
}
