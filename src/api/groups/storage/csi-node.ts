import { defineResource } from '../../define.ts'
import { deepEqual } from '../../meta/deep.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { Path } from '../../meta/path.ts'
import { validateCsiDriverName } from '../../pods/validate/volumes/volume-devices.ts'
import * as refs from '../../refs.gen.ts'
import type { CSINode, CSINodeDriver } from '../../types/storage-v1.gen.ts'
import { byteLength, qualifiedNameErrors } from '../../validation/names.ts'
import { IMMUTABLE, invalidText, validateNonnegative, validateRequired } from '../../validation/values.ts'

const DRIVERS = Path.of('spec', 'drivers')
const LONGEST_NODE_ID = 256

export const csiNodes = defineResource(refs.csinodes, {
  strategy: {
    unconditionalUpdate: false,
    validate,
    validateUpdate: (node, old, errors) => {
      validate(node, errors)
      for (const driver of node.spec?.drivers ?? []) {
        const before = old.spec?.drivers?.find(({ name }) => name === driver.name)
        if (before !== undefined && !sameDriver(driver, before)) errors.push(fieldError.invalid(DRIVERS, driver, IMMUTABLE))
      }
    },
  },
  columns: { Drivers: ({ spec }) => spec?.drivers?.length ?? 0 },
})

/** How many volumes a driver can have may change. */
function sameDriver(driver: CSINodeDriver, old: CSINodeDriver): boolean {
  return driver.nodeID === old.nodeID && deepEqual(driver.topologyKeys ?? [], old.topologyKeys ?? [])
}

function validate({ spec }: CSINode, errors: FieldErrors): void {
  const names = new Set<string>()
  for (const [i, driver] of (spec?.drivers ?? []).entries()) {
    const path = DRIVERS.index(i)
    validateDriver(driver, path, errors)
    const name = driver.name ?? ''
    if (names.has(name)) errors.push(fieldError.duplicate(path.child('name'), name))
    names.add(name)
  }
}

function validateDriver({ name, nodeID, topologyKeys, allocatable }: CSINodeDriver, path: Path, errors: FieldErrors): void {
  validateCsiDriverName(name ?? '', path.child('name'), errors)
  if (validateRequired(nodeID, path.child('nodeID'), errors) && byteLength(nodeID) > LONGEST_NODE_ID)
    errors.push(fieldError.invalid(path.child('nodeID'), nodeID, `must be ${LONGEST_NODE_ID} characters or less`))
  validateNonnegative(allocatable?.count, path.child('allocatable').child('count'), errors)
  // Keys are reported at the driver.
  const seen = new Set<string>()
  for (const key of topologyKeys ?? []) {
    if (key === '') errors.push(fieldError.required(path))
    if (seen.has(key)) errors.push(fieldError.duplicate(path, key))
    seen.add(key)
    invalidText(key, qualifiedNameErrors(key), path, errors)
  }
}
