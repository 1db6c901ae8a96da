import { type FieldErrors, fieldError } from '../meta/field-error.ts'
import type { Path } from '../meta/path.ts'
import type * as core from '../types/core-v1.gen.ts'
import { validateLabelSelector } from './label-selector.ts'
import { dnsLabelErrors, dnsSubdomainErrors } from './names.ts'
import { validatePositiveQuantity } from './resources.ts'
import { invalidText } from './values.ts'

export const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod']
export const VOLUME_MODES = ['Block', 'Filesystem']
const CLAIM = 'PersistentVolumeClaim'

export function validateAccessModes(modes: readonly string[], path: Path, errors: FieldErrors): void {
  for (const mode of modes) if (!ACCESS_MODES.includes(mode)) errors.push(fieldError.notSupported(path, mode, ACCESS_MODES))
  if (modes.length > 1 && modes.includes('ReadWriteOncePod'))
    errors.push(fieldError.forbidden(path, 'may not use ReadWriteOncePod with other access modes'))
}

/** What a claim asks for: of a PersistentVolumeClaim, and of the template of one. */
export function validateClaimSpec(
  spec: core.PersistentVolumeClaimSpec | undefined,
  path: Path,
  errors: FieldErrors,
  old?: core.PersistentVolumeClaimSpec,
): void {
  const modes = spec?.accessModes ?? []
  if (modes.length === 0) errors.push(fieldError.required(path.child('accessModes'), 'at least 1 access mode is required'))
  validateLabelSelector(spec?.selector, path.child('selector'), errors)
  validateAccessModes(modes, path.child('accessModes'), errors)
  const storage = spec?.resources?.requests?.['storage']
  const storagePath = path.child('resources').key('storage')
  if (storage === undefined) errors.push(fieldError.required(storagePath))
  else validatePositiveQuantity(storage, storagePath, errors)
  if (spec === undefined) return
  const { storageClassName, volumeMode, dataSource, dataSourceRef, volumeAttributesClassName } = spec
  if (storageClassName) invalidText(storageClassName, dnsSubdomainErrors(storageClassName), path.child('storageClassName'), errors)
  if (volumeMode !== undefined && !VOLUME_MODES.includes(volumeMode))
    errors.push(fieldError.notSupported(path.child('volumeMode'), volumeMode, VOLUME_MODES))
  // A group that was accepted once is not looked at again.
  const anyGroup = old?.dataSource?.apiGroup !== undefined || old?.dataSourceRef?.apiGroup !== undefined
  if (dataSource !== undefined) validateDataSource(dataSource, anyGroup, path.child('dataSource'), errors)
  if (dataSourceRef !== undefined) validateDataSource(dataSourceRef, anyGroup, path.child('dataSourceRef'), errors)
  if (dataSourceRef?.namespace) {
    const { namespace } = dataSourceRef
    invalidText(namespace, dnsLabelErrors(namespace), path.child('dataSourceRef').child('namespace'), errors)
  }
  if (dataSource !== undefined && dataSourceRef !== undefined) validateSameSource(spec, path, errors)
  if (volumeAttributesClassName) {
    invalidText(volumeAttributesClassName, dnsSubdomainErrors(volumeAttributesClassName), path.child('volumeAttributesClassName'), errors)
  }
}

/** The two names of the source say the same. */
function validateSameSource({ dataSource, dataSourceRef }: core.PersistentVolumeClaimSpec, path: Path, errors: FieldErrors): void {
  if ((dataSourceRef?.namespace ?? '') !== '')
    errors.push(fieldError.invalid(path, {}, 'may not be specified when dataSourceRef.namespace is specified'))
  else if (
    dataSource?.apiGroup !== dataSourceRef?.apiGroup ||
    (['kind', 'name'] as const).some((field) => (dataSource?.[field] ?? '') !== (dataSourceRef?.[field] ?? ''))
  ) {
    errors.push(fieldError.invalid(path, {}, 'must match dataSourceRef'))
  }
}

function validateDataSource(source: core.TypedLocalObjectReference, anyGroup: boolean, path: Path, errors: FieldErrors): void {
  const { name = '', kind = '' } = source
  const apiGroup = source.apiGroup ?? ''
  if (name === '') errors.push(fieldError.required(path.child('name')))
  if (kind === '') errors.push(fieldError.required(path.child('kind')))
  if (apiGroup !== '' && !anyGroup) invalidText(apiGroup, dnsSubdomainErrors(apiGroup), path.child('apiGroup'), errors)
  if (apiGroup !== '') return
  if (kind !== CLAIM) errors.push(fieldError.invalid(path, kind, `must be '${CLAIM}' when referencing the default apiGroup`))
}
