import { type FieldErrors, fieldError } from '../../../meta/field-error.ts'
import type { Path } from '../../../meta/path.ts'
import type * as core from '../../../types/core-v1.gen.ts'
import { DNS_LABEL_MAX, byteLength, dnsLabelErrors, dnsSubdomainErrors } from '../../../validation/names.ts'
import {
  invalidText,
  validateAbsolutePath,
  validateEnum,
  validateInRange,
  validateNoWayUp,
  validateRelativePath,
} from '../../../validation/values.ts'

/** Volumes from storage systems. Most of them only want some of their fields to be there. */
export type SourceRule<S> = (source: S, path: Path, errors: FieldErrors) => void

/** All of these fields must have a value, in this order. */
export function required<S>(...fields: readonly (keyof S & string)[]): SourceRule<S> {
  return (source, path, errors) => {
    for (const field of fields) if (isEmpty(source[field])) errors.push(fieldError.required(path.child(field)))
  }
}

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0)

const HOST_PATH_TYPES = ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket']

export function validateHostPath({ path: hostPath, type }: core.HostPathVolumeSource, path: Path, errors: FieldErrors): void {
  if ((hostPath ?? '') === '') {
    errors.push(fieldError.required(path.child('path')))
    return
  }
  validateNoWayUp(hostPath, path.child('path'), errors)
  validateEnum(type, HOST_PATH_TYPES, path.child('type'), errors)
}

export function validateGitRepo(source: core.GitRepoVolumeSource, path: Path, errors: FieldErrors): void {
  required<core.GitRepoVolumeSource>('repository')(source, path, errors)
  validateRelativePath(source.directory ?? '', path.child('directory'), errors)
}

export function validateNfs(source: core.NFSVolumeSource, path: Path, errors: FieldErrors): void {
  required<core.NFSVolumeSource>('server', 'path')(source, path, errors)
  validateAbsolutePath(source.path ?? '', path.child('path'), errors)
}

/** A whole disk, or one of its partitions: GCE and AWS. */
export function disk<S extends { readonly partition?: number | undefined }>(name: keyof S & string): SourceRule<S> {
  return (source, path, errors) => {
    required<S>(name)(source, path, errors)
    const { partition = 0 } = source
    // 0 is none.
    if (partition !== 0) validateInRange(partition, 1, 255, path.child('partition'), errors)
  }
}

const INITIATOR_FORMATS: readonly (readonly [prefix: string, pattern: RegExp])[] = [
  ['iqn', /iqn\.\d{4}-\d{2}\.([A-Za-z0-9.-]+)(:[^,;*&$|\s]+)$/],
  ['eui', /^eui.[A-Za-z0-9]{16}$/],
  ['naa', /^naa.[A-Za-z0-9]{32}$/],
]

export function validateIscsi(source: core.ISCSIVolumeSource, path: Path, errors: FieldErrors): void {
  validateIscsiSource(source, 'must be valid format starting with iqn, eui, or naa', path, errors)
}

/** `unknown` is what is said of a name that begins with nothing known. */
export function validateIscsiSource(source: core.ISCSIVolumeSource, unknown: string, path: Path, errors: FieldErrors): void {
  required<core.ISCSIVolumeSource>('targetPortal', 'iqn')(source, path, errors)
  if ((source.iqn ?? '') !== '') validateInitiator(source.iqn, unknown, path.child('iqn'), errors)
  validateInRange(source.lun ?? 0, 0, 255, path.child('lun'), errors)
  if ((source.chapAuthDiscovery === true || source.chapAuthSession === true) && source.secretRef === undefined) {
    errors.push(fieldError.required(path.child('secretRef')))
  }
  if (source.initiatorName !== undefined) validateInitiator(source.initiatorName, unknown, path.child('initiatorname'), errors)
}

function validateInitiator(name: string, unknown: string, path: Path, errors: FieldErrors): void {
  const format = INITIATOR_FORMATS.find(([prefix]) => name.startsWith(prefix))
  if (format === undefined) errors.push(fieldError.invalid(path, name, unknown))
  else if (!format[1].test(name)) errors.push(fieldError.invalid(path, name, 'must be valid format'))
}

export function validateFibreChannel(source: core.FCVolumeSource, path: Path, errors: FieldErrors): void {
  const hasTargets = (source.targetWWNs ?? []).length > 0
  const hasIds = (source.wwids ?? []).length > 0
  const at = path.child('targetWWNs')
  if (!hasTargets && !hasIds) errors.push(fieldError.required(at, 'must specify either targetWWNs or wwids, but not both'))
  if (hasTargets && hasIds)
    errors.push(fieldError.invalid(at, source.targetWWNs, 'targetWWNs and wwids can not be specified simultaneously'))
  if (!hasTargets) return
  if (source.lun === undefined) errors.push(fieldError.required(path.child('lun'), 'lun is required if targetWWNs is specified'))
  else validateInRange(source.lun, 0, 255, path.child('lun'), errors)
}

