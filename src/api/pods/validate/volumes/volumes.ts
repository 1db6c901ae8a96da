import { type FieldErrors, fieldError } from '../../../meta/field-error.ts'
import type { ObjectMeta } from '../../../meta/object.ts'
import type { Path } from '../../../meta/path.ts'
import { compareQuantities } from '../../../meta/quantity.ts'
import type * as core from '../../../types/core-v1.gen.ts'
import { dnsLabelErrors } from '../../../validation/names.ts'
import { invalidText, validateRequiredEnum } from '../../../validation/values.ts'
import { validateEphemeralVolume } from './claim-template.ts'
import type { PodValidationOptions } from '../options.ts'
import {
  disk,
  required,
  type SourceRule,
  validateAzureDisk,
  validateCinder,
  validateCsi,
  validateFibreChannel,
  validateFlexVolume,
  validateFlocker,
  validateGitRepo,
  validateHostPath,
  validateIscsi,
  validateNfs,
  validateQuobyte,
  validateStorageOs,
} from './volume-devices.ts'
import { validateConfigMapVolume, validateDownwardVolume, validateProjectedVolume, validateSecretVolume } from './volume-payload.ts'

export const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never']
/** More than this leave no room for the name that a node's initiator gives the volume. */
const LONGEST_INITIATOR_NAME = 64

type SourceField = Exclude<keyof core.Volume, 'name'>
type SourceRules = {
  readonly [F in SourceField]: (
    ...[source, path, errors, options]: [...Parameters<SourceRule<NonNullable<core.Volume[F]>>>, PodValidationOptions]
  ) => void
}

/** What each kind of volume wants, in the order in which Kubernetes looks at them. */
const SOURCES: SourceRules = {
  emptyDir: validateEmptyDir,
  hostPath: validateHostPath,
  gitRepo: validateGitRepo,
  gcePersistentDisk: disk('pdName'),
  awsElasticBlockStore: disk('volumeID'),
  secret: validateSecretVolume,
  nfs: validateNfs,
  iscsi: validateIscsi,
  glusterfs: required('endpoints', 'path'),
  flocker: validateFlocker,
  persistentVolumeClaim: required('claimName'),
  rbd: required('monitors', 'image'),
  cinder: validateCinder,
  cephfs: required('monitors'),
  quobyte: validateQuobyte,
  downwardAPI: validateDownwardVolume,
  fc: validateFibreChannel,
  flexVolume: validateFlexVolume,
  configMap: validateConfigMapVolume,
  azureFile: required('secretName', 'shareName'),
  vsphereVolume: required('volumePath'),
  photonPersistentDisk: required('pdID'),
  portworxVolume: required('volumeID'),
  azureDisk: validateAzureDisk,
  storageos: validateStorageOs,
  projected: validateProjectedVolume,
  scaleIO: required('gateway', 'system', 'volumeName'),
  csi: validateCsi,
  ephemeral: validateEphemeralVolume,
  image: validateImage,
}
const SOURCE_FIELDS = Object.keys(SOURCES) as readonly SourceField[]

/** Where errors of a source stand, if not under its own name. */
const SHOWN_AS: Partial<Record<SourceField, string>> = { gcePersistentDisk: 'persistentDisk' }
/** Where it stands that a source is one too many, if not under its own name: with Kubernetes' slips of the pen. */
const TOO_MANY_AS: Partial<Record<SourceField, string>> = { cephfs: 'cephFS', downwardAPI: 'downwarAPI' }

/** The volumes that are as they should be, by name: containers may mount only these. */
export type ValidVolumes = ReadonlyMap<string, core.Volume>
const NO_VOLUMES: ValidVolumes = new Map()

export function validateVolumes(
  volumes: readonly core.Volume[] | undefined,
  meta: ObjectMeta | undefined,
  path: Path,
  errors: FieldErrors,
  options: PodValidationOptions,
): ValidVolumes {
  if (volumes === undefined || volumes.length === 0) return NO_VOLUMES
  const valid = new Map<string, core.Volume>()
  const podName = meta?.name ?? ''
  const madeClaims =
    podName === '' ? [] : volumes.filter((volume) => volume.ephemeral !== undefined).map(({ name }) => `${podName}-${name}`)
  volumes.forEach((volume, i) => {
    const before = errors.length
    const at = path.index(i)
    validateSource(volume, at, errors, options)
    const name = volume.name ?? ''
    if (name === '') errors.push(fieldError.required(at.child('name')))
    else invalidText(name, dnsLabelErrors(name), at.child('name'), errors)
    if (valid.has(name)) errors.push(fieldError.duplicate(at.child('name'), name))
    if (errors.length === before) valid.set(name, volume)
    const claim = volume.persistentVolumeClaim?.claimName
    if (claim !== undefined && madeClaims.includes(claim)) {
      errors.push(
        fieldError.invalid(
          at.child('persistentVolumeClaim').child('claimName'),
          claim,
          'must not reference a PVC that gets created for an ephemeral volume',
        ),
      )
    }
  })
  return valid
}

function validateSource(volume: core.Volume, path: Path, errors: FieldErrors, options: PodValidationOptions): void {
  const fields = sourcesOf(volume)
  fields.forEach((field, i) => {
    if (i > 0) errors.push(fieldError.forbidden(path.child(TOO_MANY_AS[field] ?? field), 'may not specify more than 1 volume type'))
    else checkSource(volume, field, path.child(SHOWN_AS[field] ?? field), errors, options)
  })
  if (fields.length === 0) errors.push(fieldError.required(path, 'must specify a volume type'))
  if (volume.iscsi?.initiatorName !== undefined && `${volume.name}:${volume.iscsi.targetPortal}`.length > LONGEST_INITIATOR_NAME) {
    const why = 'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.'
    errors.push(fieldError.invalid(path.child('name'), volume.name, why))
  }
}

/** The kinds that this volume claims to be, in Kubernetes' order. */
function sourcesOf(volume: core.Volume): SourceField[] {
  const fields: SourceField[] = []
  for (const field of Object.keys(volume) as (keyof core.Volume)[])
    if (field !== 'name' && volume[field] !== undefined && Object.hasOwn(SOURCES, field)) fields.push(field)
  return fields.length < 2 ? fields : fields.sort((a, b) => SOURCE_FIELDS.indexOf(a) - SOURCE_FIELDS.indexOf(b))
}

function checkSource<F extends SourceField>(
  volume: core.Volume,
  field: F,
  path: Path,
  errors: FieldErrors,
  options: PodValidationOptions,
): void {
  const source = volume[field]
  if (source !== undefined && source !== null) SOURCES[field](source, path, errors, options)
}

function validateImage(source: core.ImageVolumeSource, path: Path, errors: FieldErrors, options: PodValidationOptions): void {
  if (options.isPod === true && (source.reference ?? '') === '') errors.push(fieldError.required(path.child('reference')))
  validateRequiredEnum(source.pullPolicy, PULL_POLICIES, path.child('pullPolicy'), errors)
}

function validateEmptyDir({ sizeLimit }: core.EmptyDirVolumeSource, path: Path, errors: FieldErrors): void {
  if (sizeLimit !== undefined && compareQuantities(sizeLimit, 0) < 0) {
    errors.push(fieldError.forbidden(path.child('sizeLimit'), 'SizeLimit field must be a valid resource quantity'))
  }
}
