import { type FieldErrors, fieldError } from '../../../meta/field-error.ts'
import { Path } from '../../../meta/path.ts'
import type { StatusSubresource } from '../../../resource.ts'
import type { PersistentVolumeClaim } from '../../../types/core-v1.gen.ts'
import { qualifiedNameErrors } from '../../../validation/names.ts'
import { isNativeResource } from '../../../validation/resources.ts'
import { invalidText } from '../../../validation/values.ts'
import { keepSpec } from '../../../workloads/workload.ts'
import { validateAmount } from './volume-spec.ts'

const STATUS = Path.of('status')
const RESIZE_STATES = [
  'ControllerResizeInProgress',
  'ControllerResizeInfeasible',
  'NodeResizeInProgress',
  'NodeResizeInfeasible',
  'NodeResizePending',
]

export const claimStatus: StatusSubresource<PersistentVolumeClaim> = {
  type: 'status',
  prepareForUpdate: keepSpec,
  validateUpdate: ({ spec, status = {} }, _old, errors) => {
    if ((spec?.accessModes ?? []).length === 0) errors.push(fieldError.required(Path.of('Spec', 'accessModes')))
    for (const [name, amount] of Object.entries(status.capacity ?? {})) validateAmount(amount, STATUS.child('capacity').key(name), errors)
    const states = STATUS.child('allocatedResourceStatuses')
    for (const [name, state] of Object.entries(status.allocatedResourceStatuses ?? {})) {
      validateResourceKey(name, states, errors)
      if (!RESIZE_STATES.includes(state)) errors.push(fieldError.notSupported(states, name, RESIZE_STATES))
    }
    const allocated = STATUS.child('allocatedResources')
    for (const [name, amount] of Object.entries(status.allocatedResources ?? {})) {
      const before = errors.length
      validateResourceKey(name, allocated, errors)
      if (errors.length === before) validateAmount(amount, allocated.key(name), errors)
    }
  },
}

/** The one resource that a claim has, or one of somebody else's. */
function validateResourceKey(name: string, path: Path, errors: FieldErrors): void {
  const problems = qualifiedNameErrors(name)
  invalidText(name, problems, path, errors)
  if (problems.length > 0) return
  if (isNativeResource(name) && name !== 'storage') errors.push(fieldError.notSupported(path, name, ['storage']))
}
