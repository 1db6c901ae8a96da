import { defineResource } from '../../define.ts'
import { deepEqual } from '../../meta/deep.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { Path } from '../../meta/path.ts'
import * as refs from '../../refs.gen.ts'
import type { VolumeAttributesClass } from '../../types/storage-v1.gen.ts'
import { qualifiedNameErrors } from '../../validation/names.ts'
import { invalidText, validateRequired } from '../../validation/values.ts'
import { validateParameters } from './parameters.ts'

const DRIVER = Path.of('driverName')
const PARAMETERS = Path.of('parameters')

export const volumeAttributesClasses = defineResource(refs.volumeattributesclasses, {
  strategy: {
    validate: (attributes, errors) => {
      validateDriver(attributes, errors)
      validateAttributes(attributes, errors)
    },
    validateUpdate: (attributes, old, errors) => {
      if (attributes.driverName !== old.driverName) errors.push(fieldError.forbidden(DRIVER, 'updates to driverName are forbidden.'))
      if (!deepEqual(attributes.parameters ?? {}, old.parameters ?? {}))
        errors.push(fieldError.forbidden(PARAMETERS, 'updates to parameters are forbidden.'))
      validateDriver(attributes, errors)
      validateAttributes(attributes, errors)
    },
  },
  columns: { DriverName: ({ driverName }) => driverName },
})

function validateDriver({ driverName }: VolumeAttributesClass, errors: FieldErrors): void {
  const name = (driverName ?? '').toLowerCase()
  if (validateRequired(name, DRIVER, errors)) invalidText(name, qualifiedNameErrors(name), DRIVER, errors)
}

function validateAttributes({ parameters }: VolumeAttributesClass, errors: FieldErrors): void {
  validateParameters(parameters, PARAMETERS, errors)
  if (Object.keys(parameters ?? {}).length === 0) errors.push(fieldError.required(PARAMETERS, 'must contain at least one key/value pair'))
}
