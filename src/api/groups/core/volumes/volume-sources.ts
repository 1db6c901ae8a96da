import { type FieldErrors, fieldError } from '../../../meta/field-error.ts'
import type { Path } from '../../../meta/path.ts'
import {
  disk,
  required,
  type SourceRule,
  validateAzureDisk,
  validateCsiDriverName,
  validateFibreChannel,
  validateFlexVolume,
  validateFlocker,
  validateHostPath,
  validateIscsiSource,
  validateNfs,
  validateQuobyte,
} from '../../../pods/validate/volumes/volume-devices.ts'
import type * as core from '../../../types/core-v1.gen.ts'
import { dnsLabelErrors, dnsSubdomainErrors } from '../../../validation/names.ts'
import { invalidText, validateNoWayUp } from '../../../validation/values.ts'

type SourceField = Exclude<
  keyof core.PersistentVolumeSpec,
  | 'capacity'
  | 'accessModes'
  | 'claimRef'
  | 'persistentVolumeReclaimPolicy'
  | 'storageClassName'
  | 'mountOptions'
  | 'volumeMode'
  | 'nodeAffinity'
  | 'volumeAttributesClassName'
>
type SourceRules = { readonly [F in SourceField]: SourceRule<NonNullable<core.PersistentVolumeSpec[F]>> }

/** What each kind of volume wants, in the order in which Kubernetes looks at them. */
const SOURCES: SourceRules = {
  hostPath: validateHostPath,
  gcePersistentDisk: disk('pdName'),
  awsElasticBlockStore: disk('volumeID'),
  glusterfs: validateGlusterfs,
  flocker: validateFlocker,
  nfs: validateNfs,
  rbd: required('monitors', 'image'),
  quobyte: validateQuobyte,
  cephfs: required('monitors'),
  iscsi: validateIscsiVolume,
  cinder: validateCinder,
  fc: validateFibreChannel,
  flexVolume: (source, path, errors) => validateFlexVolume(source, path, errors),
  azureFile: validateAzureFile,
  vsphereVolume: required('volumePath'),
  photonPersistentDisk: required('pdID'),
  portworxVolume: required('volumeID'),
  azureDisk: validateAzureDisk,
  scaleIO: required('gateway', 'system', 'volumeName'),
  local: validateLocal,
  storageos: validateStorageOs,
  csi: validateCsi,
}
export const SOURCE_FIELDS = Object.keys(SOURCES) as readonly SourceField[]

/** Where errors of a source stand, if not under its own name. */
const SHOWN_AS: Partial<Record<SourceField, string>> = { gcePersistentDisk: 'persistentDisk' }
/** Where it stands that there is one too many, if elsewhere. */
const TOO_MANY_AS: Partial<Record<SourceField, string>> = { cephfs: 'cephFS' }
/** Nobody minds that it is one too many. */
const NEVER_TOO_MANY: SourceField = 'flexVolume'
/** More than this leave no room for the name that a node's initiator gives the volume. */
const LONGEST_INITIATOR_NAME = 64

export function validateSource(spec: core.PersistentVolumeSpec, name: string, path: Path, errors: FieldErrors): void {
  let found = false
  for (const field of SOURCE_FIELDS) {
    if (spec[field] === undefined) continue
    const at = path.child(SHOWN_AS[field] ?? field)
    if (found && field !== NEVER_TOO_MANY) {
      errors.push(
        fieldError.forbidden(path.child(TOO_MANY_AS[field] ?? SHOWN_AS[field] ?? field), 'may not specify more than 1 volume type'),
      )
      continue
    }
    checkSource(spec, field, at, errors)
    found = true
    if (field === 'iscsi') validateInitiatorLength(spec, name, at, errors)
    if (field === 'local' && spec.nodeAffinity === undefined)
      errors.push(fieldError.required(path.child('nodeAffinity'), 'Local volume requires node affinity'))
  }
  if (!found) errors.push(fieldError.required(path, 'must specify a volume type'))
}

function checkSource<F extends SourceField>(spec: core.PersistentVolumeSpec, field: F, path: Path, errors: FieldErrors): void {
  const source = spec[field]
  if (source !== undefined && source !== null) SOURCES[field](source, path, errors)
}

