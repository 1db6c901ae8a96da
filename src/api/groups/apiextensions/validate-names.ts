import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import type { CustomResourceDefinitionNames } from '../../types/apiextensions-v1.gen.ts'
import { dns1035LabelErrors } from '../../validation/names.ts'

export function validateRequiredNames(names: CustomResourceDefinitionNames, path: Path, errors: FieldErrors): void {
  for (const field of ['plural', 'singular', 'kind', 'listKind'] as const)
    if ((names[field] ?? '') === '') errors.push(fieldError.required(path.child(field)))
}

export function validateNames(names: CustomResourceDefinitionNames, path: Path, errors: FieldErrors): void {
  const label = (value: string, at: Path): void => {
    const messages = dns1035LabelErrors(value)
    if (messages.length > 0) errors.push(fieldError.invalid(at, value, messages.join(',')))
  }
  const kindLabel = (value: string, at: Path): void => {
    const messages = dns1035LabelErrors(value.toLowerCase())
    if (messages.length > 0)
      errors.push(fieldError.invalid(at, value, `may have mixed case, but should otherwise match: ${messages.join(',')}`))
  }
  const { plural, singular = '', kind, listKind = '', shortNames = [], categories = [] } = names
  if (plural !== '') label(plural, path.child('plural'))
  if (singular !== '') label(singular, path.child('singular'))
  if (kind !== '') kindLabel(kind, path.child('kind'))
  if (listKind !== '') kindLabel(listKind, path.child('listKind'))
  shortNames.forEach((name, i) => label(name, path.child('shortNames').index(i)))
  if (kind !== '' && kind === listKind)
    errors.push(fieldError.invalid(path.child('listKind'), listKind, 'kind and listKind may not be the same'))
  categories.forEach((name, i) => label(name, path.child('categories').index(i)))
}
