import { type FieldErrors, fieldError } from '../../../meta/field-error.ts'
import type { Path } from '../../../meta/path.ts'
import type * as core from '../../../types/core-v1.gen.ts'
import { validateNoWayUp, validateRelativePath } from '../../../validation/values.ts'
import type { AnyContainer } from '../../visit.ts'
import type { ValidVolumes } from '../volumes/volumes.ts'

const PROPAGATIONS = ['Bidirectional', 'HostToContainer', 'None']
const RECURSIVE_READ_ONLY = ['Disabled', 'Enabled', 'IfPossible']

/** Some errors stand at the list, not at the mount. */
export function validateVolumeMounts(
  container: AnyContainer,
  mounts: readonly core.VolumeMount[],
  volumes: ValidVolumes,
  path: Path,
  errors: FieldErrors,
): void {
  const devices = container.volumeDevices ?? []
  const taken = new Set<string>()
  mounts.forEach((mount, i) => {
    const at = path.index(i)
    const { name = '', mountPath = '', subPath = '', subPathExpr = '' } = mount
    if (name === '') errors.push(fieldError.required(at.child('name')))
    if (!volumes.has(name)) errors.push(fieldError.notFound(at.child('name'), name))
    if (mountPath === '') errors.push(fieldError.required(at.child('mountPath')))
    if (taken.has(mountPath)) errors.push(fieldError.invalid(at.child('mountPath'), mountPath, 'must be unique'))
    taken.add(mountPath)
    if (devices.some((device) => device.name === name))
      errors.push(fieldError.invalid(at.child('name'), name, 'must not already exist in volumeDevices'))
    if (devices.some((device) => device.devicePath === mountPath)) {
      errors.push(fieldError.invalid(at.child('mountPath'), mountPath, 'must not already exist as a path in volumeDevices'))
    }
    if (subPath !== '') validateRelativePath(subPath, path.child('subPath'), errors)
    if (subPathExpr !== '') {
      if (subPath !== '')
        errors.push(fieldError.invalid(at.child('subPathExpr'), subPathExpr, 'subPathExpr and subPath are mutually exclusive'))
      validateRelativePath(subPathExpr, path.child('subPathExpr'), errors)
    }
    validatePropagation(mount, container.securityContext?.privileged === true, path.child('mountPropagation'), errors)
    validateRecursiveReadOnly(mount, path.child('recursiveReadOnly'), errors)
  })
}

function validatePropagation({ mountPropagation }: core.VolumeMount, privileged: boolean, path: Path, errors: FieldErrors): void {
  if (mountPropagation === undefined) return
  if (!PROPAGATIONS.includes(mountPropagation)) errors.push(fieldError.notSupported(path, mountPropagation, PROPAGATIONS))
  if (mountPropagation === 'Bidirectional' && !privileged) {
    errors.push(fieldError.forbidden(path, 'Bidirectional mount propagation is available only to privileged containers'))
  }
}

function validateRecursiveReadOnly(
  { recursiveReadOnly, readOnly, mountPropagation }: core.VolumeMount,
  path: Path,
  errors: FieldErrors,
): void {
  if (recursiveReadOnly === undefined || recursiveReadOnly === 'Disabled') return
  if (!RECURSIVE_READ_ONLY.includes(recursiveReadOnly)) {
    errors.push(fieldError.notSupported(path, recursiveReadOnly, RECURSIVE_READ_ONLY))
    return
  }
  if (readOnly !== true) errors.push(fieldError.forbidden(path, 'may only be specified when readOnly is true'))
  if (mountPropagation !== undefined && mountPropagation !== 'None') {
    errors.push(fieldError.forbidden(path, 'may only be specified when mountPropagation is None or not specified'))
  }
}

export function validateVolumeDevices(
  container: AnyContainer,
  devices: readonly core.VolumeDevice[],
  volumes: ValidVolumes,
  path: Path,
  errors: FieldErrors,
): void {
  const mounts = container.volumeMounts ?? []
  const names = new Set<string>()
  const paths = new Set<string>()
  devices.forEach(({ name = '', devicePath = '' }, i) => {
    const [namePath, pathPath] = [path.index(i).child('name'), path.index(i).child('devicePath')]
    const volume = volumes.get(name)
    if (name === '') errors.push(fieldError.required(namePath))
    if (names.has(name)) errors.push(fieldError.invalid(namePath, name, 'must be unique'))
    if (volume === undefined) errors.push(fieldError.notFound(namePath, name))
    else if (volume.persistentVolumeClaim === undefined && volume.ephemeral === undefined) {
      errors.push(
        fieldError.invalid(namePath, name, 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode'),
      )
    }
    if (devicePath === '') errors.push(fieldError.required(pathPath))
    if (paths.has(devicePath)) errors.push(fieldError.invalid(pathPath, devicePath, 'must be unique'))
    const wayUp: FieldErrors = []
    validateNoWayUp(devicePath, pathPath, wayUp)
    if (wayUp.length > 0) errors.push(fieldError.invalid(pathPath, devicePath, "can not contain backsteps ('..')"))
    else paths.add(devicePath)
    if (mounts.some((mount) => mount.name === name))
      errors.push(fieldError.invalid(namePath, name, 'must not already exist in volumeMounts'))
    if (mounts.some((mount) => mount.mountPath === devicePath)) {
      errors.push(fieldError.invalid(pathPath, devicePath, 'must not already exist as a path in volumeMounts'))
    }
    if (name !== '') names.add(name)
  })
}