export function validateFlocker({ datasetName = '', datasetUUID = '' }: core.FlockerVolumeSource, path: Path, errors: FieldErrors): void {
  if (datasetName === '' && datasetUUID === '') errors.push(fieldError.required(path, 'one of datasetName and datasetUUID is required'))
  if (datasetName !== '' && datasetUUID !== '') {
    errors.push(fieldError.invalid(path, 'resource', 'datasetName and datasetUUID can not be specified simultaneously'))
  }
  if (datasetName.includes('/')) errors.push(fieldError.invalid(path.child('datasetName'), datasetName, "must not contain '/'"))
}

export function validateCinder(source: core.CinderVolumeSource, path: Path, errors: FieldErrors): void {
  required<core.CinderVolumeSource>('volumeID')(source, path, errors)
  validateSecretRef(source.secretRef, path.child('secretRef'), errors)
}

function validateSecretRef(reference: core.LocalObjectReference | undefined, path: Path, errors: FieldErrors): void {
  if (reference !== undefined && (reference.name ?? '') === '') errors.push(fieldError.required(path.child('name')))
}

const HOST_PORT_PAIRS = 'must be a host:port pair or multiple pairs separated by commas'

export function validateQuobyte(source: core.QuobyteVolumeSource, path: Path, errors: FieldErrors): void {
  const { registry = '', tenant = '' } = source
  if (registry === '') errors.push(fieldError.required(path.child('registry'), HOST_PORT_PAIRS))
  else if (tenant.length >= 65)
    errors.push(fieldError.invalid(path.child('tenant'), tenant, 'must be a UUID and may not exceed a length of 64 characters'))
  else
    for (const pair of registry.split(','))
      if (!isHostPort(pair)) errors.push(fieldError.invalid(path.child('registry'), registry, HOST_PORT_PAIRS))
  required<core.QuobyteVolumeSource>('volume')(source, path, errors)
}

const isHostPort = (pair: string): boolean => /^(\[[^\]]*\]|[^:[\]]*):[^:[\]]*$/.test(pair)

export function validateFlexVolume(source: core.FlexVolumeSource, path: Path, errors: FieldErrors): void {
  required<core.FlexVolumeSource>('driver')(source, path, errors)
  for (const key of Object.keys(source.options ?? {})) {
    const namespace = `.${(key.split('/', 1)[0] ?? '').toLowerCase()}`
    if (namespace.endsWith('.kubernetes.io') || namespace.endsWith('.k8s.io')) {
      errors.push(fieldError.invalid(path.child('options').key(key), key, 'kubernetes.io and k8s.io namespaces are reserved'))
    }
  }
}

const CACHING_MODES = ['None', 'ReadOnly', 'ReadWrite']
const DISK_KINDS = ['Dedicated', 'Managed', 'Shared']
const MANAGED_DISK = '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}'
const BLOB_DISK = 'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd'

export function validateAzureDisk(source: core.AzureDiskVolumeSource, path: Path, errors: FieldErrors): void {
  required<core.AzureDiskVolumeSource>('diskName', 'diskURI')(source, path, errors)
  const { cachingMode, kind, diskURI = '' } = source
  if (cachingMode !== undefined && !CACHING_MODES.includes(cachingMode))
    errors.push(fieldError.notSupported(path.child('cachingMode'), cachingMode, CACHING_MODES))
  if (kind !== undefined && !DISK_KINDS.includes(kind)) errors.push(fieldError.notSupported(path.child('kind'), kind, DISK_KINDS))
  if (kind === undefined) return
  const [prefix, shape] = kind === 'Managed' ? ['/subscriptions/', MANAGED_DISK] : ['https://', BLOB_DISK]
  if (!diskURI.startsWith(prefix)) errors.push(fieldError.notSupported(path.child('diskURI'), diskURI, [shape]))
}

export function validateStorageOs(source: core.StorageOSVolumeSource, path: Path, errors: FieldErrors): void {
  const { volumeName = '', volumeNamespace = '' } = source
  if (volumeName === '') errors.push(fieldError.required(path.child('volumeName')))
  else invalidText(volumeName, dnsLabelErrors(volumeName), path.child('volumeName'), errors)
  if (volumeNamespace !== '') invalidText(volumeNamespace, dnsLabelErrors(volumeNamespace), path.child('volumeNamespace'), errors)
  validateSecretRef(source.secretRef, path.child('secretRef'), errors)
}

/** Also of a PersistentVolume and a CSIDriver object. */
export function validateCsiDriverName(driver: string, path: Path, errors: FieldErrors): void {
  if (driver === '') errors.push(fieldError.required(path))
  else {
    if (byteLength(driver) > DNS_LABEL_MAX) errors.push(fieldError.tooLong(path, DNS_LABEL_MAX))
    invalidText(driver, dnsSubdomainErrors(driver.toLowerCase()), path, errors)
  }
}

export function validateCsi({ driver, nodePublishSecretRef }: core.CSIVolumeSource, path: Path, errors: FieldErrors): void {
  validateCsiDriverName(driver ?? '', path.child('driver'), errors)
  if (nodePublishSecretRef === undefined) return
  const { name = '' } = nodePublishSecretRef
  if (name === '') errors.push(fieldError.required(path.child('nodePublishSecretRef').child('name')))
  else invalidText(name, dnsSubdomainErrors(name), path.child('name'), errors)
}
