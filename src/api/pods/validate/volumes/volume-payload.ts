import { type FieldErrors, fieldError } from '../../../meta/field-error.ts'
import type { Path } from '../../../meta/path.ts'
import type * as core from '../../../types/core-v1.gen.ts'
import { validateLabelSelector } from '../../../validation/label-selector.ts'
import { dnsSubdomainErrors } from '../../../validation/names.ts'
import { invalidText, validateRelativePath } from '../../../validation/values.ts'
import { VOLUME_FIELDS, validateFieldRef, validateResourceFieldRef } from '../field-refs.ts'

/** Volumes whose files are made from the API's objects. */

const MAX_FILE_MODE = 0o777
const SHORTEST_TOKEN_SECONDS = 600
const LONGEST_TOKEN_SECONDS = 2 ** 32

export function validateFileMode(mode: number | undefined, path: Path, errors: FieldErrors): void {
  if (mode !== undefined && (mode > MAX_FILE_MODE || mode < 0)) {
    errors.push(fieldError.invalid(path, mode, 'must be a number between 0 and 0777 (octal), both inclusive'))
  }
}

/** A path below the volume that does not look like the volume's own bookkeeping (`..data`). */
export function validatePayloadPath(value: string, path: Path, errors: FieldErrors): void {
  validateRelativePath(value, path, errors)
  if (value.startsWith('..') && !value.startsWith('../')) errors.push(fieldError.invalid(path, value, "must not start with '..'"))
}

export function validateSecretVolume(source: core.SecretVolumeSource, path: Path, errors: FieldErrors): void {
  if ((source.secretName ?? '') === '') errors.push(fieldError.required(path.child('secretName')))
  validateFileMode(source.defaultMode, path.child('defaultMode'), errors)
  source.items?.forEach((item, i) => validateKeyToPath(item, path.child('items').index(i), errors))
}

export function validateConfigMapVolume(source: core.ConfigMapVolumeSource, path: Path, errors: FieldErrors): void {
  if ((source.name ?? '') === '') errors.push(fieldError.required(path.child('name')))
  validateFileMode(source.defaultMode, path.child('defaultMode'), errors)
  source.items?.forEach((item, i) => validateKeyToPath(item, path.child('items').index(i), errors))
}

function validateKeyToPath({ key, path: target, mode }: core.KeyToPath, path: Path, errors: FieldErrors): void {
  if ((key ?? '') === '') errors.push(fieldError.required(path.child('key')))
  if ((target ?? '') === '') errors.push(fieldError.required(path.child('path')))
  validatePayloadPath(target ?? '', path.child('path'), errors)
  validateFileMode(mode, path.child('mode'), errors)
}

export function validateDownwardVolume(source: core.DownwardAPIVolumeSource, path: Path, errors: FieldErrors): void {
  validateFileMode(source.defaultMode, path.child('defaultMode'), errors)
  for (const file of source.items ?? []) validateDownwardFile(file, path, errors)
}

