import { defineResource } from '../../define.ts'
import { deepEqual } from '../../meta/deep.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { type GoStruct, shownStruct } from '../../meta/go-struct.ts'
import { Path } from '../../meta/path.ts'
import { validateTolerations } from '../../pods/index.ts'
import { labelDeprecation } from '../../pods/warnings/scheduling-warnings.ts'
import * as refs from '../../refs.gen.ts'
import type { Resource } from '../../resource.ts'
import type { RuntimeClass } from '../../types/node-v1.gen.ts'
import { validateLabels } from '../../validation/label-selector.ts'
import { dnsLabelErrors } from '../../validation/names.ts'
import { validateContainerResourceName, validateResourceQuantity } from '../../validation/resources.ts'
import { invalidText, validateImmutable, validateRequired } from '../../validation/values.ts'

const HANDLER = Path.of('handler')
const OVERHEAD = Path.of('overhead', 'limits')
const NODE_SELECTOR = Path.of('scheduling', 'nodeSelector')
const TOLERATIONS = Path.of('scheduling', 'tolerations')

const runtimeClasses = defineResource(refs.runtimeclasses, {
  strategy: {
    anyFinalizer: true,
    unconditionalUpdate: false,
    validate,
    validateUpdate: (runtimeClass, old, errors) => {
      validate(runtimeClass, errors)
      validateImmutable(runtimeClass.handler, old.handler, HANDLER, errors)
    },
    warnings: ({ scheduling }) =>
      Object.keys(scheduling?.nodeSelector ?? {}).flatMap((label) => {
        const why = labelDeprecation(label)
        return why === undefined ? [] : [`${NODE_SELECTOR}: ${why}`]
      }),
  },
  columns: { Handler: ({ handler }) => handler },
})

function validate({ handler, overhead, scheduling }: RuntimeClass, errors: FieldErrors): void {
  if (validateRequired(handler, HANDLER, errors)) invalidText(handler, dnsLabelErrors(handler), HANDLER, errors)
  for (const [name, amount] of Object.entries(overhead?.podFixed ?? {})) {
    validateContainerResourceName(name, OVERHEAD.key(name), errors)
    validateResourceQuantity(name, amount, OVERHEAD.key(name), errors)
  }
  validateLabels(scheduling?.nodeSelector, NODE_SELECTOR, errors)
  const tolerations = scheduling?.tolerations ?? []
  validateTolerations(tolerations, TOLERATIONS, errors)
  tolerations.forEach((toleration, at) => {
    if (tolerations.slice(0, at).some((other) => deepEqual(other, toleration)))
      errors.push(fieldError.duplicate(TOLERATIONS.index(at), shownStruct(SHOWN_TOLERATION, toleration)))
  })
}

const SHOWN_TOLERATION: GoStruct = [
  ['Key', 'key', ''],
  ['Operator', 'operator', ''],
  ['Value', 'value', ''],
  ['Effect', 'effect', ''],
  ['TolerationSeconds', 'tolerationSeconds'],
]

export const nodeResources: readonly Resource[] = [runtimeClasses]