function validateInitiatorLength({ iscsi }: core.PersistentVolumeSpec, name: string, path: Path, errors: FieldErrors): void {
  if (iscsi?.initiatorName === undefined || `${name}:${iscsi.targetPortal}`.length <= LONGEST_INITIATOR_NAME) return
  const why = 'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.'
  errors.push(fieldError.invalid(path.child('targetportal'), iscsi.targetPortal, why))
}

function validateGlusterfs(source: core.GlusterfsPersistentVolumeSource, path: Path, errors: FieldErrors): void {
  required<core.GlusterfsPersistentVolumeSource>('endpoints', 'path')(source, path, errors)
  const { endpointsNamespace } = source
  if (endpointsNamespace === undefined) return
  const at = path.child('endpointsNamespace')
  if (endpointsNamespace === '')
    errors.push(fieldError.invalid(at, '', 'if the endpointnamespace is set, it must be a valid namespace name'))
  else invalidText(endpointsNamespace, dnsLabelErrors(endpointsNamespace), at, errors)
}

function validateIscsiVolume(source: core.ISCSIPersistentVolumeSource, path: Path, errors: FieldErrors): void {
  validateIscsiSource(source, 'must be valid format', path, errors)
  if (source.secretRef !== undefined && (source.secretRef.name ?? '') === '')
    errors.push(fieldError.required(path.child('secretRef').child('name')))
}

function validateCinder(source: core.CinderPersistentVolumeSource, path: Path, errors: FieldErrors): void {
  required<core.CinderPersistentVolumeSource>('volumeID')(source, path, errors)
  if (source.secretRef !== undefined) required<core.SecretReference>('name', 'namespace')(source.secretRef, path.child('secretRef'), errors)
}

function validateAzureFile(source: core.AzureFilePersistentVolumeSource, path: Path, errors: FieldErrors): void {
  required<core.AzureFilePersistentVolumeSource>('secretName', 'shareName')(source, path, errors)
  if (source.secretNamespace === '') errors.push(fieldError.required(path.child('secretNamespace')))
}

function validateLocal(source: core.LocalVolumeSource, path: Path, errors: FieldErrors): void {
  const at = path.child('path')
  if ((source.path ?? '') === '') errors.push(fieldError.required(at))
  else validateNoWayUp(source.path, at, errors)
}

function validateStorageOs(
  { volumeName = '', volumeNamespace = '', secretRef }: core.StorageOSPersistentVolumeSource,
  path: Path,
  errors: FieldErrors,
): void {
  if (volumeName === '') errors.push(fieldError.required(path.child('volumeName')))
  else invalidText(volumeName, dnsLabelErrors(volumeName), path.child('volumeName'), errors)
  if (volumeNamespace !== '') invalidText(volumeNamespace, dnsLabelErrors(volumeNamespace), path.child('volumeNamespace'), errors)
  if (secretRef !== undefined) required<core.ObjectReference>('name', 'namespace')(secretRef, path.child('secretRef'), errors)
}

function validateCsi(source: core.CSIPersistentVolumeSource, path: Path, errors: FieldErrors): void {
  validateCsiDriverName(source.driver ?? '', path.child('driver'), errors)
  required<core.CSIPersistentVolumeSource>('volumeHandle')(source, path, errors)
  // The reference of nodeStage is not looked at.
  for (const field of ['controllerPublishSecretRef', 'controllerExpandSecretRef', 'nodePublishSecretRef', 'nodeExpandSecretRef'] as const) {
    const reference = source[field]
    if (reference !== undefined) validateSecretReference(reference, path.child(field), errors)
  }
}

function validateSecretReference({ name = '', namespace = '' }: core.SecretReference, path: Path, errors: FieldErrors): void {
  if (name === '') errors.push(fieldError.required(path.child('name')))
  else invalidText(name, dnsSubdomainErrors(name), path.child('name'), errors)
  if (namespace === '') errors.push(fieldError.required(path.child('namespace')))
  else invalidText(namespace, dnsLabelErrors(namespace), path.child('namespace'), errors)
}
