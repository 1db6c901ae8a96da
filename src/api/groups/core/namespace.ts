import { defineResource } from '../../define.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { Path } from '../../meta/path.ts'
import * as refs from '../../refs.gen.ts'
import type { Namespace } from '../../types/core-v1.gen.ts'
import { validateObjectMeta, validateStandardFinalizer } from '../../validation/object-meta.ts'
import { nameIsDnsLabel, qualifiedNameErrors } from '../../validation/names.ts'
import { invalidText } from '../../validation/values.ts'

const KUBERNETES = 'kubernetes'
const NAME_LABEL = 'kubernetes.io/metadata.name'
const PHASE = Path.of('status', 'Phase')

export const namespaces = defineResource(refs.namespaces, {
  strategy: {
    validateName: nameIsDnsLabel,
    defaults: (namespace) => {
      labelWithName(namespace)
      namespace.status ??= {}
      namespace.status.phase ||= 'Active'
    },
    prepareForCreate: (namespace) => {
      // A generated name is known only now.
      labelWithName(namespace)
      namespace.status = { phase: 'Active' }
      const finalizers = namespace.spec?.finalizers ?? []
      namespace.spec = { ...namespace.spec, finalizers: finalizers.includes(KUBERNETES) ? finalizers : [...finalizers, KUBERNETES] }
    },
    prepareForUpdate: (namespace, old) => {
      keep(namespace, old, 'spec')
      keep(namespace, old, 'status')
    },
    validate: (namespace, errors) => validateFinalizers(namespace, 'spec.finalizers', errors),
    validateUpdate: (namespace, _old, errors) => {
      // As a whole, beside what is looked at for every kind.
      validateObjectMeta(namespace.metadata ?? {}, { namespaced: false }, Path.of('metadata'), errors)
      validateFinalizers(namespace, 'spec.finalizers', errors)
    },
    deleteAnswer: 'object',
    describedDeleteAnswer: 'status',
  },
  columns: { Status: (namespace) => namespace.status?.phase ?? '' },
  selectable: { name: (namespace) => namespace.metadata?.name ?? '', 'status.phase': (namespace) => namespace.status?.phase ?? '' },
  subresources: {
    status: {
      type: 'status',
      prepareForUpdate: (namespace, old) => keep(namespace, old, 'spec'),
      validateUpdate: (namespace, _old, errors) => {
        const phase = namespace.status?.phase ?? ''
        if (namespace.metadata?.deletionTimestamp === undefined) {
          if (phase !== 'Active') errors.push(fieldError.invalid(PHASE, phase, "may only be 'Active' if `deletionTimestamp` is empty"))
        } else if (phase !== 'Terminating')
          errors.push(fieldError.invalid(PHASE, phase, "may only be 'Terminating' if `deletionTimestamp` is not empty"))
      },
    },
  },
})

function labelWithName(namespace: Namespace): void {
  namespace.metadata ??= {}
  const { name } = namespace.metadata
  if (name !== undefined && name !== '') namespace.metadata.labels = { ...namespace.metadata.labels, [NAME_LABEL]: name }
}

function keep<K extends 'spec' | 'status'>(namespace: Namespace, old: Namespace, field: K): void {
  if (old[field] === undefined) delete namespace[field]
  else namespace[field] = old[field]
}

/** `/finalize` reports each finalizer by its place, creation all by the list's name. */
export function validateFinalizers(namespace: Namespace, field: 'spec.finalizers' | 'each', errors: FieldErrors): void {
  const list = Path.of('spec', 'finalizers')
  namespace.spec?.finalizers?.forEach((finalizer, i) => {
    const path = field === 'each' ? list.index(i) : list
    const messages = qualifiedNameErrors(finalizer)
    invalidText(finalizer, messages, path, errors)
    validateStandardFinalizer(finalizer, path, errors)
  })
}