/** The errors stand at the volume, not at the file. */
function validateDownwardFile(file: core.DownwardAPIVolumeFile, path: Path, errors: FieldErrors): void {
  const target = file.path ?? ''
  if (target === '') errors.push(fieldError.required(path.child('path')))
  validatePayloadPath(target, path.child('path'), errors)
  if (file.fieldRef !== undefined) {
    validateFieldRef(file.fieldRef, VOLUME_FIELDS, path.child('fieldRef'), errors)
    if (file.resourceFieldRef !== undefined) {
      errors.push(fieldError.invalid(path, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'))
    }
  } else if (file.resourceFieldRef !== undefined)
    validateResourceFieldRef(file.resourceFieldRef, true, path.child('resourceFieldRef'), errors)
  else errors.push(fieldError.required(path, 'one of fieldRef and resourceFieldRef is required'))
  validateFileMode(file.mode, path.child('mode'), errors)
}

export function validateProjectedVolume(source: core.ProjectedVolumeSource, path: Path, errors: FieldErrors): void {
  validateFileMode(source.defaultMode, path.child('defaultMode'), errors)
  const taken = new Set<string>()
  const take = (target: string | undefined, shown: string): void => {
    if (target === undefined || target === '') return
    if (taken.has(target)) errors.push(fieldError.invalid(path, shown, 'conflicting duplicate paths'))
    taken.add(target)
  }
  source.sources?.forEach((one, i) => validateProjection(one, take, path, path.child('sources').index(i), errors))
}

type TakePath = (target: string | undefined, shown: string) => void

function validateProjection(source: core.VolumeProjection, take: TakePath, volume: Path, path: Path, errors: FieldErrors): void {
  let kinds = 0
  for (const field of ['secret', 'configMap'] as const) {
    const from = source[field]
    if (from === undefined) continue
    kinds++
    const at = path.child(field)
    const name = from.name ?? ''
    if (name === '') errors.push(fieldError.required(at.child('name')))
    from.items?.forEach((item, i) => {
      validateKeyToPath(item, at.child('items').index(i), errors)
      take(item.path, name)
    })
  }
  if (source.downwardAPI !== undefined) {
    kinds++
    for (const file of source.downwardAPI.items ?? []) {
      validateDownwardFile(file, path.child('downwardAPI'), errors)
      take(file.path, file.path ?? '')
    }
  }
  if (source.serviceAccountToken !== undefined) {
    kinds++
    validateToken(source.serviceAccountToken, volume, path.child('serviceAccountToken'), errors)
  }
  if (source.clusterTrustBundle !== undefined) {
    kinds++
    validateTrustBundle(source.clusterTrustBundle, path.child('clusterTrustBundlePEM'), errors)
    take(source.clusterTrustBundle.path, source.clusterTrustBundle.path ?? '')
  }
  if (kinds > 1) errors.push(fieldError.forbidden(path, 'may not specify more than 1 volume type per source'))
}

function validateToken(token: core.ServiceAccountTokenProjection, volume: Path, path: Path, errors: FieldErrors): void {
  const seconds = token.expirationSeconds ?? 0
  const at = path.child('expirationSeconds')
  if (seconds < SHORTEST_TOKEN_SECONDS) errors.push(fieldError.invalid(at, seconds, 'may not specify a duration less than 10 minutes'))
  if (seconds > LONGEST_TOKEN_SECONDS) errors.push(fieldError.invalid(at, seconds, 'may not specify a duration larger than 2^32 seconds'))
  if ((token.path ?? '') === '') errors.push(fieldError.required(volume.child('path')))
  else validatePayloadPath(token.path, volume.child('path'), errors)
}

function validateTrustBundle(bundle: core.ClusterTrustBundleProjection, path: Path, errors: FieldErrors): void {
  const { name, signerName, labelSelector } = bundle
  if (name !== undefined && signerName !== undefined) {
    errors.push(fieldError.invalid(path, bundle, 'only one of name and signerName may be used'))
  } else if (name !== undefined) {
    if (name === '') errors.push(fieldError.required(path.child('name'), 'must be a valid object name'))
    invalidText(name, dnsSubdomainErrors(name.slice(name.lastIndexOf(':') + 1)), path.child('name'), errors)
    if (labelSelector !== undefined) {
      errors.push(fieldError.invalid(path.child('labelSelector'), labelSelector, 'labelSelector must be unset if name is specified'))
    }
  } else if (signerName !== undefined) {
    if (signerName === '') errors.push(fieldError.required(path.child('signerName'), 'must be a valid signer name'))
    validateLabelSelector(labelSelector, path.child('labelSelector'), errors)
  } else errors.push(fieldError.required(path, 'either name or signerName must be specified'))
  if ((bundle.path ?? '') === '') errors.push(fieldError.required(path.child('path')))
  validatePayloadPath(bundle.path ?? '', path.child('path'), errors)
}
