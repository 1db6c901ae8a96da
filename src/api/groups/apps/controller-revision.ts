import { defineResource } from '../../define.ts'
import { isJsonObject } from '../../meta/deep.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { Path } from '../../meta/path.ts'
import * as refs from '../../refs.gen.ts'
import type { ControllerRevision } from '../../types/apps-v1.gen.ts'
import { validateImmutable, validateNonnegative } from '../../validation/values.ts'

const DATA = Path.of('data')

/** A state that a DaemonSet or StatefulSet can go back to. What it holds never changes, its number may. */
export const controllerRevisions = defineResource(refs.controllerrevisions, {
  strategy: {
    validate,
    validateUpdate: (revision, old, errors) => {
      validateNonnegative(revision.revision, Path.of('revision'), errors)
      validateImmutable(revision.data ?? null, old.data ?? null, DATA, errors)
    },
  },
  columns: {
    Controller: ({ metadata }) => controllerText(metadata?.ownerReferences?.find((owner) => owner.controller === true)),
    Revision: ({ revision }) => revision,
  },
})

function controllerText(owner: { readonly apiVersion: string; readonly kind: string; readonly name: string } | undefined): string {
  if (owner === undefined) return '<none>'
  const slash = owner.apiVersion.indexOf('/')
  const group = slash === -1 ? '' : `.${owner.apiVersion.slice(0, slash)}`
  return `${owner.kind.toLowerCase()}${group}/${owner.name}`
}

function validate({ data, revision }: ControllerRevision, errors: FieldErrors): void {
  if (data === undefined || data === null) errors.push(fieldError.required(DATA, 'data is mandatory'))
  else if (!isJsonObject(data)) errors.push(fieldError.required(DATA, 'data must be a valid JSON object'))
  validateNonnegative(revision, Path.of('revision'), errors)
}
