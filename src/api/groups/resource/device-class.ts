import { defineResource } from '../../define.ts'
import { deepEqual } from '../../meta/deep.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import * as refs from '../../refs.gen.ts'
import type { DeviceClassConfiguration, DeviceClassSpec } from '../../types/resource-v1.gen.ts'
import { longNameErrors } from '../../validation/names.ts'
import { isExtendedResource } from '../../validation/resources.ts'
import { SPEC } from '../../workloads/workload.ts'
import { MOST_CONFIGS, validateConfiguration, validateSelectors } from './device-config.ts'
import { validateSlice } from './lists.ts'

export const deviceClasses = defineResource(refs.deviceclasses, {
  strategy: {
    // Only the name itself is looked at, once it has been made.
    validateName: (name, isPrefix) => (isPrefix ? [] : longNameErrors(name)),
    generation: 'spec',
    defaults: (deviceClass) => {
      deviceClass.spec ??= {}
    },
    validate: ({ spec }, errors) => validate(spec, undefined, errors),
    validateUpdate: ({ spec }, old, errors) => validate(spec, old.spec, errors),
  },
})

function validate(
  { selectors, config, extendedResourceName }: DeviceClassSpec,
  old: DeviceClassSpec | undefined,
  errors: FieldErrors,
): void {
  validateSelectors(selectors, SPEC.child('selectors'), errors)
  const isStored = old !== undefined && deepEqual(config, old.config)
  const one = (configuration: DeviceClassConfiguration, at: Path): void => validateConfiguration(configuration, isStored, at, errors)
  validateSlice(config, MOST_CONFIGS, one, SPEC.child('config'), errors)
  if (extendedResourceName !== undefined && !isExtendedResource(extendedResourceName)) {
    const path = SPEC.child('extendedResourceName')
    errors.push(fieldError.invalid(path, extendedResourceName, 'must be a valid extended resource name'))
  }
}
