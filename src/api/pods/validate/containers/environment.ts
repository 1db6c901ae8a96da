import { type FieldErrors, fieldError } from '../../../meta/field-error.ts'
import type { Path } from '../../../meta/path.ts'
import type * as core from '../../../types/core-v1.gen.ts'
import { configMapKeyErrors, dnsLabelErrors, dnsSubdomainErrors, relaxedEnvVarNameErrors } from '../../../validation/names.ts'
import { invalidText, validateNoWayUp } from '../../../validation/values.ts'
import { ENVIRONMENT_FIELDS, validateFieldRef, validateResourceFieldRef } from '../field-refs.ts'

const MORE_THAN_ONE = 'may not have more than one field specified at a time'

export function validateEnv(variables: readonly core.EnvVar[], path: Path, errors: FieldErrors): void {
  variables.forEach((variable, i) => {
    const name = variable.name ?? ''
    if (name === '') errors.push(fieldError.required(path.index(i).child('name')))
    else invalidText(name, relaxedEnvVarNameErrors(name), path.index(i).child('name'), errors)
    if (variable.valueFrom !== undefined) validateValueFrom(variable, variable.valueFrom, path.index(i).child('valueFrom'), errors)
  })
}

function validateValueFrom(variable: core.EnvVar, source: core.EnvVarSource, path: Path, errors: FieldErrors): void {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = source
  if (fieldRef !== undefined) validateFieldRef(fieldRef, ENVIRONMENT_FIELDS, path.child('fieldRef'), errors)
  if (resourceFieldRef !== undefined) validateResourceFieldRef(resourceFieldRef, false, path.child('resourceFieldRef'), errors)
  if (configMapKeyRef !== undefined) validateKeyRef(configMapKeyRef, path.child('configMapKeyRef'), errors)
  if (secretKeyRef !== undefined) validateKeyRef(secretKeyRef, path.child('secretKeyRef'), errors)
  if (fileKeyRef !== undefined) validateFileKeyRef(fileKeyRef, path.child('fileKeyRef'), errors)
  const sources = [fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef].filter((one) => one !== undefined).length
  if (sources === 0)
    errors.push(
      fieldError.invalid(
        path,
        '',
        'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
      ),
    )
  else if ((variable.value ?? '') !== '') errors.push(fieldError.invalid(path, '', 'may not be specified when `value` is not empty'))
  else if (sources > 1) errors.push(fieldError.invalid(path, '', MORE_THAN_ONE))
}

function validateKeyRef(
  { name = '', key = '' }: core.ConfigMapKeySelector | core.SecretKeySelector,
  path: Path,
  errors: FieldErrors,
): void {
  invalidText(name, dnsSubdomainErrors(name), path.child('name'), errors)
  if (key === '') errors.push(fieldError.required(path.child('key')))
  else invalidText(key, configMapKeyErrors(key), path.child('key'), errors)
}

function validateFileKeyRef({ volumeName = '', path: file = '', key = '' }: core.FileKeySelector, path: Path, errors: FieldErrors): void {
  if (key === '') errors.push(fieldError.required(path.child('key')))
  else invalidText(key, relaxedEnvVarNameErrors(key), path.child('key'), errors)
  if (volumeName === '') errors.push(fieldError.required(path.child('volumeName')))
  else invalidText(volumeName, dnsLabelErrors(volumeName), path.child('volumeName'), errors)
  if (file === '') errors.push(fieldError.required(path.child('path')))
  else validateNoWayUp(file, path.child('path'), errors)
}

export function validateEnvFrom(sources: readonly core.EnvFromSource[], path: Path, errors: FieldErrors): void {
  sources.forEach(({ prefix = '', configMapRef, secretRef }, i) => {
    const at = path.index(i)
    if (prefix !== '') invalidText(prefix, relaxedEnvVarNameErrors(prefix), at.child('prefix'), errors)
    if (configMapRef !== undefined) validateSourceName(configMapRef.name, at.child('configMapRef').child('name'), errors)
    if (secretRef !== undefined) validateSourceName(secretRef.name, at.child('secretRef').child('name'), errors)
    if (configMapRef === undefined && secretRef === undefined)
      errors.push(fieldError.invalid(path, '', 'must specify one of: `configMapRef` or `secretRef`'))
    else if (configMapRef !== undefined && secretRef !== undefined) errors.push(fieldError.invalid(path, '', MORE_THAN_ONE))
  })
}

function validateSourceName(name: string | undefined, path: Path, errors: FieldErrors): void {
  if (name === undefined || name === '') errors.push(fieldError.required(path))
  else invalidText(name, dnsSubdomainErrors(name), path, errors)
}
