import { defineResource } from '../../define.ts'
import { deepEqual } from '../../meta/deep.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { Path } from '../../meta/path.ts'
import * as refs from '../../refs.gen.ts'
import type { CSIStorageCapacity } from '../../types/storage-v1.gen.ts'
import { shownSelector, validateLabelSelector } from '../../validation/label-selector.ts'
import { dnsSubdomainErrors } from '../../validation/names.ts'
import { validateNonnegativeQuantity } from '../../validation/resources.ts'
import { IMMUTABLE, invalidText, validateImmutable } from '../../validation/values.ts'

const CLASS = Path.of('storageClassName')
const TOPOLOGY = Path.of('nodeTopology')

export const csiStorageCapacities = defineResource(refs.csistoragecapacities, {
  strategy: {
    unconditionalUpdate: false,
    validate,
    validateUpdate: (capacity, old, errors) => {
      validate(capacity, errors)
      // A selector of everything is another than none.
      if (!deepEqual(capacity.nodeTopology, old.nodeTopology))
        errors.push(fieldError.invalid(TOPOLOGY, capacity.nodeTopology && shownSelector(capacity.nodeTopology), IMMUTABLE))
      validateImmutable(capacity.storageClassName ?? '', old.storageClassName ?? '', CLASS, errors)
    },
  },
})

function validate({ nodeTopology, storageClassName, capacity }: CSIStorageCapacity, errors: FieldErrors): void {
  validateLabelSelector(nodeTopology, TOPOLOGY, errors)
  invalidText(storageClassName ?? '', dnsSubdomainErrors(storageClassName ?? ''), CLASS, errors)
  if (capacity !== undefined) validateNonnegativeQuantity(capacity, Path.of('capacity'), errors)
}
